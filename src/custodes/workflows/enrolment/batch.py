"""From prepared rows to one commit: what fits the records that are there, as new records, with their log entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from custodes.engine import advise
from custodes.ids import AgencyId, BookingId, JobId, PhotographId, SubjectId, TemplateId
from custodes.ledger import Event
from custodes.ledger.events import Code, PhotographEnrolled, PhotographNotEnrolled, RowEffect, Standing
from custodes.store import enrolment as store
from custodes.store.bookings import KeptBooking, mark_named, quarantine_booking
from custodes.store.database import raise_generation
from custodes.store.enrolment import NewPhotograph
from custodes.store.records import RowFailureRecord
from custodes.store.vanished import require_latest
from custodes.store.vault import Vault
from custodes.types import Barrier, Context, Contract, Eligibility
from custodes.workflows.enrolment.corrections import Plan, Terms
from custodes.workflows.enrolment.judge import Named, Outcome, Quarantine, Withdrawal, judge
from custodes.workflows.enrolment.prepare import Prepared
from custodes.workflows.enrolment.settle import named, quarantined, write_corrections


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit writes for one service."""

    agency: AgencyId
    rows: int
    new: Sequence[NewPhotograph]
    failed: Sequence[RowFailureRecord]
    quarantines: Sequence[Quarantine]
    corrections: Sequence[Plan | Withdrawal]
    looked_at: Mapping[str, KeptBooking]
    named: Named
    re_export: bool = False


def to_commit(context: Context, terms: Terms, outcomes: Sequence[Outcome]) -> Batch:
    """Judge the outcomes of a batch of rows and make its new records."""
    judged = judge(terms, outcomes)
    new = [new_photograph(context, terms, item, eligible) for item, eligible in judged.ready]
    return Batch(
        agency=terms.agency,
        rows=len(outcomes),
        new=new,
        failed=judged.failed,
        quarantines=judged.quarantines,
        corrections=judged.corrections,
        looked_at=judged.looked_at,
        named=judged.named,
        re_export=bool(terms.re_export),
    )


def new_photograph(context: Context, terms: Terms, item: Prepared, eligible: Eligibility) -> NewPhotograph:
    """Return a prepared row as a new record of its booking."""
    row, entropy = item.loaded.row, context.entropy
    return NewPhotograph(
        photograph_id=PhotographId.new(entropy),
        template_id=TemplateId.new(entropy),
        subject_id=SubjectId.new(entropy),
        booking_id=BookingId.new(entropy),
        agency=terms.agency,
        person_number=row.person_number,
        booking_number=row.booking_number,
        sex=row.sex,
        birth_date=row.birth_date,
        youth=row.youth,
        offences=row.offences,
        taken_on=row.taken_on,
        original=item.loaded.data,
        name=item.loaded.name,
        sha256=item.loaded.sha256,
        format=item.format,
        width=item.width,
        height=item.height,
        notes=item.notes,
        quality=item.quality,
        vector=item.vector,
        eligibility=eligible,
        pose=row.pose,
        named_by=terms.re_export,
    )


def count(counts: Counter[str], batch: Batch) -> None:
    """Add a batch to a job's counts; every row is enrolled, failed, or enrolled before."""
    enrolled, failed = len(batch.new), len(batch.failed)
    counts.update(rows=batch.rows, enrolled=enrolled, failed=failed, already=batch.rows - enrolled - failed)
    counts.update(records_quarantined=len(batch.quarantines), unreadable=batch.named.unreadable)
    for each in batch.corrections:
        counts["withdrawn" if isinstance(each, Withdrawal) else "waiting" if each.widens else "corrected"] += 1
    for photograph in batch.new:
        found = photograph.eligibility.barriers
        counts.update(f"barrier:{barrier.name}" for barrier in found)
        # a pose that the pack cannot compare is no bar in law: such a photograph is kept and shown
        counts["unsearched"] += found == Barrier.POSE
        counts["advised"] += photograph.quality is not None and bool(advise(photograph.quality))
        counts["quarantined"] += found not in (Barrier.NONE, Barrier.POSE)


def commit(
    vault: Vault, context: Context, contract: Contract, job: JobId, batch: Batch
) -> Callable[[], Sequence[Event[RowEffect]]]:
    """Seal a batch now, and return what writes it in the open transaction and names its log entries."""
    sealed = list(zip(batch.new, store.seal_photographs(vault, batch.new), strict=True))

    def write() -> Sequence[Event[RowEffect]]:
        if batch.re_export:
            require_latest(job)
        corrected = write_corrections(context, job, batch.corrections, batch.looked_at)
        subjects: list[SubjectId] = []
        if sealed:
            subjects = store.add_photographs(sealed, contract, generation=raise_generation(), at=context.now())
        enrolled = (
            Event(context, _enrolled(photograph, subject, job))
            for photograph, subject in zip(batch.new, subjects, strict=True)
        )
        barred = [event for each in batch.quarantines for event in _quarantine(context, batch.agency, job, each)]
        refused = (
            Event(context, PhotographNotEnrolled(job=job, code=Code.of(record.code), row=str(record.row)))
            for record in batch.failed
        )
        mark_named(
            batch.agency,
            str(job),
            bookings=batch.named.bookings,
            unclear=batch.named.unclear,
            photographs=batch.named.photographs,
        )
        return [*corrected, *enrolled, *barred, *refused]

    return write


def _quarantine(context: Context, agency: AgencyId, job: JobId, quarantine: Quarantine) -> list[Event[RowEffect]]:
    photographs = quarantine_booking(agency, quarantine.booking_number, quarantine.barriers)
    return quarantined(context, photographs, quarantine.barriers, job, quarantine.row)


def _enrolled(photograph: NewPhotograph, subject: SubjectId, job: JobId) -> PhotographEnrolled:
    barriers = photograph.eligibility.barriers
    standing = {Barrier.NONE: Standing.SEARCHABLE, Barrier.POSE: Standing.UNSEARCHED}
    return PhotographEnrolled(
        photograph=photograph.photograph_id,
        subject=subject,
        job=job,
        standing=standing.get(barriers, Standing.QUARANTINED),
        barriers="" if barriers in standing else named(barriers),
    )
