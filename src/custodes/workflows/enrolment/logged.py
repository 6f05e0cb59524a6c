"""What the log says of an enrolment run: openly counts, and what leads to people privately."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from custodes.ids import JobId
from custodes.ledger.events import EnrolmentFinished, EnrolmentResumed, EnrolmentStarted, Sha256
from custodes.store.vanished import Scope

BARRIER = "barrier:"
"""What the name of a count of one bar to being searched begins with."""


class _Run(TypedDict):
    job: JobId
    mapping_sha256: Sha256
    re_export: bool
    manifest_sha256: str
    taken_from: str
    taken_to: str


def started(job: JobId, manifest_sha256: str, mapping_sha256: Sha256, scope: Scope | None) -> EnrolmentStarted:
    """Return what is said when a run is begun."""
    return EnrolmentStarted(**_run(job, manifest_sha256, mapping_sha256, scope))


def resumed(
    job: JobId, manifest_sha256: str, mapping_sha256: Sha256, scope: Scope | None, cursor: int
) -> EnrolmentResumed:
    """Return what is said when it is taken up again after ``cursor`` rows."""
    return EnrolmentResumed(cursor=cursor, **_run(job, manifest_sha256, mapping_sha256, scope))


def finished(job: JobId, counts: Mapping[str, int]) -> EnrolmentFinished:
    """Return what is said when it has ended."""
    barriers = {name.removeprefix(BARRIER): count for name, count in counts.items() if name.startswith(BARRIER)}
    return EnrolmentFinished(
        job=job,
        barriers=" ".join(f"{name}:{count}" for name, count in sorted(barriers.items())),
        **{name: count for name, count in counts.items() if not name.startswith(BARRIER)},
    )


def _run(job: JobId, manifest_sha256: str, mapping_sha256: Sha256, scope: Scope | None) -> _Run:
    days = (scope.taken_from, scope.taken_to) if scope else (None, None)
    first, last = (str(day) if day else "" for day in days)
    return {
        "job": job,
        "mapping_sha256": mapping_sha256,
        "re_export": scope is not None,
        "manifest_sha256": manifest_sha256,
        "taken_from": first,
        "taken_to": last,
    }
