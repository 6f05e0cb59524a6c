"""Looking: at one's work, a candidate list, a record, an image, the log. Every look is an entry before it is a page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from custodes.errors import Conflict, NotFound
from custodes.ids import AccountId, AgencyId, CaseId, PhotographId, ProbeId, RequestId, SubjectId
from custodes.ledger.events import (
    CandidatesViewed,
    CaseViewed,
    EventKind,
    ImageViewed,
    LogViewed,
    RecordViewed,
    WorkViewed,
)
from custodes.policy import Action, decide
from custodes.policy.facts import OwnedFacts, RecordFacts
from custodes.store import accounts, casework, searches, subjects
from custodes.store.records import CaseRecord, RequestRecord, SearchRecord, SubjectRecord
from custodes.text import N_
from custodes.types import Barrier, Candidate, Context, Entry, RequestState, Role
from custodes.workflows.boundary import permit, scope_now, signed_in, viewed, workflow
from custodes.workflows.requests import in_request
from custodes.workflows.services import Services

_PREVIEW_SIDE = 640
_PROBE_PREVIEW_SIDE = 1600
"""A face of 40 pixels in a 4,000-pixel scene must still be one that a person can pick."""
_LOG_PAGE = 100
_UNATTENDED = frozenset(
    {EventKind.GALLERY_BALANCED, EventKind.LOG_VERIFIED, EventKind.CLOCK_WENT_BACK, EventKind.SEARCH_REPLAYED}
)
"""What the installation does by itself.  Other entries of nobody are of somebody who had not signed in."""


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for a person, by their role."""

    cases: tuple[CaseRecord, ...] = ()
    to_decide: tuple[RequestRecord, ...] = ()
    mine: tuple[RequestRecord, ...] = ()
    counts: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A search, the request it answers, and the subjects on its list in order of rank.

    ``notes``: for each subject, why they are listed without their photographs (a marked message), or nothing.
    """

    request: RequestRecord
    search: SearchRecord
    subjects: tuple[SubjectRecord, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry with the name of the person it is about, for an auditor's page."""

    entry: Entry
    actor_name: str

    @property
    def is_by_installation(self) -> bool:
        """Whether nobody did it: the installation itself, as it does every night."""
        return self.entry.actor is None and self.entry.kind in _UNATTENDED


@workflow(Action.VIEW_WORK)
def my_work(services: Services, context: Context) -> Work:
    """Return what the actor can go on with in their present role."""
    permit(context, Action.VIEW_WORK)
    actor, agency = signed_in(context)
    if context.role in (Role.SEARCHER, Role.SUPERVISOR, Role.RECORDS_OFFICER):
        viewed(services, context, WorkViewed())
    if context.role in (Role.SEARCHER, Role.SUPERVISOR):
        requests = casework.requests(agency=agency)
        return Work(
            cases=tuple(casework.cases(agency)),
            to_decide=tuple(r for r in requests if r.state is RequestState.AWAITING and r.case.is_open)
            if context.role is Role.SUPERVISOR
            else (),
            mine=tuple(r for r in requests if r.requester == actor),
        )
    if context.role is Role.RECORDS_OFFICER:
        return Work(counts=subjects.counts(agency))
    return Work()


@workflow(Action.VIEW_CASE)
def view_request(services: Services, context: Context, *, request: RequestId) -> RequestRecord:
    """Show one request."""
    record = casework.request(request)
    permit(context, Action.VIEW_CASE, OwnedFacts(record.case.agency))
    viewed(services, in_request(context, record), CaseViewed(viewed=record.id))
    return record


@workflow(Action.VIEW_CANDIDATES)
def view_candidates(services: Services, context: Context, *, request: RequestId) -> CandidateView:
    """Show the candidate list of a request that was searched."""
    record = casework.request(request)
    permit(context, Action.VIEW_CANDIDATES, OwnedFacts(record.case.agency))
    context = in_request(context, record)
    if record.search is None:
        raise Conflict(
            "search.not-run", N_("This request has not been searched yet."), hint=N_("Run the search first.")
        )
    result = searches.search(record.search)
    viewed(services, context, CandidatesViewed(search=result.id))
    found = tuple(subjects.subject(candidate.subject) for candidate in result.candidates)
    agencies = scope_now(context).agencies
    notes = tuple(
        _withheld(candidate, subject, is_open=record.case.is_open, is_shared=subject.agency.id in agencies)
        for candidate, subject in zip(result.candidates, found, strict=True)
    )
    shown = (replace(s, bookings=()) if note else _searchable(s) for s, note in zip(found, notes, strict=True))
    return CandidateView(record, result, tuple(shown), notes)


@workflow(Action.VIEW_RECORD)
def view_record(services: Services, context: Context, *, subject: SubjectId) -> SubjectRecord:
    """Show what is held on one subject: all of it to its records officer, to an examiner what a search may see."""
    record = subjects.subject(subject)
    facts = _record_facts(context, record.agency.id, subject)
    permit(context, Action.VIEW_RECORD, facts)
    sees_quarantined = decide(Action.VIEW_RECORD, context, replace(facts, barriers=~Barrier.NONE)).allowed
    viewed(services, context, RecordViewed(subject=subject))
    return record if sees_quarantined else _searchable(record)


@workflow(Action.VIEW_RECORD)
def subject_by_number(services: Services, context: Context, *, person_number: str) -> SubjectId:
    """Return the subject one's own service knows by this number. Raises NotFound ``record.unknown``."""
    _, agency = signed_in(context)
    found = subjects.find_subject(agency, person_number)
    permit(context, Action.VIEW_RECORD, _record_facts(context, agency, found))
    if found is None:
        raise NotFound("record.unknown", N_("There is no such record."))
    return found


@workflow(Action.VIEW_RECORD)
def view_photograph(services: Services, context: Context, *, photograph: PhotographId) -> bytes:
    """Return a preview (JPEG, no metadata) of a photograph to those who may see its record."""
    record = subjects.subject(subjects.subject_of_photograph(photograph))
    shown = next(p for booking in record.bookings for p in booking.photographs if p.id == photograph)
    facts = _record_facts(context, record.agency.id, record.id)
    permit(context, Action.VIEW_RECORD, replace(facts, barriers=shown.barriers))
    viewed(services, context, ImageViewed(image=photograph))
    return _preview(services, photograph, _PREVIEW_SIDE)


@workflow(Action.VIEW_CASE)
def view_probe(services: Services, context: Context, *, probe: ProbeId) -> bytes:
    """Return a preview (JPEG, no metadata) of a probe to those who work on its case."""
    record = casework.probe(probe)
    case = casework.case(record.case)
    permit(context, Action.VIEW_CASE, OwnedFacts(case.agency))
    viewed(services, replace(context, case=case.id), ImageViewed(image=probe))
    return _preview(services, probe, _PROBE_PREVIEW_SIDE)


@workflow(Action.VIEW_LOG)
def view_log(
    services: Services, context: Context, *, actor: AccountId | None = None, case: CaseId | None = None
) -> list[LogLine]:
    """Show the newest entries of the log to an auditor; looking at the log is in the log (AUD-08)."""
    permit(context, Action.VIEW_LOG)
    viewed(services, context, LogViewed(of_person=actor, of_case=case))
    chosen = {"actor": actor, "case": case}
    entries = services.entries.newest(_LOG_PAGE, **{key: value for key, value in chosen.items() if value})
    names = accounts.names({entry.actor for entry in entries if entry.actor})
    return [LogLine(entry, names.get(entry.actor, "") if entry.actor else "") for entry in entries]


def _record_facts(context: Context, owner: AgencyId, subject: SubjectId | None) -> RecordFacts:
    _, agency = signed_in(context)
    was_candidate = subject is not None and searches.is_candidate(subject, agency)
    return RecordFacts(owner, was_candidate, is_shared=owner in scope_now(context).agencies)


def _withheld(candidate: Candidate, subject: SubjectRecord, *, is_open: bool, is_shared: bool) -> str:
    """Return why a candidate's photographs may no longer be shown (a marked message), or nothing."""
    if not is_open:
        return N_("The case is closed, so the record is not shown any more.")
    if not is_shared:
        return N_("The sharing agreement is no longer in force, so the record is not shown any more.")
    seen = {photograph.id for booking in _searchable(subject).bookings for photograph in booking.photographs}
    if seen.isdisjoint(candidate.photographs):
        return N_("Quarantined or removed since the search, so it is not shown.")
    return ""


def _searchable(record: SubjectRecord) -> SubjectRecord:
    """Return the record without quarantined photographs, and without the bookings that hold no others.

    A profile that only its pose keeps out of searches is shown: nothing in law is against it.
    """
    bookings = (
        replace(booking, photographs=tuple(p for p in booking.photographs if not p.barriers & ~Barrier.POSE))
        for booking in record.bookings
    )
    return replace(record, bookings=tuple(booking for booking in bookings if booking.photographs))


def _preview(services: Services, uid: str, side: int) -> bytes:
    original = subjects.original_bytes(services.vault, uid)
    return services.decoder.preview(original, name=None, limits=services.limits, longest_side=side)
