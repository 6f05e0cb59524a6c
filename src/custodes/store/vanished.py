"""What a re-export no longer named: found in the end, barred if policy says so, listed, never deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.db.models import Exists, OuterRef, Q, QuerySet

from custodes.errors import Conflict
from custodes.ids import AgencyId, BookingId, CorrectionId, JobId, PhotographId
from custodes.store.bookings import bar_photographs
from custodes.store.models import Correction, JobRow, Photograph, VanishedPhotograph
from custodes.store.records import JobRecord
from custodes.store.rows import insert, key_of
from custodes.text import N_
from custodes.types import Barrier, CorrectionState

KIND = "re-export"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a re-export claims to be complete for: photographs taken from the first to the last day, both included.

    None leaves that end open; with neither it is the whole service, photographs without a date included.
    """

    taken_from: date | None = None
    taken_to: date | None = None


@dataclass(frozen=True, slots=True)
class VanishedRecord:
    """A photograph that a re-export did not name. ``is_whole``: it named no photograph of its booking at all.

    ``barred``: the re-export barred it, or an earlier one had.
    """

    booking: BookingId
    booking_number: str
    person_number: str
    photograph: PhotographId
    taken_on: date | None
    is_whole: bool
    barred: bool


def is_superseded(job: JobRecord) -> bool:
    """Return whether a later re-export of the same service has begun: an older one is at an end then."""
    row = JobRow.objects.get(uid=job.id)
    return JobRow.objects.filter(agency=row.agency_id, kind=KIND, pk__gt=row.pk).exists() if row.kind == KIND else False


def require_latest(job: JobId) -> None:
    """Do nothing if no later re-export of the same service has begun.

    Raises:
        Conflict: ``re-export.superseded``.
    """
    row = JobRow.objects.get(uid=job)
    if JobRow.objects.filter(agency=row.agency_id, kind=KIND, pk__gt=row.pk).exists():
        raise Conflict(
            "re-export.superseded",
            N_("Another re-export of your service was begun later, so this one is at an end."),
            why=N_("What vanished can be told only by comparing with one export at a time."),
            hint=N_("Let the later one finish, or begin this one again."),
        )


def waiting_for(photographs: Sequence[int], job: JobId) -> list[tuple[CorrectionId, BookingId]]:
    """Return corrections that wait for photographs, or for bookings that a re-export did not name at all."""
    of = Q(photograph__in=photographs) | (
        Q(photograph__isnull=True, booking__photographs__in=photographs) & ~Q(booking__named_by=job)
    )
    rows = Correction.objects.filter(of, state=CorrectionState.WAITING.value).distinct().order_by("pk")
    return [(CorrectionId(uid), BookingId(booking)) for uid, booking in rows.values_list("uid", "booking__uid")]


def unnamed(agency: AgencyId, job: JobId, scope: Scope, started_at: datetime, limit: int) -> list[int]:
    """Return keys of photographs in scope that ``job`` did not name and that are not on its list yet, a few at once.

    What was enrolled after it began is passed over, and so are bookings of which it had a row whose photograph could
    not be told.
    """
    listed = VanishedPhotograph.objects.filter(job__uid=job, photograph=OuterRef("pk"))
    rows = _within(agency, scope).filter(enrolled_at__lte=started_at)
    rows = rows.exclude(named_by=job).exclude(booking__unclear_by=job)
    return list(rows.filter(~Exists(listed)).order_by("pk").values_list("pk", flat=True)[:limit])


def list_vanished(job: JobId, photographs: Sequence[int], *, bar: bool) -> dict[BookingId, list[PhotographId]]:
    """Put photographs on a re-export's list inside the open transaction, and bar them if told to.

    Returns those that are barred by this and were not before, by their booking.
    """
    rows = Photograph.objects.filter(pk__in=photographs)
    fresh = list(rows.filter(vanished=False).values_list("pk", flat=True)) if bar else []
    if fresh:
        Photograph.objects.filter(pk__in=fresh).update(vanished=True)
        bar_photographs(Photograph.objects.filter(pk__in=fresh), Barrier.VANISHED)
    job_key = key_of(JobRow, job)
    insert(
        VanishedPhotograph(job_id=job_key, photograph_id=key, barred=vanished)
        for key, vanished in rows.order_by("pk").values_list("pk", "vanished")
    )
    found: dict[BookingId, list[PhotographId]] = {}
    for booking, uid in Photograph.objects.filter(pk__in=fresh).order_by("pk").values_list("booking__uid", "uid"):
        found.setdefault(BookingId(booking), []).append(PhotographId(uid))
    return found


def latest_re_export(agency: AgencyId) -> JobId | None:
    """Return the re-export of an agency that finished last, if there was one."""
    rows = JobRow.objects.filter(agency__uid=agency, kind=KIND, finished_at__isnull=False)
    uid = rows.order_by("-finished_at", "-pk").values_list("uid", flat=True).first()
    return JobId(uid) if uid else None


def vanished_in(agency: AgencyId, job: JobId) -> Iterator[VanishedRecord]:
    """Yield what a re-export did not name, by booking number; however many there are, few are in memory."""
    for row in _listed(agency, job).iterator(chunk_size=1000):
        photograph, booking = row.photograph, row.photograph.booking
        yield VanishedRecord(
            booking=BookingId(booking.uid),
            booking_number=booking.booking_number,
            person_number=booking.subject.person_number,
            photograph=PhotographId(photograph.uid),
            taken_on=photograph.taken_on,
            is_whole=booking.named_by != job,
            barred=row.barred,
        )


def count_vanished(agency: AgencyId, job: JobId) -> int:
    """Return how many photographs a re-export did not name."""
    return _listed(agency, job).count()


def bookings_in(agency: AgencyId, scope: Scope) -> Iterator[str]:
    """Yield the number of every booking of an agency that has a photograph in scope, once."""
    numbers = _within(agency, scope).order_by("booking").values_list("booking__booking_number", flat=True)
    return (number for number, _ in groupby(numbers.iterator(chunk_size=2000)))


def _within(agency: AgencyId, scope: Scope) -> QuerySet[Photograph]:
    rows = Photograph.objects.filter(booking__agency__uid=agency)
    if scope.taken_from:
        rows = rows.filter(taken_on__gte=scope.taken_from)
    return rows.filter(taken_on__lte=scope.taken_to) if scope.taken_to else rows


def _listed(agency: AgencyId, job: JobId) -> QuerySet[VanishedPhotograph]:
    rows = VanishedPhotograph.objects.filter(job__uid=job, photograph__booking__agency__uid=agency)
    return rows.select_related("photograph__booking__subject").order_by("photograph__booking__booking_number", "pk")
