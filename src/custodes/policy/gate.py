"""The gate: :func:`decide` says whether a person may do a thing now, and by which rule. Default: no.

Order: is somebody signed in, may their role try it, is there a rule for the action, does the rule allow it.
The rules of cases and searches are `casework`, those of records `ownership`, those of model packs `packs`; here are the
rules of accounts, roles and agreements, and which rule decides on which action.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from custodes.ids import AgencyId
from custodes.policy.actions import CONFLICTING, ROLES, Action
from custodes.policy.casework import approved_search, complete_request, open_case, second_person
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
    SanctionFacts,
    SearchFacts,
)
from custodes.policy.ownership import own_agency, own_or_candidate, owned, second_officer
from custodes.policy.packs import idle_pack, trusted_pack
from custodes.text import N_
from custodes.types import AccountState, Context

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
_LONGEST = {"email": 254, "name": 200, "number": 40, "reason": 500}


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
        return own_or_candidate(context, RecordFacts(owner, was_candidate))
    return owned(context, owner)


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


def _sanction(context: Context, facts: SanctionFacts) -> Decision:
    """IAM-07: a role withdrawn, an account suspended or ended, by another person and for a stated reason.

    Since it is always another administrator, one is always left.
    """
    if facts.account == context.actor:
        return refused(
            "gate.oneself",
            N_("Nobody decides about their own account."),
            N_("Ask another administrator."),
        )
    if not facts.reason.strip() or len(facts.reason) > _LONGEST["reason"]:
        return refused(
            "gate.sanction-reason",
            N_("A reason is needed, of at most %(most)d characters."),
            N_("Say why; it is kept with the entry in the log, readable for auditors."),
            most=_LONGEST["reason"],
        )
    if facts.role is not None and facts.role not in facts.held:
        return refused("gate.role-not-held", N_("This person does not hold that role."), "")
    return allowed("gate.sanction")


def _suspension(context: Context, facts: SanctionFacts) -> Decision:
    if facts.state is not AccountState.ACTIVE:
        return refused("gate.account-state", N_("This account is not in use."), "")
    return _sanction(context, facts)


def _ending(context: Context, facts: SanctionFacts) -> Decision:
    if facts.state is AccountState.ENDED:
        return refused("gate.account-state", N_("This account has ended already."), "")
    return _sanction(context, facts)


def _reinstatement(context: Context, facts: SanctionFacts) -> Decision:
    if facts.state is AccountState.ACTIVE:
        return refused("gate.account-state", N_("This account is in use already."), "")
    return _sanction(context, facts)


def _dated_agreement(context: Context, facts: AgreementFacts) -> Decision:
    """SHR-01: a written agreement between two services, with a beginning and an end."""
    if facts.owner == facts.searcher or not facts.reference.strip() or facts.ends_on < facts.starts_on:
        return refused(
            "gate.dated-agreement",
            N_("A sharing agreement names two different services, a document, a first and a last day."),
            N_("Give all of them; the last day may not lie before the first."),
        )
    return allowed("gate.dated-agreement")


_RULES: dict[Action, _Rule[Any]] = {
    Action.CREATE_AGENCY: _Rule(NoFacts, _role_is_enough),
    Action.REGISTER_AGREEMENT: _Rule(AgreementFacts, _dated_agreement),
    Action.CREATE_ACCOUNT: _Rule(AccountFacts, _named_person),
    Action.GRANT_ROLE: _Rule(GrantFacts, _grant),
    Action.WITHDRAW_ROLE: _Rule(SanctionFacts, _sanction),
    Action.SUSPEND_ACCOUNT: _Rule(SanctionFacts, _suspension),
    Action.REINSTATE_ACCOUNT: _Rule(SanctionFacts, _reinstatement),
    Action.END_ACCOUNT: _Rule(SanctionFacts, _ending),
    Action.ADD_PACK: _Rule(PackFacts, trusted_pack),
    Action.REMOVE_PACK: _Rule(PackUseFacts, idle_pack),
    Action.ENROL: _Rule(OwnedFacts, own_agency),
    Action.CHECK_ENROLMENT: _Rule(NoFacts, _role_is_enough),
    Action.UPDATE_DISPOSITIONS: _Rule(OwnedFacts, own_agency),
    Action.CHECK_DISPOSITIONS: _Rule(NoFacts, _role_is_enough),
    Action.VIEW_CORRECTIONS: _Rule(OwnedFacts, own_agency),
    Action.CONFIRM_CORRECTION: _Rule(CorrectionFacts, second_officer),
    Action.DECLINE_CORRECTION: _Rule(CorrectionFacts, second_officer),
    Action.VIEW_RECORD: _Rule(RecordFacts, own_or_candidate),
    Action.OPEN_CASE: _Rule(OwnedFacts, own_agency),
    Action.CLOSE_CASE: _Rule(CaseFacts, open_case),
    Action.VIEW_CASE: _Rule(OwnedFacts, own_agency),
    Action.ADD_PROBE: _Rule(CaseFacts, open_case),
    Action.REQUEST_SEARCH: _Rule(RequestFacts, complete_request),
    Action.APPROVE_SEARCH: _Rule(ApprovalFacts, second_person),
    Action.DECLINE_SEARCH: _Rule(ApprovalFacts, second_person),
    Action.SEARCH: _Rule(SearchFacts, approved_search),
    Action.VIEW_CANDIDATES: _Rule(OwnedFacts, own_agency),
    Action.REPLAY_SEARCH: _Rule(OwnedFacts, own_agency),
    Action.VIEW_WORK: _Rule(NoFacts, _role_is_enough),
    Action.VIEW_LOG: _Rule(NoFacts, _role_is_enough),
    Action.CHECK_GALLERY: _Rule(NoFacts, _role_is_enough),
    Action.VERIFY_LOG: _Rule(NoFacts, _role_is_enough),
    Action.ADOPT_THRESHOLD: _Rule(NoFacts, _role_is_enough),
    Action.EXPORT_PROOF: _Rule(NoFacts, _role_is_enough),
    Action.DISCLOSE: _Rule(OwnedFacts, own_agency),
    Action.EXTEND_QUORUM: _Rule(NoFacts, _role_is_enough),
    Action.RESTORE_LOG: _Rule(NoFacts, _role_is_enough),
    Action.DECLARE_SUCCESSOR: _Rule(NoFacts, _role_is_enough),
    Action.VIEW_KEYS: _Rule(NoFacts, _role_is_enough),
    Action.PROTECT_KEY: _Rule(NoFacts, _role_is_enough),
    Action.ROTATE_KEY: _Rule(NoFacts, _role_is_enough),
}
