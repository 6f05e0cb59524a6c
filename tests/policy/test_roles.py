"""Who may try what (IAM-02, IAM-05): default deny, and the whole matrix written out a second time by hand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import CountedEntropy
from tests.policy.conftest import Ask

from custodes.ids import AgencyId
from custodes.policy import CONFLICTING, ROLES, Action, decide
from custodes.policy.facts import GrantFacts, NoFacts, OwnedFacts
from custodes.policy.gate import _RULES
from custodes.types import Role

# one letter per role: Searcher, sUpervisor, Records officer, Auditor, aDministrator; reviewers and verifiers: none yet
_LETTERS = {
    "S": Role.SEARCHER,
    "U": Role.SUPERVISOR,
    "R": Role.RECORDS_OFFICER,
    "A": Role.AUDITOR,
    "D": Role.ADMINISTRATOR,
    "v": Role.REVIEWER,
    "w": Role.VERIFIER,
}
_MATRIX = {
    Action.CREATE_AGENCY: "D",
    Action.REGISTER_AGREEMENT: "D",
    Action.CREATE_ACCOUNT: "D",
    Action.GRANT_ROLE: "D",
    Action.WITHDRAW_ROLE: "D",
    Action.SUSPEND_ACCOUNT: "D",
    Action.REINSTATE_ACCOUNT: "D",
    Action.END_ACCOUNT: "D",
    Action.ADD_PACK: "D",
    Action.REMOVE_PACK: "D",
    Action.ENROL: "R",
    Action.CHECK_ENROLMENT: "R",
    Action.UPDATE_DISPOSITIONS: "R",
    Action.CHECK_DISPOSITIONS: "R",
    Action.VIEW_CORRECTIONS: "RU",
    Action.CONFIRM_CORRECTION: "RU",
    Action.DECLINE_CORRECTION: "RU",
    Action.VIEW_RECORD: "RSU",
    Action.OPEN_CASE: "SU",
    Action.CLOSE_CASE: "SU",
    Action.VIEW_CASE: "SU",
    Action.ADD_PROBE: "S",
    Action.REQUEST_SEARCH: "S",
    Action.APPROVE_SEARCH: "U",
    Action.DECLINE_SEARCH: "U",
    Action.SEARCH: "S",
    Action.VIEW_CANDIDATES: "SU",
    Action.REPLAY_SEARCH: "UA",
    Action.VIEW_WORK: "SURADvw",
    Action.VIEW_LOG: "A",
    Action.CHECK_GALLERY: "A",
    Action.VERIFY_LOG: "A",
    Action.ADOPT_THRESHOLD: "D",
    Action.EXPORT_PROOF: "A",
    Action.EXTEND_QUORUM: "A",
    Action.RESTORE_LOG: "A",
    Action.DISCLOSE: "A",
    Action.DECLARE_SUCCESSOR: "A",
    Action.VIEW_KEYS: "DA",
    Action.PROTECT_KEY: "D",
    Action.ROTATE_KEY: "D",
}
_IMAGES_AND_CASES = {
    Action.VIEW_RECORD,
    Action.VIEW_CASE,
    Action.VIEW_CANDIDATES,
    Action.ADD_PROBE,
    Action.SEARCH,
    Action.ENROL,
}


def test_every_action_has_its_roles_and_its_rule() -> None:
    assert set(ROLES) == set(_RULES) == set(Action) == set(_MATRIX)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_may_try_only_what_the_matrix_says(action: Action, role: Role, someone: Ask) -> None:
    """IAM-02."""
    may = role in {_LETTERS[letter] for letter in _MATRIX[action]}
    assert (role in ROLES[action]) is may
    if not may:
        decision = decide(action, someone(role))
        assert (decision.allowed, decision.rule) == (False, "gate.role")


@pytest.mark.parametrize("action", sorted(_IMAGES_AND_CASES))
def test_an_administrator_comes_near_no_image_and_no_case(action: Action) -> None:
    """IAM-05."""
    assert Role.ADMINISTRATOR not in ROLES[action]


@pytest.mark.parametrize("action", Action)
def test_nobody_who_is_not_signed_in_may_do_anything(action: Action, someone: Ask) -> None:
    decision = decide(action, someone(None))
    assert (decision.allowed, decision.rule) == (False, "gate.signed-in")


def test_an_action_that_nobody_listed_is_refused(someone: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROLES, Action.VIEW_WORK)
    assert decide(Action.VIEW_WORK, someone(Role.AUDITOR)).rule == "gate.role"


def test_an_action_without_a_rule_is_refused_even_to_a_role_that_is_listed(
    someone: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(_RULES, Action.VIEW_LOG)
    decision = decide(Action.VIEW_LOG, someone(Role.AUDITOR))
    assert (decision.allowed, decision.rule) == (False, "gate.no-rule")


@pytest.mark.parametrize("facts", [None, NoFacts(), GrantFacts(Role.AUDITOR, frozenset())])
@pytest.mark.parametrize("action", [a for a in Action if _RULES[a].facts is not NoFacts and a is not Action.GRANT_ROLE])
def test_a_decision_without_its_facts_is_a_refusal_not_a_crash(action: Action, facts: Any, someone: Ask) -> None:
    decision = decide(action, someone(min(ROLES[action])), facts)
    assert (decision.allowed, decision.rule) == (False, "gate.no-facts")


@pytest.mark.parametrize(
    ("held", "asked"),
    [pair for roles in sorted(CONFLICTING, key=sorted) for pair in (tuple(sorted(roles)), tuple(sorted(roles))[::-1])],
)
def test_conflicting_roles_are_refused_in_either_order(held: Role, asked: Role, someone: Ask) -> None:
    """IAM-02."""
    facts = GrantFacts(asked, frozenset({held}))
    decision = decide(Action.GRANT_ROLE, someone(Role.ADMINISTRATOR), facts)
    assert (decision.allowed, decision.rule) == (False, "gate.conflicting-roles")


@pytest.mark.parametrize("other", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_an_administrator_can_hold_no_other_role(other: Role, someone: Ask) -> None:
    """IAM-05: whoever grants roles may not grant themselves a look at an image."""
    facts = GrantFacts(other, frozenset({Role.ADMINISTRATOR}))
    assert not decide(Action.GRANT_ROLE, someone(Role.ADMINISTRATOR), facts).allowed


@pytest.mark.parametrize("other", sorted(set(Role) - {Role.AUDITOR}))
def test_an_auditor_can_hold_no_other_role(other: Role, someone: Ask) -> None:
    """Nobody audits their own deeds."""
    facts = GrantFacts(other, frozenset({Role.AUDITOR}))
    assert not decide(Action.GRANT_ROLE, someone(Role.ADMINISTRATOR), facts).allowed


def test_a_searcher_may_also_be_a_supervisor_because_approval_needs_a_second_person(someone: Ask) -> None:
    facts = GrantFacts(Role.SUPERVISOR, frozenset({Role.SEARCHER}))
    assert decide(Action.GRANT_ROLE, someone(Role.ADMINISTRATOR), facts).allowed


@pytest.mark.parametrize("action", [a for a in Action if _RULES[a].facts is OwnedFacts])
def test_what_belongs_to_another_service_is_refused(action: Action, someone: Ask, entropy: CountedEntropy) -> None:
    foreign = OwnedFacts(AgencyId.new(entropy))
    for role in ROLES[action]:
        assert decide(action, someone(role), foreign).rule == "gate.own-agency"
        assert not decide(action, someone(role), foreign).allowed
