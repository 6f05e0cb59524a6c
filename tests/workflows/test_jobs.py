"""Long work: idempotent, resumable after a kill, every step whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from tests.workflows.conftest import World

from custodes.errors import NotSignedIn
from custodes.ids import JobId
from custodes.ledger import Event
from custodes.ledger.events import (
    Code,
    EnrolmentFinished,
    EnrolmentResumed,
    EnrolmentStarted,
    PhotographNotEnrolled,
    RowEffect,
    Sha256,
)
from custodes.store import jobs as store
from custodes.store.models import Agency, JobRow
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.text import Text
from custodes.types import Context
from custodes.workflows.jobs import Step, run_job

_RUN = {"mapping_sha256": Sha256("0" * 64), "manifest_sha256": "1" * 64, "re_export": False}


class Killed(BaseException):
    """What kill -9 looks like from inside: no handler runs."""


@dataclass
class CountToThree:
    """A job of three rows, each a step; it can be killed in or between steps."""

    context: Context
    kill_at: int = 0
    kill_inside: bool = False
    committed: list[int] = field(default_factory=list)
    kind: str = "count"
    key: str = "to three"

    def started(self, job: JobId) -> RowEffect:
        return EnrolmentStarted(job=job, **_RUN)  # type: ignore[arg-type]

    def resumed(self, job: JobId, cursor: int) -> RowEffect:
        return EnrolmentResumed(job=job, cursor=cursor, **_RUN)  # type: ignore[arg-type]

    def finished(self, job: JobId, counts: Mapping[str, int]) -> RowEffect:
        return EnrolmentFinished(job=job, **counts)  # type: ignore[arg-type]

    def steps(self, record: JobRecord) -> Iterator[Step]:
        for row in range(record.cursor + 1, 4):
            if row == self.kill_at and not self.kill_inside:
                raise Killed
            failures = [RowFailureRecord(row, "row.test", (Text("No."),))] if row == 2 else []
            yield Step(lambda row=row: self._commit(record.id, row), row, {"rows": row}, failures)

    def _commit(self, job: JobId, row: int) -> Sequence[Event[RowEffect]]:
        Agency.objects.create(uid=f"agy_{row}", code=f"row {row}", name="x", created_at=self.context.now())
        if row == self.kill_at and self.kill_inside:
            raise Killed
        self.committed.append(row)
        return [Event(self.context, PhotographNotEnrolled(job=job, code=Code("row.test"), row=str(row)))]


def _run(world: World, job: CountToThree) -> JobRecord:
    return run_job(world.services, job.context, job, lambda done, total: None)


def _rows() -> list[str]:
    return sorted(Agency.objects.filter(code__startswith="row").values_list("code", flat=True))


def test_a_job_runs_to_its_end_and_then_does_nothing(world: World) -> None:
    job = CountToThree(world.as_("records officer"))
    record = _run(world, job)
    assert (record.cursor, record.counts, record.finished_at) == (3, {"rows": 3}, world.clock.now())
    assert [entry["kind"] for entry in world.log(5)] == [
        "enrolment.finished",
        *["photograph.not-enrolled"] * 3,
        "enrolment.started",
    ]
    size = world.services.entries.size()
    assert _run(world, CountToThree(job.context)) == record
    assert world.services.entries.size() == size
    assert [f.row for f in store.failures(record.id)] == [2]


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("inside", [True, False], ids=["inside a step", "between steps"])
@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_killed_job_goes_on_where_it_was(row: int, inside: bool, world: World) -> None:
    context = world.as_("records officer")
    with pytest.raises(Killed):
        _run(world, CountToThree(context, kill_at=row, kill_inside=inside))
    assert len(_rows()) == JobRow.objects.get().cursor == row - 1, "nothing half-done"
    again = CountToThree(context)
    record = _run(world, again)
    assert again.committed == list(range(row, 4))
    assert _rows() == ["row 1", "row 2", "row 3"]
    assert (record.cursor, record.counts) == (3, {"rows": 3})
    kinds = [entry["kind"] for entry in world.log(10)]
    assert (
        kinds.count("enrolment.started") == kinds.count("enrolment.resumed") == kinds.count("enrolment.finished") == 1
    )
    assert kinds.count("photograph.not-enrolled") == 3


def test_the_same_work_of_another_service_is_another_job(world: World) -> None:
    _run(world, CountToThree(world.as_("records officer")))
    Agency.objects.filter(code__startswith="row").delete()
    other = CountToThree(world.as_("partner records officer"))
    _run(world, other)
    assert other.committed == [1, 2, 3]
    assert JobRow.objects.count() == 2


def test_progress_is_told_in_rows(world: World) -> None:
    told: list[int] = []
    job = CountToThree(world.as_("records officer"))
    run_job(world.services, job.context, job, lambda done, total: told.append(done))
    assert told == [1, 2, 3]


def test_nobody_runs_no_job(world: World) -> None:
    with pytest.raises(NotSignedIn):
        _run(world, CountToThree(replace(world.as_("records officer"), actor=None)))
    assert JobRow.objects.count() == 0
