"""The gate before a search (LAW-01 to LAW-04, LAW-07, LAW-09), and the other rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import CountedEntropy
from tests.policy.conftest import Ask

from custodes.errors import Refused
from custodes.ids import AccountId, AgencyId
from custodes.policy import Action, Decision, decide, missing_fields, named_person
from custodes.policy.facts import (
    AccountFacts,
    AgreementFacts,
    ApprovalFacts,
    CaseFacts,
    CorrectionFacts,
    RecordFacts,
    RequestFacts,
    SearchFacts,
)
from custodes.policy.offences import serious_offences
from custodes.types import Authority, Barrier, CorrectionState, ProbeSource, Purpose, RequestState, Role

# each field of LAW-01, what it looks like when it was left out, and how the refusal names it
_LEFT_OUT: dict[str, tuple[Any, str]] = {
    "case": (None, "case number"),
    "case_number": ("  ", "case number"),
    "offence_code": ("", "offence"),
    "purpose": (None, "purpose"),
    "authority": (None, "legal authority"),
    "authority_reference": ("\t", "legal authority"),
    "necessity": ("", "necessity and proportionality"),
    "source": (None, "probe source"),
    "how_obtained": ("\n ", "how the probe was obtained"),
    "has_probe": (False, "probe"),
    "face_picked": (False, "face"),
}
_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


def _without(facts: RequestFacts, names: set[str]) -> RequestFacts:
    return replace(facts, **{name: _LEFT_OUT[name][0] for name in names})


@_SHARED
@given(names=st.sets(st.sampled_from(sorted(_LEFT_OUT))))
def test_whatever_is_left_out_of_a_request_is_refused_by_name(
    names: set[str], complete: RequestFacts, someone: Ask
) -> None:
    """LAW-01, over all subsets of the fields."""
    decision = decide(Action.REQUEST_SEARCH, someone(), _without(complete, names))
    expected = {_LEFT_OUT[name][1] for name in names}
    assert decision.allowed is (not names)
    assert set(missing_fields(_without(complete, names))) == expected
    if names:
        assert decision.rule == "gate.incomplete-request"
        assert all(name in str(decision.reason) for name in expected)


@_SHARED
@given(names=st.sets(st.sampled_from(sorted(_LEFT_OUT)), min_size=1))
def test_a_request_spoiled_after_its_approval_cannot_be_searched(
    names: set[str], complete: RequestFacts, someone: Ask, entropy: CountedEntropy
) -> None:
    """LAW-01 is asked again at the moment of the search."""
    actor = AccountId.new(entropy)
    facts = SearchFacts(_without(complete, names), actor, AccountId.new(entropy), RequestState.APPROVED)
    assert decide(Action.SEARCH, someone(actor=actor), facts).rule == "gate.incomplete-request"


def test_a_complete_request_is_allowed(complete: RequestFacts, someone: Ask) -> None:
    assert decide(Action.REQUEST_SEARCH, someone(), complete) == Decision(True, "gate.complete-request")


@pytest.mark.parametrize("code", ["CC 334", "nonsense", "cc 344", "CC 344 "])
def test_an_offence_that_is_not_on_the_list_is_refused(code: str, complete: RequestFacts, someone: Ask) -> None:
    """LAW-02; the refusal can be raised although one of its values is called ``code``."""
    decision = decide(Action.REQUEST_SEARCH, someone(), replace(complete, offence_code=code))
    assert decision.rule == "gate.serious-offence"
    with pytest.raises(Refused) as refusal:
        decision.require()
    assert refusal.value.code == "gate.serious-offence"
    assert code in str(refusal.value)


def test_the_serious_offences_have_a_title_in_both_languages() -> None:
    assert serious_offences()
    for code, offence in serious_offences().items():
        assert code == offence.code.strip()
        assert offence.title("en")
        assert offence.title("fr-CA") != offence.title("en")


def test_the_purposes_are_a_closed_list_without_surveillance_or_immigration() -> None:
    """LAW-03, LAW-07."""
    assert {purpose.value for purpose in Purpose} == {
        "person-of-interest",
        "victim",
        "witness",
        "missing-person",
        "deceased",
    }


def test_the_probe_sources_are_a_closed_list_without_the_web_or_anything_live() -> None:
    """LAW-04."""
    assert {source.value for source in ProbeSource} == {
        "cctv-recording",
        "scene-photograph",
        "victim-or-witness-recording",
        "seized-device",
        "atm-or-transit-recording",
        "photograph-of-deceased",
    }


@pytest.mark.parametrize("kind", [Purpose, ProbeSource, Authority])
@pytest.mark.parametrize(
    "value",
    ["", "social-media", "live", "rtsp://camera", "https://example.org/a.jpg", "immigration", "public-safety", "OTHER"],
)
def test_a_value_outside_a_closed_list_cannot_be_made(kind: type[Purpose], value: str) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        kind(value)


@pytest.mark.parametrize("action", [Action.ADD_PROBE, Action.CLOSE_CASE])
@pytest.mark.parametrize(
    ("own", "is_open", "rule"), [(True, False, "gate.closed-case"), (False, True, "gate.own-agency")]
)
def test_a_closed_or_foreign_case_takes_nothing_more(
    action: Action, own: bool, is_open: bool, rule: str, someone: Ask, agency: AgencyId, entropy: CountedEntropy
) -> None:
    facts = CaseFacts(agency if own else AgencyId.new(entropy), is_open)
    decision = decide(action, someone(), facts)
    assert (decision.allowed, decision.rule) == (False, rule)


# --- the second person (LAW-09) ---------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.APPROVE_SEARCH, Action.DECLINE_SEARCH])
class TestSecondPerson:
    def _facts(self, agency: AgencyId, requester: AccountId, **changes: Any) -> ApprovalFacts:
        return replace(ApprovalFacts(CaseFacts(agency, is_open=True), requester, RequestState.AWAITING), **changes)

    def test_another_person_decides(
        self, action: Action, someone: Ask, agency: AgencyId, entropy: CountedEntropy
    ) -> None:
        facts = self._facts(agency, AccountId.new(entropy))
        assert decide(action, someone(Role.SUPERVISOR), facts).allowed

    def test_nobody_decides_their_own_request(
        self, action: Action, someone: Ask, agency: AgencyId, entropy: CountedEntropy
    ) -> None:
        actor = AccountId.new(entropy)
        decision = decide(action, someone(Role.SUPERVISOR, actor), self._facts(agency, actor))
        assert (decision.allowed, decision.rule) == (False, "gate.second-person")

    @pytest.mark.parametrize("state", sorted(set(RequestState) - {RequestState.AWAITING}))
    def test_nothing_is_decided_twice(
        self, action: Action, state: RequestState, someone: Ask, agency: AgencyId, entropy: CountedEntropy
    ) -> None:
        facts = self._facts(agency, AccountId.new(entropy), state=state)
        assert decide(action, someone(Role.SUPERVISOR), facts).rule == "gate.already-decided"

    def test_nothing_is_decided_in_a_closed_case(
        self, action: Action, someone: Ask, agency: AgencyId, entropy: CountedEntropy
    ) -> None:
        facts = self._facts(agency, AccountId.new(entropy), case=CaseFacts(agency, is_open=False))
        assert decide(action, someone(Role.SUPERVISOR), facts).rule == "gate.closed-case"

    def test_nobody_of_another_service_decides(self, action: Action, someone: Ask, entropy: CountedEntropy) -> None:
        facts = self._facts(AgencyId.new(entropy), AccountId.new(entropy))
        assert decide(action, someone(Role.SUPERVISOR), facts).rule == "gate.own-agency"


# --- the last look before the engine ----------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(set(RequestState) - {RequestState.APPROVED}))
def test_only_an_approved_request_is_searched(
    state: RequestState, complete: RequestFacts, someone: Ask, entropy: CountedEntropy
) -> None:
    actor = AccountId.new(entropy)
    decision = decide(Action.SEARCH, someone(actor=actor), SearchFacts(complete, actor, AccountId.new(entropy), state))
    assert not decision.allowed
    assert decision.rule == ("gate.already-searched" if state is RequestState.SEARCHED else "gate.not-approved")


@pytest.mark.parametrize("approver", ["nobody", "oneself"])
def test_a_state_that_says_approved_without_a_second_person_is_not_believed(
    approver: str, complete: RequestFacts, someone: Ask, entropy: CountedEntropy
) -> None:
    actor = AccountId.new(entropy)
    facts = SearchFacts(complete, actor, actor if approver == "oneself" else None, RequestState.APPROVED)
    assert decide(Action.SEARCH, someone(actor=actor), facts).rule == "gate.not-approved"


def test_nobody_runs_another_persons_search(complete: RequestFacts, someone: Ask, entropy: CountedEntropy) -> None:
    facts = SearchFacts(complete, AccountId.new(entropy), AccountId.new(entropy), RequestState.APPROVED)
    assert decide(Action.SEARCH, someone(), facts).rule == "gate.own-request"


# --- records ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "own", "was_candidate", "barriers", "allowed"),
    [
        (Role.RECORDS_OFFICER, True, False, Barrier.NONE, True),
        (Role.RECORDS_OFFICER, True, False, Barrier.YOUTH, True),
        (Role.RECORDS_OFFICER, False, False, Barrier.NONE, False),
        (Role.RECORDS_OFFICER, False, True, Barrier.NONE, False),
        (Role.SEARCHER, True, False, Barrier.NONE, False),
        (Role.SEARCHER, False, True, Barrier.NONE, True),
        (Role.SEARCHER, True, True, Barrier.NONE, True),
        (Role.SEARCHER, True, True, Barrier.YOUTH, False),
        (Role.SUPERVISOR, False, False, Barrier.NONE, False),
        (Role.SUPERVISOR, False, True, Barrier.NONE, True),
        (Role.SUPERVISOR, False, True, Barrier.NO_GROUND | Barrier.NO_DATE, False),
        (Role.ADMINISTRATOR, True, True, Barrier.NONE, False),
        (Role.AUDITOR, True, True, Barrier.NONE, False),
    ],
)
def test_who_may_see_a_record(
    role: Role, own: bool, was_candidate: bool, barriers: Barrier, allowed: bool,
    someone: Ask, agency: AgencyId, entropy: CountedEntropy,
) -> None:  # fmt: skip
    facts = RecordFacts(agency if own else AgencyId.new(entropy), was_candidate, barriers, is_shared=True)
    assert decide(Action.VIEW_RECORD, someone(role), facts).allowed is allowed


def test_a_candidate_of_a_partner_is_hidden_without_an_agreement(someone: Ask, entropy: CountedEntropy) -> None:
    """SHR-01."""
    facts = RecordFacts(AgencyId.new(entropy), was_candidate=True)
    assert decide(Action.VIEW_RECORD, someone(Role.SEARCHER), facts).rule == "gate.no-agreement"


# --- people and agreements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"full_name": "Moreau"},
        {"full_name": "   "},
        {"full_name": "A " * 101},
        {"personnel_number": ""},
        {"personnel_number": "  "},
        {"personnel_number": "9" * 41},
        {"email": ""},
        {"email": "ada.moreau"},
        {"email": "@nrp.example"},
        {"email": "ada.moreau@"},
        {"email": "ada moreau@nrp.example"},
        {"email": "ada@moreau@nrp.example"},
        {"email": "admin@nrp.example"},
        {"email": "ADMIN@nrp.example"},
        {"email": "front.desk@nrp.example"},
        {"email": "unit-4+trial@nrp.example"},
        {"email": f"{'a' * 250}@nrp.example"},
    ],
    ids=str,
)
def test_an_account_that_is_no_named_person_is_refused(changes: dict[str, str]) -> None:
    """IAM-01."""
    facts = replace(AccountFacts("Ada Moreau", "ada.moreau@nrp.example", "17"), **changes)
    assert named_person(facts).rule == "gate.named-person"
    assert not named_person(facts).allowed


@pytest.mark.parametrize("email", ["ada.moreau@nrp.example", "a.infante@nrp.example", " j.o'neil@police.example "])
def test_a_named_person_is_accepted(email: str) -> None:
    assert named_person(AccountFacts("Ada Moreau", email, "17")).allowed


@pytest.mark.parametrize("spoiled", ["one service", "no document", "backwards"])
def test_an_agreement_without_two_services_a_document_and_dates_is_refused(
    spoiled: str, someone: Ask, agency: AgencyId, entropy: CountedEntropy
) -> None:
    """SHR-01."""
    good = AgreementFacts(agency, AgencyId.new(entropy), "MOU 7", date(2026, 1, 1), date(2026, 1, 1))
    assert decide(Action.REGISTER_AGREEMENT, someone(Role.ADMINISTRATOR), good).allowed
    bad = {
        "one service": replace(good, searcher=agency),
        "no document": replace(good, reference=" "),
        "backwards": replace(good, ends_on=date(2025, 12, 31)),
    }[spoiled]
    assert decide(Action.REGISTER_AGREEMENT, someone(Role.ADMINISTRATOR), bad).rule == "gate.dated-agreement"


def test_a_refusal_carries_its_rule_reason_and_hint() -> None:
    from custodes.policy.decision import refused

    with pytest.raises(Refused) as refusal:
        refused("gate.test", "No: %(code)s, %(rule)s.", "Ask %(reason)s.", code="c", rule="r", reason="x").require()
    assert str(refusal.value) == "[gate.test] No: c, r. Ask x."


# --- corrections ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.CONFIRM_CORRECTION, Action.DECLINE_CORRECTION])
@pytest.mark.parametrize("role", [Role.RECORDS_OFFICER, Role.SUPERVISOR])
def test_a_correction_that_waits_is_decided_by_somebody_else_of_the_service_that_owns_the_record(
    action: Action, role: Role, someone: Ask, agency: AgencyId, entropy: CountedEntropy
) -> None:
    """LAW-13: one person's word opens no record."""
    context = someone(role)
    facts = CorrectionFacts(agency, AccountId.new(entropy), CorrectionState.WAITING)
    assert decide(action, context, facts).allowed
    assert context.actor is not None
    refusals = {
        "gate.second-officer": replace(facts, proposer=context.actor),
        "gate.own-agency": replace(facts, owner=AgencyId.new(entropy)),
        "gate.correction-decided": replace(facts, state=CorrectionState.CONFIRMED),
    }
    for rule, spoiled in refusals.items():
        decision = decide(action, context, spoiled)
        assert (decision.allowed, decision.rule) == (False, rule)


@pytest.mark.parametrize("state", [state for state in CorrectionState if state is not CorrectionState.WAITING])
def test_only_what_waits_can_be_decided(
    state: CorrectionState, someone: Ask, agency: AgencyId, entropy: CountedEntropy
) -> None:
    facts = CorrectionFacts(agency, AccountId.new(entropy), state)
    assert decide(Action.CONFIRM_CORRECTION, someone(Role.SUPERVISOR), facts).rule == "gate.correction-decided"


def test_a_profile_of_a_candidate_is_shown_to_the_examiner_and_a_barred_one_is_not(
    someone: Ask, agency: AgencyId
) -> None:
    facts = RecordFacts(agency, was_candidate=True, barriers=Barrier.POSE, is_shared=True)
    assert decide(Action.VIEW_RECORD, someone(Role.SEARCHER), facts).allowed
    barred = replace(facts, barriers=Barrier.POSE | Barrier.YOUTH)
    assert decide(Action.VIEW_RECORD, someone(Role.SEARCHER), barred).rule == "gate.quarantined"
    vanished = replace(facts, barriers=Barrier.VANISHED)
    assert decide(Action.VIEW_RECORD, someone(Role.SEARCHER), vanished).rule == "gate.quarantined"
