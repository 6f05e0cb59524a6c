"""Which model packs may be added or removed: every combination that decides (ENG-04, SEC-06)."""

from __future__ import annotations

from itertools import product

import pytest
from tests.policy.conftest import Ask

from custodes.policy import Action, decide
from custodes.policy.facts import PackFacts, PackUseFacts, Signature
from custodes.types import Role


def rule(someone: Ask, facts: PackFacts | PackUseFacts, action: Action = Action.ADD_PACK) -> str:
    decision = decide(action, someone(Role.ADMINISTRATOR), facts)
    return decision.rule if decision.allowed else f"refused by {decision.rule}"


@pytest.mark.parametrize(
    ("operational", "evaluation", "signature", "accepted", "expected"),
    [
        (True, False, Signature.TRUSTED, False, "gate.trusted-pack"),
        (True, False, Signature.NONE, False, "refused by gate.unsigned-pack"),
        (True, False, Signature.WRONG, False, "refused by gate.wrong-signature"),
        (True, False, Signature.NONE, True, "gate.trusted-pack"),
        (True, False, Signature.WRONG, True, "gate.trusted-pack"),
        (True, True, Signature.NONE, False, "gate.evaluation-pack"),
        (False, True, Signature.NONE, False, "gate.evaluation-pack"),
        (False, True, Signature.TRUSTED, False, "gate.trusted-pack"),
        (False, True, Signature.WRONG, False, "refused by gate.wrong-signature"),
        (False, True, Signature.WRONG, True, "gate.trusted-pack"),
    ],
)
def test_who_must_have_signed(
    someone: Ask, operational: bool, evaluation: bool, signature: Signature, accepted: bool, expected: str
) -> None:
    assert rule(someone, PackFacts(operational, evaluation, signature, accepted)) == expected


@pytest.mark.parametrize(("signature", "accepted"), list(product(Signature, (False, True))))
def test_eng_04_nobody_can_sign_or_trust_research_weights_into_casework(
    someone: Ask, signature: Signature, accepted: bool
) -> None:
    assert rule(someone, PackFacts(False, False, signature, accepted)) == "refused by gate.research-pack"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (PackUseFacts(False, 0, 0), "gate.idle-pack"),
        (PackUseFacts(True, 0, 0), "refused by gate.pack-in-use"),
        (PackUseFacts(False, 1, 0), "refused by gate.pack-has-templates"),
        (PackUseFacts(False, 0, 1), "refused by gate.pack-has-templates"),
    ],
)
def test_a_pack_stays_as_long_as_anything_that_it_made(someone: Ask, facts: PackUseFacts, expected: str) -> None:
    assert rule(someone, facts, Action.REMOVE_PACK) == expected
