"""Long work: one interface. A job is idempotent, resumable after a kill, and runs inside a Context.

A job is named by its kind, its agency and a key that says which work it is; starting the same work again resumes it.
It works in steps.  Each step prepares outside any transaction, then commits its rows, its log entries and the job's
new cursor together; a kill between or inside steps loses at most work that can be done again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from custodes.ids import AgencyId, JobId
from custodes.ledger import Event
from custodes.ledger.events import RowEffect
from custodes.store import jobs as store
from custodes.store.database import GALLERY, transaction_of_its_own
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.types import Context
from custodes.workflows.boundary import signed_in, still_trusted
from custodes.workflows.gallery import gallery_changes
from custodes.workflows.services import Services

_KEY_DIGITS = 48
Progress = Callable[[int, int | None], None]
"""``progress(done, total)`` in rows; ``total`` is None while it is not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, prepared: what to commit, and where the job stands afterwards."""

    commit: Callable[[], Sequence[Event[RowEffect]]]
    """Writes the step's rows inside the open transaction and returns the events that say so."""
    cursor: int
    counts: Mapping[str, int]
    failures: Sequence[RowFailureRecord] = ()


class Job(Protocol):
    """Work that :func:`run_job` can run, stop and resume."""

    kind: str
    key: str

    def started(self, job: JobId) -> RowEffect:
        """Return what the log says when the work is begun."""
        ...

    def resumed(self, job: JobId, cursor: int) -> RowEffect:
        """Return what the log says when it is taken up again after ``cursor`` rows."""
        ...

    def finished(self, job: JobId, counts: Mapping[str, int]) -> RowEffect:
        """Return what the log says when it has ended."""
        ...

    def steps(self, record: JobRecord) -> Iterator[Step]:
        """Yield the steps that are left after ``record.cursor``, in order."""
        ...


def run_job(services: Services, context: Context, job: Job, progress: Progress) -> JobRecord:
    """Run ``job`` to its end, from the beginning or from where it was stopped; return where it stands.

    A job that has already finished does nothing.

    Raises:
        NotSignedIn: ``session.ended``, at the step after which whoever runs it may no longer.
    """
    record = _begin(services, context, job)
    if record.finished_at is not None:
        return record
    reached = record.cursor
    for step in job.steps(record):
        with transaction_of_its_own(GALLERY):
            still_trusted(context)
            events = step.commit()
            store.advance_job(record.id, after=reached, cursor=step.cursor, counts=step.counts, failures=step.failures)
            services.ledger.with_rows(*events, *gallery_changes(services, context))
        reached = step.cursor
        progress(reached, None)
    return _end(services, context, job, record.id)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of_pass(
    kind: str, agency: AgencyId, *parts: str, is_over: Callable[[JobRecord], bool] = lambda record: False
) -> str:
    """Return the name of a job's work: what it is made of, and which pass over it this is.

    A pass that has finished, or that ``is_over`` for another reason, is not taken up again: the next one begins.
    """
    content, number = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_KEY_DIGITS], 1
    while record := store.find_job(kind, agency, f"{content}:{number}"):
        if record.finished_at is None and not is_over(record):
            break
        number += 1
    return f"{content}:{number}"


def _begin(services: Services, context: Context, job: Job) -> JobRecord:
    actor, agency = signed_in(context)
    with transaction_of_its_own(GALLERY):
        record = store.find_job(job.kind, agency, job.key)
        if record is None:
            record = store.start_job(JobId.new(context.entropy), job.kind, agency, job.key, actor, context.now())
            services.ledger.with_rows(Event(context, job.started(record.id)))
        elif record.finished_at is None:
            services.ledger.with_rows(Event(context, job.resumed(record.id, record.cursor)))
    return record


def _end(services: Services, context: Context, job: Job, job_id: JobId) -> JobRecord:
    with transaction_of_its_own(GALLERY):
        record = store.finish_job(job_id, context.now())
        services.ledger.with_rows(Event(context, job.finished(job_id, record.counts)))
    return record
