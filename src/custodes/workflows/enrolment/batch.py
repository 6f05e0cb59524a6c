"""From prepared rows to one commit: what fits the records that are there, as new records, with their log entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from custodes.errors import ManifestError
from custodes.ids import AgencyId, BookingId, JobId, PhotographId, SubjectId, TemplateId
from custodes.ledger import Event, EventKind
from custodes.policy.eligibility import BookingFacts, eligibility
from custodes.store import gallery as store
from custodes.store.database import raise_generation
from custodes.store.gallery import NewPhotograph, StatedBooking
from custodes.store.records import RowFailureRecord
from custodes.store.vault import Vault
from custodes.text import N_
from custodes.types import Context, Contract
from custodes.workflows.enrolment.prepare import Prepared, failure


def consistent(agency: AgencyId, prepared: Sequence[Prepared]) -> tuple[list[Prepared], list[RowFailureRecord]]:
    """Part rows that can be enrolled from rows that contradict what a booking's earlier row states.

    A row whose very image its booking already has is neither: it is enrolled before.
    """
    numbers = {item.loaded.row.booking_number for item in prepared}
    bookings = store.bookings_as_stated(agency, numbers)
    images = store.known_photographs(agency, [(i.loaded.row.booking_number, i.loaded.sha256) for i in prepared])
    ready: list[Prepared] = []
    refused: list[RowFailureRecord] = []
    for item in prepared:
        row = item.loaded.row
        stated = StatedBooking(row.person_number, row.youth, row.birth_date, row.offences)
        earlier = bookings.setdefault(row.booking_number, stated)
        if earlier.person_number != stated.person_number:
            refused.append(failure(row.number, _of_another_person()))
        elif (row.booking_number, item.loaded.sha256) in images:
            # before the facts are compared: a run that was killed and resumed does not prepare it, so it cannot
            continue
        elif earlier != stated:
            refused.append(failure(row.number, _stated_differently()))
        else:
            images.add((row.booking_number, item.loaded.sha256))
            ready.append(item)
    return ready, refused


def new_photograph(context: Context, agency: AgencyId, item: Prepared) -> NewPhotograph:
    """Return a prepared row as a new record, with its eligibility as policy computes it now."""
    row, entropy = item.loaded.row, context.entropy
    facts = BookingFacts(agency, row.offences, row.youth, row.birth_date, row.taken_on)
    return NewPhotograph(
        photograph_id=PhotographId.new(entropy),
        template_id=TemplateId.new(entropy),
        subject_id=SubjectId.new(entropy),
        booking_id=BookingId.new(entropy),
        agency=agency,
        person_number=row.person_number,
        booking_number=row.booking_number,
        sex=row.sex,
        birth_date=row.birth_date,
        youth=row.youth,
        offences=row.offences,
        taken_on=row.taken_on,
        original=item.loaded.data,
        sha256=item.loaded.sha256,
        format=item.format,
        width=item.width,
        height=item.height,
        vector=item.vector,
        eligibility=eligibility(facts, context.now()),
    )


def count(counts: Counter[str], rows: int, new: Sequence[NewPhotograph], failed: Sequence[RowFailureRecord]) -> None:
    """Add a batch to a job's counts; every row is enrolled, failed, or enrolled before."""
    counts.update(rows=rows, enrolled=len(new), failed=len(failed), already=rows - len(new) - len(failed))
    for photograph in new:
        counts.update(f"barrier:{barrier.name}" for barrier in photograph.eligibility.barriers)
        counts["quarantined"] += photograph.eligibility.barriers != 0


def commit(
    vault: Vault,
    context: Context,
    contract: Contract,
    job: JobId,
    new: Sequence[NewPhotograph],
    failed: Sequence[RowFailureRecord],
) -> Callable[[], Sequence[Event]]:
    """Seal a batch now, and return what writes it in the open transaction and names its log entries."""
    sealed = list(zip(new, store.seal_photographs(vault, new), strict=True))

    def write() -> Sequence[Event]:
        subjects: list[SubjectId] = []
        if sealed:
            subjects = store.add_photographs(sealed, contract, generation=raise_generation(), at=context.now())
        enrolled = (
            Event(
                EventKind.PHOTOGRAPH_ENROLLED,
                context,
                (photograph.photograph_id, subject),
                {"barriers": int(photograph.eligibility.barriers), "job": str(job)},
            )
            for photograph, subject in zip(new, subjects, strict=True)
        )
        refused = (
            Event(
                EventKind.PHOTOGRAPH_NOT_ENROLLED,
                context,
                facts={"row": record.row, "code": record.code, "job": str(job)},
            )
            for record in failed
        )
        return [*enrolled, *refused]

    return write


def _of_another_person() -> ManifestError:
    return ManifestError(
        "row.booking-of-another-person",
        N_("The booking belongs to another person number."),
        hint=N_("Check which of the two is right; nothing was changed."),
    )


def _stated_differently() -> ManifestError:
    return ManifestError(
        "row.booking-stated-differently",
        N_("An earlier row states this booking's offences, youth flag or birth date differently."),
        hint=N_("Every row of a booking repeats the whole booking. Correct the export; nothing was changed."),
    )
