"""Asking for a search, and a second person's decision on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import rfc8785

from custodes.errors import InputError
from custodes.ids import AgencyId, CaseId, ProbeId, RequestId
from custodes.ledger import Event
from custodes.ledger.events import FilterName, OffenceCode, RequestApproved, RequestDeclined, RequestMade, RowEffect
from custodes.policy import Action
from custodes.policy.facts import ApprovalFacts, RequestFacts
from custodes.ranking.admission import admission
from custodes.store import accounts, casework
from custodes.store.database import case_queue, transaction_of_its_own
from custodes.store.records import CaseRecord, ProbeRecord, RequestRecord
from custodes.text import N_
from custodes.types import Authority, Context, Filters, ProbeSource, Purpose, RequestState, Scope
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.cases import case_facts
from custodes.workflows.services import Services

E = TypeVar("E", Purpose, Authority, ProbeSource)
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class RequestForm:
    """A request as a person filled it in. Every field may be missing; policy says which must not be (LAW-01).

    ``purpose``, ``authority`` and ``source`` are values of closed lists; ``face`` counts the probe's faces from 0.
    """

    case: CaseId | None = None
    probe: ProbeId | None = None
    face: int | None = None
    offence_code: str = ""
    purpose: str = ""
    authority: str = ""
    authority_reference: str = ""
    necessity: str = ""
    source: str = ""
    how_obtained: str = ""
    filters: Filters = field(default_factory=Filters)


@workflow(Action.REQUEST_SEARCH)
def request_search(services: Services, context: Context, form: RequestForm) -> RequestRecord:
    """Ask for a search; it waits until another person has decided.

    Raises:
        Refused: a field is missing, the case is closed, the offence is not on the list.
        InputError: a value that the closed lists do not know, or a face that the probe does not have.
    """
    actor, _ = signed_in(context)
    case = casework.case(form.case) if form.case else None
    probe = casework.probe(form.probe) if form.probe else None
    facts = _facts(form, case, probe)
    permit(context, Action.REQUEST_SEARCH, facts)
    if case is None or probe is None:
        raise InputError("request.no-probe", N_("A request needs a case and a probe."))
    _check(form, case, probe, context)
    record = RequestRecord(
        id=RequestId.new(context.entropy),
        case=case,
        requester=actor,
        requester_name=accounts.account(actor).full_name,
        probe=probe,
        face=form.face or 0,
        offence_code=form.offence_code,
        purpose=Purpose(form.purpose),
        authority=Authority(form.authority),
        authority_reference=form.authority_reference.strip(),
        necessity=form.necessity.strip(),
        source=ProbeSource(form.source),
        how_obtained=form.how_obtained.strip(),
        filters=form.filters,
        state=RequestState.AWAITING,
        made_at=context.now(),
        approval=None,
        search=None,
    )
    with transaction_of_its_own(case_queue(case.id)):
        permit(context, Action.REQUEST_SEARCH, replace(facts, case=case_facts(casework.case(case.id))))
        casework.add_request(record)
        services.ledger.with_rows(_made(context, record))
    return record


@workflow(Action.APPROVE_SEARCH)
def approve_request(services: Services, context: Context, *, request: RequestId, reason: str = "") -> RequestRecord:
    """Approve a request as another person than the one who made it (LAW-09)."""
    return _decide(services, context, request, reason, approved=True)


@workflow(Action.DECLINE_SEARCH)
def decline_request(services: Services, context: Context, *, request: RequestId, reason: str) -> RequestRecord:
    """Decline a request, with the reason."""
    if not reason.strip():
        raise InputError("request.reason", N_("Say why the request is declined."))
    return _decide(services, context, request, reason, approved=False)


def request_facts(record: RequestRecord) -> RequestFacts:
    """Return what policy needs to know of a request that was made."""
    return RequestFacts(
        case=case_facts(record.case),
        case_number=record.case.number,
        offence_code=record.offence_code,
        purpose=record.purpose,
        authority=record.authority,
        authority_reference=record.authority_reference,
        necessity=record.necessity,
        source=record.source,
        how_obtained=record.how_obtained,
        has_probe=True,
        face_picked=True,
    )


def in_request(context: Context, record: RequestRecord) -> Context:
    """Return ``context`` bound to a request and its case."""
    return replace(context, case=record.case.id, request=record.id)


def _decide(services: Services, context: Context, request: RequestId, reason: str, *, approved: bool) -> RequestRecord:
    record = casework.request(request)
    context = in_request(context, record)
    actor, _ = signed_in(context)
    action = Action.APPROVE_SEARCH if approved else Action.DECLINE_SEARCH
    deed = RequestApproved if approved else RequestDeclined
    with transaction_of_its_own(case_queue(record.case.id)):
        record = casework.request(request)
        permit(context, action, ApprovalFacts(case_facts(record.case), record.requester, record.state))
        casework.decide_request(request, actor, approved=approved, reason=reason.strip(), at=context.now())
        services.ledger.with_rows(Event(context, deed(decided=request, reason=reason.strip())))
    return casework.request(request)


def _facts(form: RequestForm, case: CaseRecord | None, probe: ProbeRecord | None) -> RequestFacts:
    return RequestFacts(
        case=case_facts(case) if case else None,
        case_number=case.number if case else "",
        offence_code=form.offence_code,
        purpose=_member(Purpose, form.purpose),
        authority=_member(Authority, form.authority),
        authority_reference=form.authority_reference,
        necessity=form.necessity,
        source=_member(ProbeSource, form.source),
        how_obtained=form.how_obtained,
        has_probe=probe is not None,
        face_picked=form.face is not None,
    )


def _member(kind: type[E], value: str) -> E | None:
    """Return the member of a closed list, None if nothing was chosen (LAW-03, LAW-04)."""
    if not value:
        return None
    try:
        return kind(value)
    except ValueError as error:
        raise unknown_value(member.value for member in kind) from error


def unknown_value(choices: Iterable[str]) -> InputError:
    """Return the error for a value that its closed list does not hold; it never repeats what was typed."""
    return InputError(
        "request.unknown-value",
        N_("A value is not on its closed list."),
        hint=N_("Choose one of: %(choices)s."),
        choices=", ".join(choices),
    )


def _check(form: RequestForm, case: CaseRecord, probe: ProbeRecord, context: Context) -> None:
    # what the search itself would reject is rejected now, before anybody is asked to approve it
    admission(Scope(frozenset(), context.now()), form.filters, {}, generation=0)
    if probe.case != case.id:
        raise InputError("request.probe-of-another-case", N_("The probe belongs to another case."))
    if form.face is None or not 0 <= form.face < len(probe.faces):
        raise InputError("request.no-such-face", N_("The probe has no such face."), hint=N_("Pick one of its faces."))
    if max(len(form.necessity), len(form.how_obtained), len(form.authority_reference) * 20) > _LONGEST:
        raise InputError(
            "request.too-long",
            N_("A statement is too long (%(longest)d characters; a reference 200)."),
            longest=_LONGEST,
        )


def filter_names(filters: Filters) -> tuple[FilterName, ...]:
    """Return which filters are chosen, as the log states it openly (SRCH-05)."""
    return tuple(map(FilterName, casework.filters_to_json(filters)))


def filter_agencies(filters: Filters) -> tuple[AgencyId, ...]:
    """Return the services that the filters choose, in the order of their ids; none if all are searched."""
    return tuple(sorted(filters.agencies or ()))


def _made(context: Context, record: RequestRecord) -> Event[RowEffect]:
    chosen = casework.filters_to_json(record.filters)
    made = RequestMade(
        made=record.id,
        probe=record.probe.id,
        offence=OffenceCode(record.offence_code),
        purpose=record.purpose,
        source=record.source,
        filters=filter_names(record.filters),
        agencies=filter_agencies(record.filters),
        authority=record.authority.value,
        authority_reference=record.authority_reference,
        necessity=record.necessity,
        how_obtained=record.how_obtained,
        filter_values=rfc8785.dumps(chosen).decode() if chosen else "",
    )
    return Event(in_request(context, record), made)
