"""The history of what was corrected, and the corrections that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from custodes.errors import Conflict, NotFound
from custodes.ids import AccountId, AgencyId, BookingId, CorrectionId, JobId, PhotographId, SubjectId
from custodes.store.models import (
    Account,
    Booking,
    CorrectedFact,
    Correction,
    JobRow,
    Photograph,
)
from custodes.store.rows import insert, key_of, one
from custodes.store.values import Change, decoded, encoded
from custodes.text import N_
from custodes.types import CorrectionState, RecordFact


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """A correction that somebody brings in. ``row``: the row of the job's file that stated it."""

    id: CorrectionId
    booking: BookingId
    photograph: PhotographId | None
    state: CorrectionState
    job: JobId
    row: int
    changes: Sequence[Change]
    proposed_by: AccountId
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A correction as it is kept; names are those of accounts."""

    id: CorrectionId
    agency: AgencyId
    booking: BookingId
    booking_number: str
    person_number: str
    photograph: PhotographId | None
    state: CorrectionState
    job: JobId
    row: int
    changes: tuple[Change, ...]
    proposed_by: AccountId
    proposed_by_name: str
    proposed_at: datetime
    decided_by_name: str
    decided_at: datetime | None
    reason: str


def add_correction(new: NewCorrection) -> None:
    """Keep a correction in the history: made, or waiting."""
    row = Correction(
        uid=new.id,
        booking_id=key_of(Booking, new.booking),
        photograph_id=key_of(Photograph, new.photograph) if new.photograph else None,
        state=new.state.value,
        job_id=key_of(JobRow, new.job),
        row=new.row,
        proposed_by_id=key_of(Account, new.proposed_by),
        proposed_at=new.proposed_at,
    )
    insert([row])
    insert(
        CorrectedFact(correction=row, fact=each.fact.value, old=encoded(each.old), new=encoded(each.new))
        for each in new.changes
    )


def withdraw(correction: CorrectionId, at: datetime) -> None:
    """Let a waiting correction rest: the records system has stated something else.

    Raises:
        Conflict: ``correction.decided``, if somebody has decided on it meanwhile.
    """
    withdrawn = _waiting_row(correction).update(state=CorrectionState.WITHDRAWN.value, decided_at=at)
    if not withdrawn:
        raise _decided()


def decide(correction: CorrectionId, by: AccountId, *, confirmed: bool, reason: str, at: datetime) -> None:
    """Note a second person's decision on a waiting correction.

    Raises:
        Conflict: ``correction.decided``, if somebody else was faster.
    """
    decided = _waiting_row(correction).update(
        state=(CorrectionState.CONFIRMED if confirmed else CorrectionState.DECLINED).value,
        decided_by_id=key_of(Account, by),
        decided_at=at,
        reason=reason,
    )
    if not decided:
        raise _decided()


def correction(correction_id: CorrectionId) -> CorrectionRecord:
    """Return a correction. Raises NotFound ``correction.unknown``."""
    row = one(_rows().filter(uid=correction_id))
    if row is None:
        raise NotFound("correction.unknown", N_("There is no such correction."))
    return _record(row)


def waiting(agency: AgencyId, job: JobId | None = None) -> list[CorrectionId]:
    """Return the corrections of an agency that wait for a second person, oldest first."""
    rows = Correction.objects.filter(booking__agency__uid=agency, state=CorrectionState.WAITING.value)
    rows = rows.filter(job__uid=job) if job else rows
    return [CorrectionId(uid) for uid in rows.order_by("pk").values_list("uid", flat=True)]


def count_waiting(job: JobId) -> int:
    """Return how many corrections that a job brought in still wait."""
    return Correction.objects.filter(job__uid=job, state=CorrectionState.WAITING.value).count()


def records(ids: Sequence[CorrectionId]) -> list[CorrectionRecord]:
    """Return corrections by their ids, oldest first."""
    return [_record(row) for row in _rows().filter(uid__in=list(ids)).order_by("pk")]


def history(subject: SubjectId) -> list[CorrectionRecord]:
    """Return every correction of a person's bookings, newest first."""
    return [_record(row) for row in _rows().filter(booking__subject__uid=subject).order_by("-pk")]


def _decided() -> Conflict:
    return Conflict(
        "correction.decided",
        N_("Somebody else has decided on this correction at this moment."),
        hint=N_("Look at it again; if this was an enrolment, start it again: nothing is done twice."),
    )


def _rows() -> QuerySet[Correction]:
    return Correction.objects.select_related(
        "booking__agency", "booking__subject", "photograph", "job", "proposed_by", "decided_by"
    ).prefetch_related("facts")


def _waiting_row(correction_id: CorrectionId) -> QuerySet[Correction]:
    return Correction.objects.filter(uid=correction_id, state=CorrectionState.WAITING.value)


def _record(row: Correction) -> CorrectionRecord:
    facts = [(RecordFact(each.fact), each) for each in sorted(row.facts.all(), key=lambda each: each.pk)]
    return CorrectionRecord(
        id=CorrectionId(row.uid),
        agency=AgencyId(row.booking.agency.uid),
        booking=BookingId(row.booking.uid),
        booking_number=row.booking.booking_number,
        person_number=row.booking.subject.person_number,
        photograph=PhotographId(row.photograph.uid) if row.photograph else None,
        state=CorrectionState(row.state),
        job=JobId(row.job.uid),
        row=row.row,
        changes=tuple(Change(fact, decoded(fact, each.old), decoded(fact, each.new)) for fact, each in facts),
        proposed_by=AccountId(row.proposed_by.uid),
        proposed_by_name=row.proposed_by.full_name,
        proposed_at=row.proposed_at,
        decided_by_name=row.decided_by.full_name if row.decided_by else "",
        decided_at=row.decided_at,
        reason=row.reason,
    )
