"""Bulk update of dispositions from a records system: a job like enrolment, streaming, resumable, idempotent (ENR-09).

Each row says how one offence of a kept booking ended.  What differs from the record corrects it; what policy makes of
that is applied as for any correction: a bar at once, an opening only with a second person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custodes.ids import AgencyId, JobId
from custodes.ledger import Event
from custodes.ledger.events import DispositionsFinished, DispositionsResumed, DispositionsStarted, RowEffect, Sha256
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import jobs as job_store
from custodes.store.bookings import quarantine_booking
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.types import Context
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.enrolment.corrections import Terms
from custodes.workflows.enrolment.ends import BATCH, DispositionBatch, DispositionJudge
from custodes.workflows.enrolment.manifest import (
    DISPOSITIONS,
    Manifest,
    load_mapping,
    open_manifest,
)
from custodes.workflows.enrolment.manifest import Mapping as Explanation
from custodes.workflows.enrolment.settle import quarantined, write_corrections
from custodes.workflows.jobs import Progress, Step, file_sha256, key_of_pass, run_job
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class DispositionsReport:
    """What an update came to, or would come to. Every row is counted once.

    ``corrected``: offences that end otherwise now; ``waiting``: those of which that waits for a second person.
    """

    rows: int
    corrected: int
    waiting: int
    unchanged: int
    failed: int
    failures: Sequence[RowFailureRecord]


@workflow(Action.UPDATE_DISPOSITIONS)
def update_dispositions(
    services: Services,
    context: Context,
    *,
    file: Path,
    mapping: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> DispositionsReport:
    """Correct how offences of one's own service's bookings ended, as a file states it.

    The same file again resumes where it was stopped; once finished, another pass finds everything unchanged and tries
    failures anew.  ``mapping`` explains the file's columns and codes as it does a manifest's.

    Raises:
        Refused: the actor is no records officer. ManifestError: the file or its mapping cannot be read at all.
    """
    _, agency = signed_in(context)
    permit(context, Action.UPDATE_DISPOSITIONS, OwnedFacts(agency))
    opened = _opened(file, mapping)
    job = _DispositionsJob(services, context, opened, mapping)
    record = run_job(services, context, job, lambda done, _: progress(done, opened.lines))
    return _report(record.counts, job_store.failures(record.id))


@workflow(Action.CHECK_DISPOSITIONS)
def check_dispositions(
    services: Services, context: Context, *, file: Path, mapping: Path | None = None
) -> DispositionsReport:
    """Return what a file of dispositions would come to, with the first failures; nothing is written.

    Raises:
        Refused: the actor is no records officer. ManifestError: the file or its mapping cannot be read at all.
    """
    permit(context, Action.CHECK_DISPOSITIONS)
    _, agency = signed_in(context)
    judging = DispositionJudge(_terms(services, context, agency))
    counts: Counter[str] = Counter()
    failures: list[RowFailureRecord] = []
    with judging:
        for batch in judging.batches(_opened(file, mapping), context.now().date(), after=0):
            _count(counts, batch)
            failures += batch.failed[: BATCH - len(failures)]
    return _report(counts, failures)


class _DispositionsJob:
    """The steps of one pass over one file."""

    kind = "dispositions"

    def __init__(self, services: Services, context: Context, file: Manifest, mapping: Path | None) -> None:
        self._services = services
        self._context = context
        self._file = file
        _, self._agency = signed_in(context)
        self._file_sha256 = file_sha256(file.path)
        self._mapping_sha256 = None if mapping is None else Sha256(file_sha256(mapping))
        hashes = [self._file_sha256] if self._mapping_sha256 is None else [self._file_sha256, self._mapping_sha256]
        self.key = key_of_pass(self.kind, self._agency, *hashes)

    def started(self, job: JobId) -> DispositionsStarted:
        return DispositionsStarted(job=job, mapping_sha256=self._mapping_sha256, file_sha256=self._file_sha256)

    def resumed(self, job: JobId, cursor: int) -> DispositionsResumed:
        return DispositionsResumed(
            job=job, mapping_sha256=self._mapping_sha256, file_sha256=self._file_sha256, cursor=cursor
        )

    def finished(self, job: JobId, counts: Mapping[str, int]) -> DispositionsFinished:
        return DispositionsFinished(job=job, **counts)

    def steps(self, record: JobRecord) -> Iterator[Step]:
        counts = Counter(record.counts)
        with DispositionJudge(_terms(self._services, self._context, self._agency)) as judging:
            for batch in judging.batches(self._file, self._context.now().date(), after=record.cursor):
                _count(counts, batch)
                yield Step(
                    commit=_commit(self._context, self._agency, record.id, batch),
                    cursor=batch.last,
                    counts=dict(counts),
                    failures=batch.failed,
                )


def _commit(
    context: Context, agency: AgencyId, job: JobId, batch: DispositionBatch
) -> Callable[[], Sequence[Event[RowEffect]]]:
    def write() -> Sequence[Event[RowEffect]]:
        events = write_corrections(context, job, batch.corrections, batch.looked_at)
        for each in batch.corrections:
            if each.bars:
                photographs = quarantine_booking(agency, each.after.booking_number, each.bars)
                events += quarantined(context, photographs, each.bars, job, each.row)
        return events

    return write


def _opened(file: Path, mapping: Path | None) -> Manifest:
    return open_manifest(file, load_mapping(mapping) if mapping else Explanation(), DISPOSITIONS)


def _terms(services: Services, context: Context, agency: AgencyId) -> Terms:
    return Terms(agency, context.now(), services.engine.poses)


def _count(counts: Counter[str], batch: DispositionBatch) -> None:
    waiting = sum(each.widens for each in batch.corrections)
    changed = len(batch.corrections)
    counts.update(rows=batch.rows, corrected=changed - waiting, waiting=waiting, failed=len(batch.failed))
    counts.update(unchanged=batch.rows - changed - len(batch.failed))


def _report(counts: Mapping[str, int], failures: Sequence[RowFailureRecord]) -> DispositionsReport:
    kept = Counter(counts)
    return DispositionsReport(
        rows=kept["rows"],
        corrected=kept["corrected"],
        waiting=kept["waiting"],
        unchanged=kept["unchanged"],
        failed=kept["failed"],
        failures=failures,
    )
