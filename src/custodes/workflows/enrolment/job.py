"""Enrolment as a job: streaming, resumable, idempotent (ENR-10).

Rows are read in order and prepared by as many threads as there are cores, a bounded number of rows and of bytes ahead
of what is being written.  A batch commits at once: records, templates, gallery generation, log entries, failures and
the job's cursor, so that a kill at any instant leaves a prefix of the manifest enrolled and nothing half-written.  What
a row lacks in law quarantines it; what it lacks in form or in its image is a failure that is kept and counted (ENR-04).
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from custodes.engine import FaceEngine, check_licence
from custodes.errors import CustodesError, ManifestError
from custodes.ids import AgencyId
from custodes.ledger import EventKind
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import accounts, bookings
from custodes.store import jobs as job_store
from custodes.store.records import JobRecord, RowFailureRecord
from custodes.text import N_
from custodes.types import Context, Facts
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.enrolment.batch import commit, count, to_commit
from custodes.workflows.enrolment.judge import Outcome
from custodes.workflows.enrolment.manifest import Manifest, Problem, Row, load_mapping, open_manifest
from custodes.workflows.enrolment.prepare import Failed, Loaded, failure, prepare
from custodes.workflows.enrolment.screen import Screen
from custodes.workflows.jobs import Progress, Step, run_job
from custodes.workflows.services import Services

_BATCH = 16
_BATCHES_AHEAD = 2
_BYTES_AHEAD = 64_000_000
"""Bytes of images held at once, besides the one image that reaches the bound."""
_KEY_DIGITS = 48


@dataclass(frozen=True, slots=True)
class _Begun:
    """Rows being prepared: the last one's number, what becomes of each, and the bytes of images they hold."""

    last: int
    futures: Sequence[Future[Outcome]]
    held: int


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What an enrolment came to. Every row is counted once in ``enrolled``, ``already`` or ``failed``.

    ``searchable`` and ``quarantined`` say how the enrolled rows were enrolled; the latter by barrier, of which a row
    may have several. ``records_quarantined``: how often a failed row had a record quarantined that was kept already.
    """

    rows: int
    enrolled: int
    already: int
    failed: int
    searchable: int
    quarantined: Mapping[str, int]
    records_quarantined: int
    failures: Sequence[RowFailureRecord]


@workflow(Action.ENROL)
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
    job = _EnrolmentJob(services, context, opened, images, (manifest, mapping))
    record = run_job(services, context, job, lambda done, _: progress(done, opened.lines))
    return _report(record)


class _EnrolmentJob:
    """The steps of one pass over one manifest."""

    kind = "enrolment"
    started = EventKind.ENROLMENT_STARTED
    resumed = EventKind.ENROLMENT_RESUMED
    finished = EventKind.ENROLMENT_FINISHED

    def __init__(
        self, services: Services, context: Context, manifest: Manifest, images: Path, files: tuple[Path, Path]
    ) -> None:
        manifest_sha256, mapping_sha256 = map(_sha256, files)
        self.facts: Facts = {"manifest_sha256": manifest_sha256, "mapping_sha256": mapping_sha256}
        self._services = services
        self._context = context
        self._manifest = manifest
        self._images = images
        _, self._agency = signed_in(context)
        self.key = _job_key(self._agency, manifest_sha256, mapping_sha256)
        self._engine: FaceEngine = services.bulk_engine

    def steps(self, record: JobRecord) -> Iterator[Step]:
        self._job = record.id
        agencies = {agency.code: agency.id for agency in accounts.agencies()}
        self._own = next(code for code, agency_id in agencies.items() if agency_id == self._agency)
        screen = Screen(self._images, self._own, agencies)
        counts = Counter(record.counts)
        rows = self._loaded(screen, record.cursor)
        try:
            with ThreadPoolExecutor(max(1, self._services.config.threads)) as pool:
                for begun in self._begun(pool, rows):
                    yield self._step(begun, counts)
        finally:
            screen.close()

    def _begun(self, pool: ThreadPoolExecutor, rows: Iterator[Loaded | Failed]) -> Iterator[_Begun]:
        """Begin batches ahead of the one that is yielded, as far as rows and bytes allow."""
        ahead: deque[_Begun] = deque()
        batch: list[Loaded | Failed] = []
        filling = writing = 0
        for item in rows:
            batch.append(item)
            filling += _size(item)
            # what was yielded last is still held by whoever wrote it
            if len(batch) < _BATCH and filling + writing + _held(ahead) < _BYTES_AHEAD:
                continue
            ahead.append(self._begin(pool, batch))
            batch, filling = [], 0
            while ahead and (len(ahead) > _BATCHES_AHEAD or writing + _held(ahead) >= _BYTES_AHEAD):
                begun = ahead.popleft()
                writing = begun.held
                yield begun
                del begun
        if batch:
            ahead.append(self._begin(pool, batch))
        while ahead:
            yield ahead.popleft()

    def _loaded(self, screen: Screen, cursor: int) -> Iterator[Loaded | Failed]:
        """Yield every row after ``cursor`` with its image's bytes; earlier ones only pass the screen again."""
        for item in self._manifest.rows(self._context.now().date()):
            try:
                if isinstance(item, Problem):
                    raise item.error
                path = screen.check(item)
                if item.number > cursor:
                    yield self._load(item, path)
            except CustodesError as error:
                if item.number > cursor:
                    row = item if isinstance(item, Row) and item.agency == self._own else None
                    yield Failed(item.number, failure(item.number, error), row)

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
        name = PurePosixPath(row.image.replace("\\", "/")).name
        return Loaded(row, name, data, hashlib.sha256(data).hexdigest())

    def _begin(self, pool: ThreadPoolExecutor, batch: Sequence[Loaded | Failed]) -> _Begun:
        """Start preparing a batch; what is enrolled already is not prepared again, and its bytes are let go."""
        loaded = [item for item in batch if isinstance(item, Loaded)]
        known = bookings.known_photographs(self._agency, [(x.row.booking_number, x.sha256) for x in loaded])
        futures: list[Future[Outcome]] = []
        held = 0
        for item in batch:
            if isinstance(item, Failed):
                futures.append(_done(item))
            elif (item.row.booking_number, item.sha256) in known:
                futures.append(_done(replace(item, data=b"")))
            else:
                held += _size(item)
                futures.append(pool.submit(prepare, item, self._engine, self._services.limits))
        return _Begun(_number(batch[-1]), futures, held)

    def _step(self, begun: _Begun, counts: Counter[str]) -> Step:
        outcomes = [future.result() for future in begun.futures]
        batch = to_commit(self._context, self._agency, outcomes)
        count(counts, batch)
        return Step(
            commit=commit(self._services.vault, self._context, self._engine.contract, self._job, batch),
            cursor=begun.last,
            counts=dict(counts),
            failures=batch.failed,
        )


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _held(ahead: Iterable[_Begun]) -> int:
    return sum(begun.held for begun in ahead)


def _size(item: Loaded | Failed) -> int:
    return len(item.data) if isinstance(item, Loaded) else 0


def _number(item: Loaded | Failed) -> int:
    return item.row.number if isinstance(item, Loaded) else item.number


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _job_key(agency: AgencyId, manifest_sha256: str, mapping_sha256: str) -> str:
    """Return the name of the work: the manifest's and the mapping's content, and which pass over them this is."""
    digest = hashlib.sha256(bytes.fromhex(manifest_sha256 + mapping_sha256))
    content, number = digest.hexdigest()[:_KEY_DIGITS], 1
    while (record := job_store.find_job(_EnrolmentJob.kind, agency, f"{content}:{number}")) and record.finished_at:
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
        records_quarantined=counts["records_quarantined"],
        failures=job_store.failures(record.id),
    )
