"""From prepared rows to one commit: what fits the records that are there, as new records, with their log entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from custodes.ids import AgencyId, BookingId, JobId, PhotographId, SubjectId, TemplateId
from custodes.ledger import Event, EventKind
from custodes.policy.eligibility import eligibility
from custodes.store import enrolment as store
from custodes.store.bookings import quarantine_booking
from custodes.store.database import raise_generation
from custodes.store.enrolment import NewPhotograph
from custodes.store.records import RowFailureRecord
from custodes.store.vault import Vault
from custodes.types import Barrier, Context, Contract
from custodes.workflows.enrolment.judge import Outcome, Quarantine, facts, judge
from custodes.workflows.enrolment.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit writes for one service."""

    agency: AgencyId
    rows: int
    new: Sequence[NewPhotograph]
    failed: Sequence[RowFailureRecord]
    quarantines: Sequence[Quarantine]


def to_commit(context: Context, agency: AgencyId, outcomes: Sequence[Outcome]) -> Batch:
    """Judge the outcomes of a batch of rows and make its new records."""
    judged = judge(agency, outcomes)
    new = [new_photograph(context, agency, item, disputed) for item, disputed in judged.ready]
    return Batch(agency, len(outcomes), new, judged.failed, judged.quarantines)


def new_photograph(context: Context, agency: AgencyId, item: Prepared, disputed: Barrier) -> NewPhotograph:
    """Return a prepared row as a new record: eligible as policy computes it now, less what its booking disputes."""
    row, entropy = item.loaded.row, context.entropy
    judged = eligibility(facts(agency, row), context.now())
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
        name=item.loaded.name,
        sha256=item.loaded.sha256,
        format=item.format,
        width=item.width,
        height=item.height,
        vector=item.vector,
        eligibility=replace(judged, barriers=judged.barriers | disputed),
    )


def count(counts: Counter[str], batch: Batch) -> None:
    """Add a batch to a job's counts; every row is enrolled, failed, or enrolled before."""
    enrolled, failed = len(batch.new), len(batch.failed)
    counts.update(rows=batch.rows, enrolled=enrolled, failed=failed, already=batch.rows - enrolled - failed)
    counts.update(records_quarantined=len(batch.quarantines))
    for photograph in batch.new:
        counts.update(f"barrier:{barrier.name}" for barrier in photograph.eligibility.barriers)
        counts["quarantined"] += photograph.eligibility.barriers != 0


def commit(
    vault: Vault, context: Context, contract: Contract, job: JobId, batch: Batch
) -> Callable[[], Sequence[Event]]:
    """Seal a batch now, and return what writes it in the open transaction and names its log entries."""
    sealed = list(zip(batch.new, store.seal_photographs(vault, batch.new), strict=True))

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
            for photograph, subject in zip(batch.new, subjects, strict=True)
        )
        quarantined = [_quarantine(context, batch.agency, job, quarantine) for quarantine in batch.quarantines]
        refused = (
            Event(
                EventKind.PHOTOGRAPH_NOT_ENROLLED,
                context,
                facts={"row": record.row, "code": record.code, "job": str(job)},
            )
            for record in batch.failed
        )
        return [*enrolled, *quarantined, *refused]

    return write


def _quarantine(context: Context, agency: AgencyId, job: JobId, quarantine: Quarantine) -> Event:
    photographs = quarantine_booking(
        agency, quarantine.booking_number, quarantine.barriers, generation=raise_generation()
    )
    return Event(
        EventKind.RECORD_QUARANTINED,
        context,
        tuple(photographs),
        {"barriers": int(quarantine.barriers), "row": quarantine.row, "job": str(job)},
    )
