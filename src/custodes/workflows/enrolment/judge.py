"""What becomes of a row, given what is kept: enrolled, enrolled before, or failed; and which records it quarantines.

Every row of one's own service that can be read is judged, whatever its image: a row that contradicts its booking fails,
and if the law would bar what it states, what is kept is barred too until somebody has corrected it (LAW-13).  No row
takes a barrier away.  Rows are judged in their order and one by one, so that it does not matter how they were batched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from custodes.errors import ManifestError
from custodes.ids import AgencyId
from custodes.policy.eligibility import BookingFacts, barriers
from custodes.store import bookings as store
from custodes.store.bookings import KeptBooking, StatedBooking
from custodes.store.records import RowFailureRecord
from custodes.text import N_
from custodes.types import Barrier
from custodes.workflows.enrolment.manifest import Row
from custodes.workflows.enrolment.prepare import Failed, Loaded, Prepared, failure

Outcome = Prepared | Failed | Loaded
"""What preparing a row came to; a row that is still only loaded was enrolled before."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A record to be quarantined because of what a row states."""

    row: int
    booking_number: str
    barriers: Barrier


@dataclass(slots=True)
class Judged:
    """Rows to enrol, each with the barriers that its booking's dispute adds; rows that failed; what to quarantine."""

    ready: list[tuple[Prepared, Barrier]] = field(default_factory=list)
    failed: list[RowFailureRecord] = field(default_factory=list)
    quarantines: list[Quarantine] = field(default_factory=list)


def judge(agency: AgencyId, outcomes: Sequence[Outcome]) -> Judged:
    """Judge the rows of one batch against what is kept and against one another."""
    return _Judge(agency, outcomes).judged


class _Judge:
    def __init__(self, agency: AgencyId, outcomes: Sequence[Outcome]) -> None:
        rows = [outcome.row for outcome in outcomes if outcome.row is not None]
        images = [(outcome.row.booking_number, outcome.sha256) for outcome in outcomes if outcome.row is not None]
        self._agency = agency
        self._bookings = store.kept_bookings(agency, {row.booking_number for row in rows})
        self._taken = store.known_photographs(agency, images)
        self.judged = Judged()
        for outcome in outcomes:
            self._judge(outcome)

    def _judge(self, outcome: Outcome) -> None:
        row = outcome.row
        if row is None:
            self._fail(outcome)
            return
        image = (row.booking_number, outcome.sha256)
        kept = self._bookings.get(row.booking_number)
        redated = image in self._taken and self._taken[image] != row.taken_on
        if kept is not None and (redated or kept.stated != stated(row)):
            self._contradiction(row, kept, known=image in self._taken)
        elif image in self._taken:
            return
        elif isinstance(outcome, Prepared):
            self._enrol(outcome, row, kept)
        else:
            self._fail(outcome)

    def _enrol(self, outcome: Prepared, row: Row, kept: KeptBooking | None) -> None:
        barred = barriers(facts(self._agency, row))
        if kept is None:
            kept = KeptBooking(stated(row), Barrier.NONE, barred)
        self._bookings[row.booking_number] = replace(kept, barred=kept.barred & (barred | kept.disputed))
        self._taken[row.booking_number, outcome.sha256] = row.taken_on
        self.judged.ready.append((outcome, kept.disputed))

    def _contradiction(self, row: Row, kept: KeptBooking, *, known: bool) -> None:
        found = barriers(facts(self._agency, row))
        if not known:
            # the date is the photograph's, and those that are kept have theirs
            found &= ~Barrier.NO_DATE
        quarantines = bool(found & ~kept.barred)
        if quarantines:
            self._bookings[row.booking_number] = replace(
                kept, disputed=kept.disputed | found, barred=kept.barred | found
            )
            self.judged.quarantines.append(Quarantine(row.number, row.booking_number, found))
        other_person = kept.stated.person_number != row.person_number
        error = (_of_another_person if other_person else _stated_differently)(quarantines)
        self.judged.failed.append(failure(row.number, error))

    def _fail(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self.judged.failed.append(outcome.record)


def stated(row: Row) -> StatedBooking:
    """Return what a row states of its booking."""
    return StatedBooking(row.person_number, row.youth, row.birth_date, row.offences)


def facts(agency: AgencyId, row: Row) -> BookingFacts:
    """Return what policy judges of a row."""
    return BookingFacts(agency, row.offences, row.youth, row.birth_date, row.taken_on)


_QUARANTINED = N_("What the row states bars the record, so it was quarantined until it is corrected.")


def _of_another_person(quarantined: bool) -> ManifestError:
    return ManifestError(
        "row.booking-of-another-person",
        N_("The booking belongs to another person number."),
        why=_QUARANTINED if quarantined else "",
        hint=N_("Check which of the two is right; what is kept of the booking was not changed."),
    )


def _stated_differently(quarantined: bool) -> ManifestError:
    return ManifestError(
        "row.booking-stated-differently",
        N_("This booking's offences, youth flag or birth date, or the photograph's date, are kept differently."),
        why=_QUARANTINED if quarantined else "",
        hint=N_("Every row of a booking repeats the whole booking. Check which is right; no fact was changed."),
    )
