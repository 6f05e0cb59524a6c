"""Where each job stands. A job's progress commits with the rows it made, so a kill loses neither or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import overload

from custodes.errors import Conflict
from custodes.ids import AccountId, AgencyId, JobId
from custodes.store.models import Account, Agency, JobRow, RowFailure
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.store.rows import one
from custodes.store.texts import from_json, to_json
from custodes.text import N_


def find_job(kind: str, agency: AgencyId, key: str) -> JobRecord | None:
    """Return the job that does this work, if it was ever started."""
    row = one(JobRow.objects.filter(kind=kind, agency__uid=agency, key=key))
    return _record(row) if row else None


def unfinished_job(kind: str, agency: AgencyId) -> JobRecord | None:
    """Return the newest job of a kind that was started and has not ended."""
    rows = JobRow.objects.filter(kind=kind, agency__uid=agency, finished_at__isnull=True)
    row = one(rows.order_by("-started_at"))
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
        [RowFailure(job=row, row=f.row, code=f.code, texts=to_json(f.texts)) for f in failures], ignore_conflicts=True
    )


def finish_job(job_id: JobId, at: datetime) -> JobRecord:
    """Note that a job has done all its work, and return where it stands."""
    row = JobRow.objects.get(uid=job_id)
    row.finished_at = at
    row.save(update_fields=["finished_at"])
    return _record(row)


class RowFailures(Sequence[RowFailureRecord]):
    """The rows a job could not do, in order, read as they are asked for: there may be as many as there are rows."""

    def __init__(self, job_id: JobId) -> None:
        self._rows = RowFailure.objects.filter(job__uid=job_id).order_by("row")

    def __len__(self) -> int:
        return self._rows.count()

    def __iter__(self) -> Iterator[RowFailureRecord]:
        return map(_failure, self._rows.iterator(chunk_size=1000))

    @overload
    def __getitem__(self, place: int) -> RowFailureRecord: ...

    @overload
    def __getitem__(self, place: slice) -> list[RowFailureRecord]: ...

    def __getitem__(self, place: int | slice) -> RowFailureRecord | list[RowFailureRecord]:
        if isinstance(place, slice):
            return [_failure(row) for row in self._rows[place]]
        try:
            return _failure(self._rows[place])
        except RowFailure.DoesNotExist as error:
            raise IndexError(place) from error

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def failures(job_id: JobId) -> Sequence[RowFailureRecord]:
    """Return the rows a job could not do, in order."""
    return RowFailures(job_id)


def _failure(row: RowFailure) -> RowFailureRecord:
    return RowFailureRecord(row.row, row.code, from_json(row.texts))


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
