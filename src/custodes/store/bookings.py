"""What is kept of bookings: what a row of a manifest is compared with, and the quarantine it can bring about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce

from django.db.models import QuerySet

from custodes.ids import AgencyId, PhotographId
from custodes.store.models import Booking, Charge, GalleryEntry, Photograph
from custodes.types import Barrier, Disposition, Ground, Offence, Youth


@dataclass(frozen=True, slots=True)
class StatedBooking:
    """What a records system states of a booking; rows that state it differently contradict each other."""

    person_number: str
    youth: Youth
    birth_date: date | None
    offences: tuple[Offence, ...]


@dataclass(frozen=True, slots=True)
class KeptBooking:
    """What is kept of a booking.

    ``disputed``: barriers that a contradicting row stated; they bind every photograph of the booking until it is
    corrected.  ``barred``: barriers that each of its photographs in the gallery has.
    """

    stated: StatedBooking
    disputed: Barrier
    barred: Barrier


def known_photographs(agency: AgencyId, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], date | None]:
    """Return which ``(booking number, SHA-256)`` pairs are enrolled for an agency, and when each was taken."""
    wanted = set(keys)
    rows = Photograph.objects.filter(
        booking__agency__uid=agency,
        booking__booking_number__in={number for number, _ in wanted},
        sha256__in={sha256 for _, sha256 in wanted},
    ).values_list("booking__booking_number", "sha256", "taken_on")
    return {(number, sha256): taken_on for number, sha256, taken_on in rows if (number, sha256) in wanted}


def kept_bookings(agency: AgencyId, booking_numbers: Iterable[str]) -> dict[str, KeptBooking]:
    """Return what is kept of each booking that is known, by its number."""
    wanted = list(booking_numbers)
    rows = Booking.objects.filter(agency__uid=agency, booking_number__in=wanted)
    entries = _living(agency, wanted).values_list("template__photograph__booking__booking_number", "barriers")
    barriers: dict[str, list[Barrier]] = {}
    for number, barred in entries:
        barriers.setdefault(number, []).append(Barrier(barred))
    return {
        row.booking_number: KeptBooking(
            _stated(row),
            Barrier(row.disputed),
            reduce(Barrier.__and__, barriers.get(row.booking_number, [Barrier(row.disputed)])),
        )
        for row in rows.select_related("subject").prefetch_related("charges")
    }


def quarantine_booking(
    agency: AgencyId, booking_number: str, barriers: Barrier, *, generation: int
) -> list[PhotographId]:
    """Bar a booking's photographs inside the open transaction, and every later one of it, until it is corrected.

    Rows that lack one of ``barriers`` die at ``generation`` and are born again in it with ``barriers`` added; none is
    ever taken away.  Returns the photographs concerned.
    """
    booking = Booking.objects.get(agency__uid=agency, booking_number=booking_number)
    booking.disputed |= barriers.value
    booking.save(update_fields=["disputed"])
    entries = _living(agency, [booking_number]).select_related("template__photograph").order_by("pk")
    barred = [entry for entry in entries if barriers & ~Barrier(entry.barriers)]
    GalleryEntry.objects.filter(pk__in=[entry.pk for entry in barred]).update(died=generation)
    for entry in barred:
        entry.pk, entry.born, entry.barriers = None, generation, entry.barriers | barriers.value
    GalleryEntry.objects.bulk_create(barred)
    return list(dict.fromkeys(PhotographId(entry.template.photograph.uid) for entry in barred))


def offence(row: Charge) -> Offence:
    """Return a charge's row as a value."""
    return Offence(
        code=row.code,
        ground=Ground(row.ground) if row.ground else None,
        designated=row.designated,
        committed_on=row.committed_on,
        disposition=Disposition(row.disposition),
        disposition_date=row.disposition_date,
        appeal_end=row.appeal_end,
    )


def _living(agency: AgencyId, booking_numbers: list[str]) -> QuerySet[GalleryEntry]:
    return GalleryEntry.objects.filter(
        died__isnull=True,
        template__photograph__booking__agency__uid=agency,
        template__photograph__booking__booking_number__in=booking_numbers,
    )


def _stated(row: Booking) -> StatedBooking:
    return StatedBooking(
        row.subject.person_number,
        Youth(row.youth),
        row.birth_date,
        tuple(offence(charge) for charge in sorted(row.charges.all(), key=lambda charge: charge.position)),
    )
