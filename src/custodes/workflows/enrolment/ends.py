"""What becomes of the rows of a file of dispositions, in their order and one by one (see `workflows.dispositions`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice

from custodes.errors import CustodesError, ManifestError
from custodes.ids import CorrectionId
from custodes.store import accounts
from custodes.store.bookings import KeptBooking, Waiting, kept_bookings
from custodes.store.records import RowFailureRecord
from custodes.store.values import Change
from custodes.text import N_
from custodes.types import Offence, RecordFact
from custodes.workflows.enrolment.corrections import Plan, Terms, plan
from custodes.workflows.enrolment.manifest import DispositionRow, Manifest, Problem, disposition_rows
from custodes.workflows.enrolment.manifest.dispositions import impossible_dates
from custodes.workflows.enrolment.prepare import failure
from custodes.workflows.enrolment.screen import Seen

BATCH = 200


@dataclass(slots=True)
class DispositionBatch:
    """What became of some rows. ``last``: the number of the last of them."""

    last: int = 0
    rows: int = 0
    corrections: list[Plan] = field(default_factory=list)
    looked_at: dict[str, KeptBooking] = field(default_factory=dict)
    failed: list[RowFailureRecord] = field(default_factory=list)


class DispositionJudge:
    """Judges the rows of one file in order, each against what is kept and what earlier rows made of it."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._own = next(record.code for record in accounts.agencies() if record.id == terms.agency)
        self._seen = Seen()

    def __enter__(self) -> DispositionJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self._seen.close()

    def batches(self, file: Manifest, today: date, *, after: int) -> Iterator[DispositionBatch]:
        """Yield what becomes of the rows after ``after``; earlier ones are only remembered."""
        rows = self._screened(disposition_rows(file, today), after)
        while batch := list(islice(rows, BATCH)):
            yield self._judged(batch)

    def _screened(
        self, rows: Iterable[DispositionRow | Problem], after: int
    ) -> Iterator[tuple[DispositionRow, ManifestError | None] | Problem]:
        for row in rows:
            if isinstance(row, Problem):
                if row.number > after:
                    yield row
                continue
            is_new = self._is_new(row)
            if row.number > after:
                yield row, None if is_new else _duplicate()

    def _is_new(self, row: DispositionRow) -> bool:
        """Note the offence of a row and return whether no earlier row can have meant it."""
        of = (row.booking_number, row.offence_code)
        is_first = self._seen.is_new(*of)
        if row.offence_date is None:
            self._seen.is_new(*of, "undated")
            return is_first
        return not self._seen.has(*of, "undated") and self._seen.is_new(*of, str(row.offence_date))

    def _judged(self, rows: Sequence[tuple[DispositionRow, ManifestError | None] | Problem]) -> DispositionBatch:
        numbers = {each[0].booking_number for each in rows if isinstance(each, tuple)}
        self._kept = kept_bookings(self._terms.agency, numbers, with_waiting=True)
        loaded = dict(self._kept)
        batch = DispositionBatch(rows=len(rows))
        for each in rows:
            row, error = each if isinstance(each, tuple) else (each, each.error)
            batch.last = row.number
            try:
                if error is not None:
                    raise error
                if isinstance(row, DispositionRow):
                    self._judge(row, batch)
            except CustodesError as raised:
                batch.failed.append(failure(row.number, raised))
        numbers = {each.after.booking_number for each in batch.corrections}
        batch.looked_at = {number: loaded[number] for number in numbers}
        return batch

    def _judge(self, row: DispositionRow, batch: DispositionBatch) -> None:
        if row.agency and row.agency != self._own:
            raise ManifestError(
                "row.other-agency",
                N_("The row belongs to another service than yours."),
                hint=N_("Each service enrols its own records."),
            )
        kept = self._kept.get(row.booking_number)
        if kept is None:
            raise ManifestError(
                "row.booking-unknown",
                N_("Your service has no such booking here."),
                hint=N_("Enrol its photographs first, or leave it out."),
            )
        offences = _ended(kept, row)
        if offences == kept.stated.offences:
            return
        if "" in kept.waiting:
            raise ManifestError(
                "row.correction-waits",
                N_("A correction of this booking waits for a second person, so its dispositions cannot be changed."),
                hint=N_("Have it confirmed or declined (“custodes records waiting”), then update again."),
            )
        changes = (Change(RecordFact.DISPOSITIONS, kept.stated.offences, offences),)
        thought = plan(kept, changes, self._terms, row=row.number)
        batch.corrections.append(thought)
        if thought.widens:
            kept = replace(kept, waiting={**kept.waiting, "": Waiting(CorrectionId(""), changes)})
        self._kept[row.booking_number] = kept if thought.widens else thought.after


def _ended(kept: KeptBooking, row: DispositionRow) -> tuple[Offence, ...]:
    """Return a booking's offences with the one that a row names ended as it says."""
    offences = kept.stated.offences
    places = [
        place
        for place, offence in enumerate(offences)
        if offence.code == row.offence_code and row.offence_date in (None, offence.committed_on)
    ]
    if len(places) != 1:
        raise _no_such_offence() if not places else _ambiguous(len(places))
    offence = offences[places[0]]
    if offence.committed_on and row.disposition_date and row.disposition_date < offence.committed_on:
        raise impossible_dates()
    ended = replace(
        offence, disposition=row.disposition, disposition_date=row.disposition_date, appeal_end=row.appeal_end
    )
    return (*offences[: places[0]], ended, *offences[places[0] + 1 :])


def _no_such_offence() -> ManifestError:
    return ManifestError(
        "row.offence-unknown",
        N_("The booking has no such offence here."),
        hint=N_("Check the code and the date; a re-export corrects the offences of a booking."),
    )


def _ambiguous(count: int) -> ManifestError:
    return ManifestError(
        "row.offence-ambiguous",
        N_("The booking has %(count)d such offences, and the row does not say which of them it means."),
        hint=N_("State the date of the offence; if that is the same too, correct the booking by a re-export."),
        count=count,
    )


def _duplicate() -> ManifestError:
    return ManifestError(
        "row.duplicate-offence",
        N_("An earlier row is of the same offence."),
        hint=N_("Remove one of the two rows; the earlier one counts."),
    )
