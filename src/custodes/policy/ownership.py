"""Whose it is: what belongs to a service, who sees its records, and whose word makes one of them searchable."""

from __future__ import annotations

from custodes.ids import AgencyId
from custodes.policy.decision import Decision, allowed, refused
from custodes.policy.facts import CorrectionFacts, OwnedFacts, RecordFacts
from custodes.text import N_
from custodes.types import Barrier, Context, CorrectionState, Role


def owned(context: Context, owner: AgencyId) -> Decision:
    """Allow what belongs to one's own service."""
    if owner == context.agency:
        return allowed("gate.own-agency")
    return refused(
        "gate.own-agency",
        N_("This belongs to another service."),
        N_("Ask the service that owns it."),
    )


def own_agency(context: Context, facts: OwnedFacts) -> Decision:
    """Allow what belongs to one's own service, of which nothing else need be known."""
    return owned(context, facts.owner)


def own_or_candidate(context: Context, facts: RecordFacts) -> Decision:
    """Records officers see their own service's records; examiners see what a search of theirs returned."""
    if context.role is Role.RECORDS_OFFICER:
        return owned(context, facts.owner)
    if facts.was_candidate and facts.owner != context.agency and not facts.is_shared:
        return refused(
            "gate.no-agreement",
            N_("No agreement with the service that owns this record is in force now."),
            N_("The records officer of the service that owns it can help."),
        )
    if facts.was_candidate and facts.barriers & ~Barrier.POSE:
        return refused(
            "gate.quarantined",
            N_("This record is quarantined: it may not be searched, so no search could have shown it."),
            N_("The records officer of the service that owns it can help."),
        )
    if facts.was_candidate:
        return allowed("gate.was-candidate")
    return refused(
        "gate.no-need-to-see",
        N_("You may see this record only while a case is open in which a search of your own service returned it."),
        N_("The records officer of the service that owns it can help."),
    )


def second_officer(context: Context, facts: CorrectionFacts) -> Decision:
    """What makes a record searchable is not one person's word: somebody else of the service that owns it decides."""
    own = owned(context, facts.owner)
    if not own.allowed:
        return own
    if facts.proposer == context.actor:
        return refused(
            "gate.second-officer",
            N_("You brought this correction in, so you cannot confirm or decline it."),
            N_("Another records officer or a supervisor of your service must decide."),
        )
    if facts.state is not CorrectionState.WAITING:
        return refused(
            "gate.correction-decided",
            N_("This correction does not wait any more: it was decided, or the records system has stated otherwise."),
            N_("List those that wait with “custodes records waiting”."),
        )
    return allowed("gate.second-officer")
