"""What an enrolment came to, for the person who ran it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.ids import JobId
from custodes.store import corrections
from custodes.store import jobs as job_store
from custodes.store.records import JobRecord, RowFailureRecord


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What an enrolment came to. Every row is counted once in ``enrolled``, ``already`` or ``failed``.

    ``searchable``, ``unsearched`` (in a pose that the pack does not compare) and ``quarantined`` say how the enrolled
    rows were enrolled; the latter by barrier, of which a row may have several.  ``records_quarantined``: how often a
    row had a record quarantined that was kept already.  Of a re-export: corrections made (``corrected``) and
    ``waiting`` for a second person, photographs ``vanished`` and those of them that are barred by it for the first
    time, and rows so ``unreadable`` that they might have named any booking.  ``advised``: photographs enrolled now that
    there is advice on, their quality being poor (ENR-04).
    """

    job: JobId
    rows: int
    enrolled: int
    already: int
    failed: int
    searchable: int
    unsearched: int
    quarantined: Mapping[str, int]
    records_quarantined: int
    corrected: int
    waiting: int
    vanished: int
    vanished_barred: int
    unreadable: int
    advised: int
    failures: Sequence[RowFailureRecord]


def report_of(record: JobRecord) -> EnrolmentReport:
    """Return what a job came to, or has come to so far."""
    counts = Counter(record.counts)
    barriers = {key.removeprefix("barrier:"): count for key, count in counts.items() if key.startswith("barrier:")}
    return EnrolmentReport(
        job=record.id,
        rows=counts["rows"],
        enrolled=counts["enrolled"],
        already=counts["already"],
        failed=counts["failed"],
        searchable=counts["enrolled"] - counts["quarantined"] - counts["unsearched"],
        unsearched=counts["unsearched"],
        quarantined=barriers,
        records_quarantined=counts["records_quarantined"],
        corrected=counts["corrected"],
        waiting=corrections.count_waiting(record.id),
        vanished=counts["vanished"],
        vanished_barred=counts["vanished_barred"],
        unreadable=counts["unreadable"],
        advised=counts["advised"],
        failures=job_store.failures(record.id),
    )
