"""The gate: :func:`decide` says whether a person may do a thing now, and by which rule. Default: no.

Order: is somebody signed in, may their role try it, is there a rule for the action, does the rule allow it.
The rules for a search grow with casework; what is here is the core that no search can be without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from custodes.ids import AgencyId
from custodes.policy.actions import CONFLICTING, ROLES, Action
from custodes.policy.decision import Decision, allowed, refused
from custodes.policy.facts import (
    AccountFacts,
    AgreementFacts,
    AnyFacts,
    ApprovalFacts,
    CaseFacts,
    CorrectionFacts,
    GrantFacts,
    NoFacts,
    OwnedFacts,
    PackFacts,
    PackUseFacts,
    RecordFacts,
    RequestFacts,
    SearchFacts,
)
from custodes.policy.offences import serious_offences
from custodes.policy.packs import idle_pack, trusted_pack
from custodes.text import N_
from custodes.types import Barrier, Context, CorrectionState, RequestState, Role

F = TypeVar("F")
_SHARED_MAILBOXES = frozenset(
    re.findall(
        r"\w+",
        """
        admin administrator anonymous demo desk duty guest help info investigations office police reception records
        service shared support team test training trial unit user
        """,
    )
)
_LONGEST = {"email": 254, "name": 200, "number": 40}


@dataclass(frozen=True, slots=True)
class _Rule(Generic[F]):
    """A judgement, and the kind of facts without which it cannot be made."""

    facts: type[F]
    judge: Callable[[Context, F], Decision]

    def decide(self, context: Context, facts: object) -> Decision:
        if not isinstance(facts, self.facts):
            return refused("gate.no-facts", N_("The facts that this decision needs were not given."), "")
        return self.judge(context, facts)


def decide(action: Action, context: Context, facts: AnyFacts | None = None) -> Decision:
    """Return the decision on ``action`` by ``context``'s actor, given ``facts``."""
    if context.actor is None or context.agency is None or context.role is None:
        return refused(
            "gate.signed-in", N_("Nobody is signed in."), N_("Sign in with your own account, then try again.")
        )
    if context.role not in ROLES.get(action, frozenset()):
        return refused(
            "gate.role",
            N_("The role “%(role)s” may not do this (%(action)s)."),
            N_("Ask somebody who holds the right role, or act in another role that you hold."),
            role=context.role.value,
            action=action.value,
        )
    rule = _RULES.get(action)
    if rule is None:
        return refused("gate.no-rule", N_("No rule allows this (%(action)s)."), "", action=action.value)
    return rule.decide(context, facts if facts is not None else NoFacts())


def decide_beyond(action: Action, context: Context, owner: AgencyId, *, was_candidate: bool) -> Decision:
    """Return the decision on a thing that no agreement in force shows, and of which only the owner is known."""
    decision = decide(action, context)
    if decision.rule in ("gate.signed-in", "gate.role", "gate.no-rule"):
        return decision
    if action is Action.VIEW_RECORD:
        return _own_or_candidate(context, RecordFacts(owner, was_candidate))
    return _owned(context, owner)


def named_person(facts: AccountFacts) -> Decision:
    """IAM-01: accounts belong to named individuals; no shared, trial or anonymous ones."""
    mailbox = facts.email.strip().partition("@")[0].lower()
    is_shared = any(part in _SHARED_MAILBOXES for part in re.split(r"[.+_-]", mailbox))
    is_address = re.fullmatch(r"[^@\s]+@[^@\s]+", facts.email.strip()) and len(facts.email) <= _LONGEST["email"]
    is_name = len(facts.full_name.split()) > 1 and len(facts.full_name) <= _LONGEST["name"]
    is_number = 0 < len(facts.personnel_number.strip()) <= _LONGEST["number"]
    if is_shared or not (is_address and is_name and is_number):
        return refused(
            "gate.named-person",
            N_("An account belongs to one named person: full name, personal e-mail address and personnel number."),
            N_("Give all three. Shared, trial and anonymous accounts do not exist in Custodes."),
        )
    return allowed("gate.named-person")


def _role_is_enough(context: Context, facts: NoFacts) -> Decision:
    return allowed("gate.role")


def _own_agency(context: Context, facts: OwnedFacts) -> Decision:
    return _owned(context, facts.owner)


def _owned(context: Context, owner: AgencyId) -> Decision:
    if owner == context.agency:
        return allowed("gate.own-agency")
    return refused(
        "gate.own-agency",
        N_("This belongs to another service."),
        N_("Ask the service that owns it."),
    )


def _open_case(context: Context, facts: CaseFacts) -> Decision:
    own = _owned(context, facts.owner)
    if not own.allowed:
        return own
    if facts.is_open:
        return allowed("gate.open-case")
    return refused(
        "gate.closed-case",
        N_("The case is closed. Nothing can be searched or added in a closed case."),
        N_("Open a new case if there is a lawful reason to go on."),
    )


def _named_person(context: Context, facts: AccountFacts) -> Decision:
    return named_person(facts)


def _grant(context: Context, facts: GrantFacts) -> Decision:
    clash = next((held for held in facts.held if frozenset({held, facts.role}) in CONFLICTING), None)
    if clash is not None:
        return refused(
            "gate.conflicting-roles",
            N_("One person may not be both %(held)s and %(asked)s."),
            N_("Give the role to somebody else."),
            held=clash.value,
            asked=facts.role.value,
        )
    return allowed("gate.conflicting-roles")


def _own_or_candidate(context: Context, facts: RecordFacts) -> Decision:
    """Records officers see their own service's records; examiners see what a search of theirs returned."""
    if context.role is Role.RECORDS_OFFICER:
        return _owned(context, facts.owner)
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


def _second_officer(context: Context, facts: CorrectionFacts) -> Decision:
    """What makes a record searchable is not one person's word: somebody else of the service that owns it decides."""
    own = _owned(context, facts.owner)
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


def _dated_agreement(context: Context, facts: AgreementFacts) -> Decision:
    """SHR-01: a written agreement between two services, with a beginning and an end."""
    if facts.owner == facts.searcher or not facts.reference.strip() or facts.ends_on < facts.starts_on:
        return refused(
            "gate.dated-agreement",
            N_("A sharing agreement names two different services, a document, a first and a last day."),
            N_("Give all of them; the last day may not lie before the first."),
        )
    return allowed("gate.dated-agreement")


def _complete_request(context: Context, facts: RequestFacts) -> Decision:
    """LAW-01: every field; LAW-02: an offence of the list; an open case of one's own service."""
    missing = missing_fields(facts)
    if missing or facts.case is None:
        return refused(
            "gate.incomplete-request",
            N_("The request is incomplete. Missing: %(missing)s."),
            N_("Fill in every field. A search without them is not lawful, so it cannot be asked for."),
            missing=", ".join(missing),
        )
    case = _open_case(context, facts.case)
    if not case.allowed:
        return case
    if facts.offence_code not in serious_offences():
        return refused(
            "gate.serious-offence",
            N_("%(code)s is not on the list of serious offences for which a search may be asked."),
            N_("Choose the offence under investigation from the list."),
            code=facts.offence_code,
        )
    return allowed("gate.complete-request")


def missing_fields(facts: RequestFacts) -> list[str]:
    """Return the names of the fields of LAW-01 that were left out, in the order of the form."""
    given: dict[str, bool] = {
        "case number": facts.case is not None and bool(facts.case_number.strip()),
        "offence": bool(facts.offence_code.strip()),
        "purpose": facts.purpose is not None,
        "legal authority": facts.authority is not None and bool(facts.authority_reference.strip()),
        "necessity and proportionality": bool(facts.necessity.strip()),
        "probe source": facts.source is not None,
        "how the probe was obtained": bool(facts.how_obtained.strip()),
        "probe": facts.has_probe,
        "face": facts.face_picked,
    }
    return [name for name, present in given.items() if not present]


def _second_person(context: Context, facts: ApprovalFacts) -> Decision:
    """LAW-09: a different person approves, in an open case, once."""
    case = _open_case(context, facts.case)
    if not case.allowed:
        return case
    if facts.requester == context.actor:
        return refused(
            "gate.second-person",
            N_("You asked for this search, so you cannot approve or decline it."),
            N_("Another supervisor must decide."),
        )
    if facts.state is not RequestState.AWAITING:
        return refused(
            "gate.already-decided",
            N_("This request has already been decided."),
            N_("Ask for a new search if one is needed."),
        )
    return allowed("gate.second-person")


def _approved_search(context: Context, facts: SearchFacts) -> Decision:
    """The last look before the engine: complete, own, approved by another person, not yet used."""
    request = _complete_request(context, facts.request)
    if not request.allowed:
        return request
    if facts.requester != context.actor:
        return refused(
            "gate.own-request",
            N_("Only the person who asked for a search may run it."),
            N_("Ask for a search of your own."),
        )
    if facts.state is RequestState.SEARCHED:
        return refused(
            "gate.already-searched",
            N_("This request has been used. One approval allows one search."),
            N_("Look at its candidate list, or ask for a new search."),
        )
    if facts.state is not RequestState.APPROVED or facts.approver is None or facts.approver == facts.requester:
        return refused(
            "gate.not-approved",
            N_("This search has not been approved by another person."),
            N_("Wait for a supervisor's decision."),
        )
    return allowed("gate.approved-search")


_RULES: dict[Action, _Rule[Any]] = {
    Action.CREATE_AGENCY: _Rule(NoFacts, _role_is_enough),
    Action.REGISTER_AGREEMENT: _Rule(AgreementFacts, _dated_agreement),
    Action.CREATE_ACCOUNT: _Rule(AccountFacts, _named_person),
    Action.GRANT_ROLE: _Rule(GrantFacts, _grant),
    Action.ADD_PACK: _Rule(PackFacts, trusted_pack),
    Action.REMOVE_PACK: _Rule(PackUseFacts, idle_pack),
    Action.ENROL: _Rule(OwnedFacts, _own_agency),
    Action.CHECK_ENROLMENT: _Rule(NoFacts, _role_is_enough),
    Action.UPDATE_DISPOSITIONS: _Rule(OwnedFacts, _own_agency),
    Action.CHECK_DISPOSITIONS: _Rule(NoFacts, _role_is_enough),
    Action.VIEW_CORRECTIONS: _Rule(OwnedFacts, _own_agency),
    Action.CONFIRM_CORRECTION: _Rule(CorrectionFacts, _second_officer),
    Action.DECLINE_CORRECTION: _Rule(CorrectionFacts, _second_officer),
    Action.VIEW_RECORD: _Rule(RecordFacts, _own_or_candidate),
    Action.OPEN_CASE: _Rule(OwnedFacts, _own_agency),
    Action.CLOSE_CASE: _Rule(CaseFacts, _open_case),
    Action.VIEW_CASE: _Rule(OwnedFacts, _own_agency),
    Action.ADD_PROBE: _Rule(CaseFacts, _open_case),
    Action.REQUEST_SEARCH: _Rule(RequestFacts, _complete_request),
    Action.APPROVE_SEARCH: _Rule(ApprovalFacts, _second_person),
    Action.DECLINE_SEARCH: _Rule(ApprovalFacts, _second_person),
    Action.SEARCH: _Rule(SearchFacts, _approved_search),
    Action.VIEW_CANDIDATES: _Rule(OwnedFacts, _own_agency),
    Action.REPLAY_SEARCH: _Rule(OwnedFacts, _own_agency),
    Action.VIEW_WORK: _Rule(NoFacts, _role_is_enough),
    Action.VIEW_LOG: _Rule(NoFacts, _role_is_enough),
}
