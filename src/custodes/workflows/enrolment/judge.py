"""What becomes of a row, given what is kept: enrolled, enrolled before, or failed; and what it does to what is kept.

Every row of one's own service that can be read is judged, whatever its image.  In an ordinary enrolment a row that
contradicts its booking fails, and if the law would bar what it states, what is kept is barred too until somebody has
corrected it (LAW-13); no row takes a barrier away.  In a re-export the first row of a booking corrects it, and the
first row of a photograph corrects that; later rows of the same re-export must agree with the first, or they fail and
bar as ever.  Rows are judged in their order and one by one, so that it does not matter how they were batched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from custodes.errors import ManifestError
from custodes.ids import BookingId, CorrectionId, PhotographId
from custodes.policy.eligibility import barriers, eligibility
from custodes.store import bookings as store
from custodes.store.bookings import KeptBooking, KeptPhotograph, StatedBooking
from custodes.store.records import RowFailureRecord
from custodes.store.values import Change
from custodes.text import N_
from custodes.types import Barrier, Eligibility
from custodes.workflows.enrolment.corrections import (
    Plan,
    Terms,
    booking_changes,
    changed,
    facts,
    photograph_changes,
    plan,
    stated,
)
from custodes.workflows.enrolment.manifest import Row
from custodes.workflows.enrolment.prepare import Failed, Loaded, Prepared, failure

Outcome = Prepared | Failed | Loaded
"""What preparing a row came to; a row that is still only loaded was enrolled before."""
_PHOTOGRAPHS_OWN = Barrier.NO_DATE | Barrier.POSE | Barrier.VANISHED


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A record to be quarantined because of what a row states."""

    row: int
    booking_number: str
    barriers: Barrier


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A correction that need not wait any more: the records system has since stated something else.

    ``correction``: its id, or the plan of one that the same batch brings in.
    """

    correction: CorrectionId | Plan
    booking: BookingId
    row: int


@dataclass(slots=True)
class Named:
    """What rows of a re-export named: bookings by number, those of an unclear photograph, photographs."""

    bookings: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)
    photographs: set[PhotographId] = field(default_factory=set)
    unreadable: int = 0
    """Rows of which not even the booking could be read."""


@dataclass(slots=True)
class Judged:
    """Rows to enrol, each as its booking is kept; rows that failed; what else is to be done, in order.

    ``looked_at``: what was kept of each booking to be corrected when it was judged.
    """

    ready: list[tuple[Prepared, Eligibility]] = field(default_factory=list)
    failed: list[RowFailureRecord] = field(default_factory=list)
    corrections: list[Plan | Withdrawal] = field(default_factory=list)
    looked_at: dict[str, KeptBooking] = field(default_factory=dict)
    quarantines: list[Quarantine] = field(default_factory=list)
    named: Named = field(default_factory=Named)


def judge(terms: Terms, outcomes: Sequence[Outcome]) -> Judged:
    """Judge the rows of one batch against what is kept and against one another."""
    return _Judge(terms, outcomes).judged


class _Judge:
    def __init__(self, terms: Terms, outcomes: Sequence[Outcome]) -> None:
        numbers = {outcome.row.booking_number for outcome in outcomes if outcome.row is not None}
        self._terms = terms
        self._bookings = store.kept_bookings(terms.agency, numbers, with_waiting=bool(terms.re_export))
        self._loaded = dict(self._bookings)
        self._plans: dict[tuple[str, str], Plan] = {}
        self.judged = Judged()
        for outcome in outcomes:
            self._judge(outcome)

    def _judge(self, outcome: Outcome) -> None:
        row = outcome.row
        if self._terms.re_export:
            self._note(outcome)
        if row is None:
            self._fail(outcome)
            return
        kept = self._bookings.get(row.booking_number)
        if kept is not None and self._terms.re_export:
            kept = self._corrected(row, kept, outcome.sha256)
        photograph = kept.photographs.get(outcome.sha256) if kept else None
        if kept is not None and self._contradicts(row, kept, photograph):
            self._contradiction(row, kept, known=photograph is not None)
        elif photograph is not None:
            return
        elif isinstance(outcome, Prepared):
            self._enrol(outcome, row, kept)
        else:
            self._fail(outcome)

    def _enrol(self, outcome: Prepared, row: Row, kept: KeptBooking | None) -> None:
        if kept is None:
            kept = KeptBooking(BookingId(""), row.booking_number, stated(row), row.sex, named_by=self._terms.re_export)
        photograph = KeptPhotograph(PhotographId(""), row.taken_on, row.pose, vanished=False, barriers=Barrier.NONE)
        eligible = eligibility(facts(kept, photograph, self._terms), self._terms.moment)
        photographs = {**kept.photographs, outcome.sha256: replace(photograph, barriers=eligible.barriers)}
        self._bookings[row.booking_number] = replace(kept, photographs=photographs)
        self.judged.ready.append((_as_kept(outcome, kept), eligible))

    # --- re-exports ---------------------------------------------------------------------------------------

    def _note(self, outcome: Outcome) -> None:
        """Note what a row of a re-export names, so that what none names is known in the end."""
        named = self.judged.named
        if outcome.row is not None:
            named.bookings.add(outcome.row.booking_number)
            # a duplicate names what an earlier row has named
            is_duplicate = isinstance(outcome, Failed) and outcome.record.code == "row.duplicate"
            if not (outcome.sha256 or is_duplicate):
                named.unclear.add(outcome.row.booking_number)
        elif outcome.booking_number:
            named.unclear.add(outcome.booking_number)
        elif outcome.booking_number is not None:
            named.unreadable += 1

    def _corrected(self, row: Row, kept: KeptBooking, sha256: str) -> KeptBooking:
        """Correct a booking by the first row of the re-export that names it, and a photograph likewise."""
        job = self._terms.re_export
        if kept.named_by != job:
            changes = booking_changes(kept, stated(row), row.sex)
            kept = replace(self._settle(row, kept, changes, None), named_by=job)
        photograph = kept.photographs.get(sha256)
        if photograph is not None and photograph.id and photograph.named_by != job:
            changes = photograph_changes(photograph, row)
            kept = self._settle(row, kept, changes, photograph.id)
            named = replace(kept.photographs[sha256], named_by=job)
            kept = replace(kept, photographs={**kept.photographs, sha256: named})
            self.judged.named.photographs.add(photograph.id)
        self._bookings[row.booking_number] = kept
        return kept

    def _settle(
        self, row: Row, kept: KeptBooking, changes: tuple[Change, ...], photograph: PhotographId | None
    ) -> KeptBooking:
        """Do nothing, correct now, or let a correction wait; return what is kept then."""
        waits = kept.waiting.get(photograph or "")
        thought = plan(kept, changes, self._terms, row=row.number, photograph=photograph) if changes else None
        if waits is not None:
            if thought is not None and thought.widens and _news(thought.changes) == _news(waits.changes):
                return kept
            kept = self._withdraw(kept, photograph or "", row.number)
        if thought is None:
            return kept
        self.judged.corrections.append(thought)
        self.judged.looked_at[row.booking_number] = self._loaded[row.booking_number]
        if not thought.widens:
            return replace(thought.after, waiting=kept.waiting)
        if thought.bars:
            self.judged.quarantines.append(Quarantine(row.number, row.booking_number, thought.bars))
            kept = _disputed(kept, thought.bars)
        self._plans[row.booking_number, photograph or ""] = thought
        new = store.Waiting(CorrectionId(""), thought.changes)
        return replace(kept, waiting={**kept.waiting, photograph or "": new})

    def _withdraw(self, kept: KeptBooking, key: str, row: int) -> KeptBooking:
        correction = kept.waiting[key].id or self._plans[kept.booking_number, key]
        self.judged.corrections.append(Withdrawal(correction, kept.id, row))
        return replace(kept, waiting={k: v for k, v in kept.waiting.items() if k != key})

    # --- contradictions -----------------------------------------------------------------------------------

    def _contradicts(self, row: Row, kept: KeptBooking, photograph: KeptPhotograph | None) -> bool:
        """Return whether a row disagrees with its booking, or with its photograph if that is kept."""
        if _claimed(kept) != stated(row):
            return True
        if photograph is None:
            return False
        claimed = _claimed_photograph(kept, photograph)
        return (claimed.taken_on, claimed.pose) != (row.taken_on, row.pose)

    def _contradiction(self, row: Row, kept: KeptBooking, *, known: bool) -> None:
        said = replace(kept, stated=stated(row), disputed=Barrier.NONE)
        photograph = KeptPhotograph(PhotographId(""), row.taken_on, row.pose, vanished=False, barriers=Barrier.NONE)
        found = barriers(facts(said, photograph, self._terms))
        # the date is the photograph's, and those that are kept have theirs; pose bars only the one that has it
        found &= ~(_PHOTOGRAPHS_OWN & ~(Barrier.NO_DATE if known else Barrier.NONE))
        quarantines = bool(found & ~kept.barred)
        if "" in kept.waiting:
            # an export that contradicts itself vouches for nothing that would open a record
            kept = self._withdraw(kept, "", row.number)
        if quarantines:
            kept = _disputed(kept, found)
            self.judged.quarantines.append(Quarantine(row.number, row.booking_number, found))
        self._bookings[row.booking_number] = kept
        other_person = kept.stated.person_number != row.person_number
        error = (_of_another_person if other_person else _stated_differently)(quarantines)
        self.judged.failed.append(failure(row.number, error))

    def _fail(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self.judged.failed.append(outcome.record)


def _claimed(kept: KeptBooking) -> StatedBooking:
    """Return what a re-export has stated of a booking, though it may wait; what differs from that was withdrawn."""
    waits = kept.waiting.get("")
    return changed(kept, waits.changes, None).stated if waits else kept.stated


def _claimed_photograph(kept: KeptBooking, photograph: KeptPhotograph) -> KeptPhotograph:
    waits = kept.waiting.get(photograph.id) if photograph.id else None
    if waits is None:
        return photograph
    after = changed(kept, waits.changes, photograph.id)
    return next(each for each in after.photographs.values() if each.id == photograph.id)


def _news(changes: Sequence[Change]) -> set[tuple[object, object]]:
    return {(change.fact, change.new) for change in changes}


def _disputed(kept: KeptBooking, bars: Barrier) -> KeptBooking:
    photographs = {key: replace(each, barriers=each.barriers | bars) for key, each in kept.photographs.items()}
    return replace(kept, disputed=kept.disputed | bars, photographs=photographs)


def _as_kept(outcome: Prepared, kept: KeptBooking) -> Prepared:
    """Return a row as its booking is kept: a correction that waits changes nothing for new photographs either."""
    now = kept.stated
    row = replace(
        outcome.row,
        person_number=now.person_number,
        youth=now.youth,
        birth_date=now.birth_date,
        offences=now.offences,
        sex=kept.sex,
    )
    return replace(outcome, loaded=replace(outcome.loaded, row=row))


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
        N_(
            "This booking’s offences, youth flag or birth date, or the photograph’s date or pose, are kept differently."
        ),
        why=_QUARANTINED if quarantined else "",
        hint=N_("Every row of a booking repeats the whole booking. Check which is right; no fact was changed."),
    )
