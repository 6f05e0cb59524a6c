"""Which model packs an administrator may add or remove (ENG-04, SEC-06)."""

from __future__ import annotations

from custodes.policy.decision import Decision, allowed, refused
from custodes.policy.facts import PackFacts, PackUseFacts, Signature
from custodes.text import N_
from custodes.types import Context


def trusted_pack(_context: Context, facts: PackFacts) -> Decision:
    """ENG-04: no research weights in casework; SEC-06: a trusted signature, or an administrator who answers for it."""
    if not (facts.operational_use or facts.evaluation):
        return refused(
            "gate.research-pack",
            N_("The licence of this model pack does not allow operational use."),
            N_("Use another pack, or try this one in an installation that was made for evaluation."),
        )
    if facts.unsigned_accepted or facts.signature is Signature.TRUSTED:
        return allowed("gate.trusted-pack")
    if facts.signature is Signature.WRONG:
        return refused(
            "gate.wrong-signature",
            N_("The manifest's signature was made by no key that is trusted here."),
            N_("Ask whoever made the pack. If you answer for it yourself, add it with --trust-unsigned."),
        )
    if facts.evaluation:
        return allowed("gate.evaluation-pack")
    return refused(
        "gate.unsigned-pack",
        N_("The manifest of this model pack is not signed."),
        N_(
            "Have it signed by a key that is trusted here. If you answer for it yourself, add it with --trust-unsigned."
        ),
    )


def idle_pack(_context: Context, facts: PackUseFacts) -> Decision:
    """ENG-01, SRCH-06: a pack stays as long as something that it made is kept, or the installation works with it."""
    if facts.is_in_use:
        return refused(
            "gate.pack-in-use",
            N_("The installation works with this model pack."),
            N_("Set CUSTODES_PACK to another pack first."),
        )
    if facts.templates or facts.searches:
        return refused(
            "gate.pack-has-templates",
            N_("%(templates)s templates and %(searches)s searches are kept that this model pack made."),
            N_("Without the pack they could be neither searched nor repeated. It can be removed when they are gone."),
            templates=facts.templates,
            searches=facts.searches,
        )
    return allowed("gate.idle-pack")
