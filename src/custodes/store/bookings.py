"""What is kept of bookings: what a row of a file is compared with, and the quarantine it can bring about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

from django.db.models import QuerySet

from custodes.ids import AgencyId, BookingId, CorrectionId, PhotographId
from custodes.store.database import raise_generation
from custodes.store.models import Booking, Charge, CorrectedFact, GalleryEntry, Photograph
from custodes.store.values import Change, decoded
from custodes.types import Barrier, CorrectionState, Disposition, Ground, Offence, Pose, RecordFact, Sex, Youth


@dataclass(frozen=True, slots=True)
class StatedBooking:
    """What a records system states of a booking; rows that state it differently contradict each other."""

    person_number: str
    youth: Youth
    birth_date: date | None
    offences: tuple[Offence, ...]


@dataclass(frozen=True, slots=True)
class KeptPhotograph:
    """What is kept of a photograph. ``named_by``: the re-export that named it last, or nothing."""

    id: PhotographId
    taken_on: date | None
    pose: Pose
    vanished: bool
    barriers: Barrier
    named_by: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A correction that waits for a second person."""

    id: CorrectionId
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class KeptBooking:
    """What is kept of a booking.

    ``disputed``: barriers that a contradicting row stated; they bind every photograph of the booking until it is
    corrected.  ``photographs``: by the SHA-256 (hex) of their bytes.  ``waiting``: by the photograph they are of, the
    empty string for the booking itself; only if they were asked for.
    """

    id: BookingId
    booking_number: str
    stated: StatedBooking
    sex: Sex
    disputed: Barrier = Barrier.NONE
    named_by: str = ""
    photographs: Mapping[str, KeptPhotograph] = field(default_factory=dict)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    @property
    def barred(self) -> Barrier:
        """Barriers that each of its photographs has; where there are none, those in dispute."""
        each = [photograph.barriers for photograph in self.photographs.values()]
        return reduce(Barrier.__and__, each) if each else self.disputed


def known_photographs(agency: AgencyId, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], date | None]:
    """Return which ``(booking number, SHA-256)`` pairs are enrolled for an agency, and when each was taken."""
    wanted = set(keys)
    rows = Photograph.objects.filter(
        booking__agency__uid=agency,
        booking__booking_number__in={number for number, _ in wanted},
        sha256__in={sha256 for _, sha256 in wanted},
    ).values_list("booking__booking_number", "sha256", "taken_on")
    return {(number, sha256): taken_on for number, sha256, taken_on in rows if (number, sha256) in wanted}


def kept_bookings(
    agency: AgencyId, booking_numbers: Iterable[str], *, with_waiting: bool = False, lock: bool = False
) -> dict[str, KeptBooking]:
    """Return what is kept of each booking that is known, by its number.

    ``lock``: nobody else may change one of them before the open transaction ends.
    """
    found = Booking.objects.filter(agency__uid=agency, booking_number__in=list(booking_numbers))
    rows = list((found.select_for_update(of=("self",)) if lock else found).values_list(*_BOOKING))
    if not rows:
        return {}
    keys = [key for key, *_ in rows]
    photographs = _photographs(keys)
    charges = _charges(keys)
    waiting = _waiting(keys) if with_waiting else {}
    return {
        number: KeptBooking(
            id=BookingId(uid),
            booking_number=number,
            stated=StatedBooking(person_number, Youth(youth), birth_date, tuple(charges.get(key, ()))),
            sex=Sex(sex),
            disputed=Barrier(disputed),
            named_by=named_by,
            photographs=photographs.get(key, {}),
            waiting=waiting.get(key, {}),
        )
        for key, uid, number, person_number, youth, birth_date, sex, disputed, named_by in rows
    }


def quarantine_booking(agency: AgencyId, booking_number: str, barriers: Barrier) -> list[PhotographId]:
    """Bar a booking's photographs inside the open transaction, and every later one of it, until it is corrected.

    Gallery rows that lack one of ``barriers`` die and are born again with ``barriers`` added; none is ever taken away.
    Returns the photographs concerned.
    """
    booking = Booking.objects.get(agency__uid=agency, booking_number=booking_number)
    booking.disputed |= barriers.value
    booking.save(update_fields=["disputed"])
    return bar_photographs(Photograph.objects.filter(booking=booking), barriers)


def bar_photographs(photographs: QuerySet[Photograph], barriers: Barrier) -> list[PhotographId]:
    """Add barriers to photographs and their gallery rows inside the open transaction; return those that lacked one."""
    lacking = [row for row in photographs.order_by("pk") if barriers & ~Barrier(row.barriers)]
    for row in lacking:
        row.barriers |= barriers.value
    Photograph.objects.bulk_update(lacking, ["barriers"])
    entries = [entry for entry in living_entries(lacking) if barriers & ~Barrier(entry.barriers)]
    for entry in entries:
        entry.barriers |= barriers.value
    bear_again(entries)
    return [PhotographId(row.uid) for row in lacking]


def living_entries(photographs: Iterable[Photograph]) -> list[GalleryEntry]:
    """Return the living gallery rows of photographs."""
    rows = GalleryEntry.objects.filter(died__isnull=True, template__photograph__in=list(photographs))
    return list(rows.select_related("template").order_by("pk"))


def bear_again(entries: list[GalleryEntry]) -> None:
    """End living gallery rows at a new generation and begin them again in it as they now are."""
    if not entries:
        return
    generation = raise_generation()
    GalleryEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(died=generation)
    for entry in entries:
        entry.pk, entry.born = None, generation
    GalleryEntry.objects.bulk_create(entries)


def mark_named(
    agency: AgencyId,
    job: str,
    *,
    bookings: Iterable[str] = (),
    unclear: Iterable[str] = (),
    photographs: Iterable[PhotographId] = (),
) -> None:
    """Note inside the open transaction what a re-export named: bookings by number, photographs by id.

    ``unclear``: bookings of which it had a row whose photograph could not be told.
    """
    of = Booking.objects.filter(agency__uid=agency)
    for column, numbers in (("named_by", list(bookings)), ("unclear_by", list(unclear))):
        if numbers:
            of.filter(booking_number__in=numbers).update(**{column: job})
    if ids := list(photographs):
        Photograph.objects.filter(uid__in=ids).update(named_by=job)


def offence(row: Charge) -> Offence:
    """Return a charge's row as a value."""
    return _offence(*(getattr(row, name) for name in _OFFENCE))


_BOOKING = (
    *("pk", "uid", "booking_number", "subject__person_number", "youth"),
    *("birth_date", "sex", "disputed", "named_by"),
)
_OFFENCE = ("code", "ground", "designated", "committed_on", "disposition", "disposition_date", "appeal_end")


def _offence(code: str, ground: str, designated: bool | None, committed_on: date | None, *end: Any) -> Offence:
    disposition, disposition_date, appeal_end = end
    return Offence(
        code,
        Ground(ground) if ground else None,
        designated,
        committed_on,
        Disposition(disposition),
        disposition_date,
        appeal_end,
    )


def _charges(bookings: list[int]) -> dict[int, list[Offence]]:
    rows = Charge.objects.filter(booking__in=bookings).order_by("booking", "position")
    found: dict[int, list[Offence]] = {}
    for booking, *columns in rows.values_list("booking_id", *_OFFENCE):
        found.setdefault(booking, []).append(_offence(*columns))
    return found


def _photographs(bookings: list[int]) -> dict[int, dict[str, KeptPhotograph]]:
    rows = Photograph.objects.filter(booking__in=bookings).values_list(
        "booking_id", "sha256", "uid", "taken_on", "pose", "vanished", "barriers", "named_by"
    )
    found: dict[int, dict[str, KeptPhotograph]] = {}
    for booking, sha256, uid, taken_on, pose, vanished, barriers, named_by in rows:
        found.setdefault(booking, {})[sha256] = KeptPhotograph(
            PhotographId(uid), taken_on, Pose(pose), vanished, Barrier(barriers), named_by
        )
    return found


def _waiting(bookings: list[int]) -> dict[int, dict[str, Waiting]]:
    rows = CorrectedFact.objects.filter(
        correction__booking__in=bookings, correction__state=CorrectionState.WAITING.value
    ).order_by("correction", "pk")
    found: dict[int, dict[str, Waiting]] = {}
    for booking, uid, photograph, name, old, new in rows.values_list(
        "correction__booking_id", "correction__uid", "correction__photograph__uid", "fact", "old", "new"
    ):
        of, key, fact = found.setdefault(booking, {}), photograph or "", RecordFact(name)
        before = of[key].changes if key in of else ()
        of[key] = Waiting(CorrectionId(uid), (*before, Change(fact, decoded(fact, old), decoded(fact, new))))
    return found
