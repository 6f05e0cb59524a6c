"""Where each job stands. A job's progress commits with the rows it made, so a kill loses neither or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from custodes.errors import Conflict
from custodes.ids import AccountId, AgencyId, JobId
from custodes.store.models import Account, Agency, JobRow, RowFailure
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.text import N_


def find_job(kind: str, agency: AgencyId, key: str) -> JobRecord | None:
    """Return the job that does this work, if it was ever started."""
    row = JobRow.objects.filter(kind=kind, agency__uid=agency, key=key).first()
    return _record(row) if row else None


def start_job(job_id: JobId, kind: str, agency: AgencyId, key: str, started_by: AccountId, at: datetime) -> JobRecord:
    """Add a job that has done nothing yet."""
    row = JobRow.objects.create(
        uid=job_id,
        kind=kind,
        key=key,
        agency=Agency.objects.get(uid=agency),
        started_by=Account.objects.get(uid=started_by),
        started_at=at,
    )
    return _record(row)


def advance_job(
    job_id: JobId, *, after: int, cursor: int, counts: Mapping[str, int], failures: Sequence[RowFailureRecord] = ()
) -> None:
    """Move a job on from ``after`` to ``cursor`` inside the open transaction, with the rows it could not do.

    Raises:
        Conflict: ``job.moved``, if it is not at ``after``: another process is doing the same work.
    """
    row = JobRow.objects.get(uid=job_id)
    if row.cursor != after or row.finished_at is not None:
        raise Conflict(
            "job.moved",
            N_("The same work is being done by another process at this moment."),
            hint=N_("Leave it to the other one, or start again when it has ended: nothing is done twice."),
        )
    row.cursor = cursor
    row.counts = dict(counts)
    row.save(update_fields=["cursor", "counts"])
    RowFailure.objects.bulk_create(
        [RowFailure(job=row, row=f.row, code=f.code, sentence=f.sentence) for f in failures], ignore_conflicts=True
    )


def finish_job(job_id: JobId, at: datetime) -> JobRecord:
    """Note that a job has done all its work, and return where it stands."""
    row = JobRow.objects.get(uid=job_id)
    row.finished_at = at
    row.save(update_fields=["finished_at"])
    return _record(row)


def failures(job_id: JobId) -> list[RowFailureRecord]:
    """Return the rows a job could not do, in order."""
    rows = RowFailure.objects.filter(job__uid=job_id).order_by("row")
    return [RowFailureRecord(row.row, row.code, row.sentence) for row in rows]


def _record(row: JobRow) -> JobRecord:
    return JobRecord(
        id=JobId(row.uid),
        kind=row.kind,
        key=row.key,
        cursor=row.cursor,
        counts=row.counts,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
