"""Enrolment as a job: streaming, resumable, idempotent (ENR-10).

Rows are read in order and prepared by as many threads as there are cores, a bounded number ahead of what is being
written.  A batch commits at once: records, templates, gallery generation, log entries, failures and the job's cursor,
so that a kill at any instant leaves a prefix of the manifest enrolled and nothing half-written.  What a row lacks in
law quarantines it; what it lacks in form or in its image is a failure that is kept and counted (ENR-04).
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from custodes.engine import FaceEngine, check_licence
from custodes.errors import CustodesError, ManifestError
from custodes.ledger import EventKind
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import accounts
from custodes.store import gallery as store
from custodes.store import jobs as job_store
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.enrolment.batch import commit, consistent, count, new_photograph
from custodes.workflows.enrolment.manifest import Manifest, Problem, Row, load_mapping, open_manifest
from custodes.workflows.enrolment.prepare import Loaded, Prepared, failure, prepare
from custodes.workflows.enrolment.screen import Screen
from custodes.workflows.jobs import Progress, Step, run_job
from custodes.workflows.services import Services

_BATCH = 16
_BATCHES_AHEAD = 2
_KEY_DIGITS = 48

Outcome = Prepared | RowFailureRecord | None
"""What became of a row: ready, failed, or (None) enrolled before."""


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What an enrolment came to. Every row is counted once in ``enrolled``, ``already`` or ``failed``.

    ``quarantined``: enrolled rows that may not be searched, by barrier (a row may have several).
    """

    rows: int
    enrolled: int
    already: int
    failed: int
    searchable: int
    quarantined: Mapping[str, int]
    failures: Sequence[RowFailureRecord]


@workflow
def enrol(
    services: Services,
    context: Context,
    *,
    manifest: Path,
    mapping: Path,
    images: Path,
    progress: Progress = lambda done, total: None,
) -> EnrolmentReport:
    """Enrol the photographs of one's own service that a manifest lists, from the folder ``images``.

    The same manifest again resumes where it was stopped; once finished, another pass goes over all rows, passes by what
    is enrolled and tries failures anew.

    Raises:
        Refused: the actor is no records officer. ManifestError: manifest or mapping cannot be read at all.
    """
    _, agency = signed_in(context)
    permit(context, Action.ENROL, OwnedFacts(agency))
    check_licence(
        pack=services.engine.contract.pack,
        allows_operational_use=services.engine.allows_operational_use,
        evaluation=services.config.evaluation,
    )
    opened = open_manifest(manifest, load_mapping(mapping))
    key = _job_key(agency, manifest, mapping)
    job = _EnrolmentJob(services, context, opened, images, key)
    record = run_job(services, context, job, lambda done, _: progress(done, opened.lines))
    return _report(record)


class _EnrolmentJob:
    """The steps of one pass over one manifest."""

    kind = "enrolment"
    started = EventKind.ENROLMENT_STARTED
    resumed = EventKind.ENROLMENT_RESUMED
    finished = EventKind.ENROLMENT_FINISHED

    def __init__(self, services: Services, context: Context, manifest: Manifest, images: Path, key: str) -> None:
        self.key = key
        self._services = services
        self._context = context
        self._manifest = manifest
        self._images = images
        _, self._agency = signed_in(context)
        self._engine: FaceEngine = services.bulk_engine

    def steps(self, record: JobRecord) -> Iterator[Step]:
        self._job = record.id
        agencies = {agency.code: agency.id for agency in accounts.agencies()}
        own = next(code for code, agency_id in agencies.items() if agency_id == self._agency)
        screen = Screen(self._images, own, agencies)
        counts = Counter(record.counts)
        ahead: deque[list[tuple[int, Future[Outcome]]]] = deque()
        rows = self._loaded(screen, record.cursor)
        try:
            with ThreadPoolExecutor(max(1, self._services.config.threads)) as pool:
                while batch := list(islice(rows, _BATCH)):
                    ahead.append(self._begin(pool, batch))
                    if len(ahead) > _BATCHES_AHEAD:
                        yield self._step(ahead.popleft(), counts)
                while ahead:
                    yield self._step(ahead.popleft(), counts)
        finally:
            screen.close()

    def _loaded(self, screen: Screen, cursor: int) -> Iterator[tuple[int, Loaded | RowFailureRecord]]:
        """Yield every row after ``cursor`` with its image's bytes; earlier ones only pass the screen again."""
        for item in self._manifest.rows(self._context.now().date()):
            try:
                if isinstance(item, Problem):
                    raise item.error
                path = screen.check(item)
                if item.number > cursor:
                    yield item.number, self._load(item, path)
            except CustodesError as error:
                if item.number > cursor:
                    yield item.number, failure(item.number, error)

    def _load(self, row: Row, path: Path) -> Loaded:
        limit = self._services.limits.max_bytes
        try:
            with path.open("rb") as file:
                # One byte more than allowed, so that the decoder says "too large" without reading a giant.
                data = file.read(limit + 1)
        except OSError as error:
            raise ManifestError(
                "row.image-unreadable",
                N_("The image cannot be read (%(reason)s)."),
                reason=error.strerror or type(error).__name__,
            ) from error
        return Loaded(row, path.name, data, hashlib.sha256(data).hexdigest())

    def _begin(
        self, pool: ThreadPoolExecutor, batch: Sequence[tuple[int, Loaded | RowFailureRecord]]
    ) -> list[tuple[int, Future[Outcome]]]:
        """Start preparing a batch; what is enrolled already is not prepared again."""
        loaded = [item for _, item in batch if isinstance(item, Loaded)]
        known = store.known_photographs(self._agency, [(x.row.booking_number, x.sha256) for x in loaded])
        stated = store.bookings_as_stated(self._agency, {item.row.booking_number for item in loaded})
        limits = self._services.limits
        started: list[tuple[int, Future[Outcome]]] = []
        for number, item in batch:
            future: Future[Outcome] = Future()
            if isinstance(item, RowFailureRecord):
                future.set_result(item)
            elif (item.row.booking_number, item.sha256) in known and (
                stated[item.row.booking_number].person_number == item.row.person_number
            ):
                future.set_result(None)
            else:
                future = pool.submit(prepare, item, self._engine, limits)
            started.append((number, future))
        return started

    def _step(self, batch: Sequence[tuple[int, Future[Outcome]]], counts: Counter[str]) -> Step:
        outcomes = [future.result() for _, future in batch]
        prepared = [outcome for outcome in outcomes if isinstance(outcome, Prepared)]
        ready, refused = consistent(self._agency, prepared)
        failed = sorted(
            [*(outcome for outcome in outcomes if isinstance(outcome, RowFailureRecord)), *refused],
            key=lambda record: record.row,
        )
        new = [new_photograph(self._context, self._agency, item) for item in ready]
        count(counts, len(batch), new, failed)
        return Step(
            commit=commit(self._services.vault, self._context, self._engine.contract, self._job, new, failed),
            cursor=batch[-1][0],
            counts=dict(counts),
            failures=failed,
        )


def _job_key(agency: str, manifest: Path, mapping: Path) -> str:
    """Return the name of the work: the manifest's and the mapping's content, and which pass over them this is."""
    digest = hashlib.sha256()
    for path in (manifest, mapping):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    content, number = digest.hexdigest()[:_KEY_DIGITS], 1
    while (record := job_store.find_job(_EnrolmentJob.kind, agency, f"{content}:{number}")) and record.finished_at:  # type: ignore[arg-type]
        number += 1
    return f"{content}:{number}"


def _report(record: JobRecord) -> EnrolmentReport:
    counts = Counter(record.counts)
    barriers = {key.removeprefix("barrier:"): count for key, count in counts.items() if key.startswith("barrier:")}
    return EnrolmentReport(
        rows=counts["rows"],
        enrolled=counts["enrolled"],
        already=counts["already"],
        failed=counts["failed"],
        searchable=counts["enrolled"] - counts["quarantined"],
        quarantined=barriers,
        failures=job_store.failures(record.id),
    )
