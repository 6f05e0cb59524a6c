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
from custodes.ids import JobId
from custodes.ledger.events import EnrolmentFinished, EnrolmentResumed, EnrolmentStarted, Sha256
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import accounts, bookings
from custodes.store.records import JobRecord
from custodes.store.vanished import KIND, Scope, is_superseded
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.enrolment.batch import commit, count, to_commit
from custodes.workflows.enrolment.corrections import Terms
from custodes.workflows.enrolment.judge import Outcome
from custodes.workflows.enrolment.logged import finished, resumed, started
from custodes.workflows.enrolment.manifest import Manifest, Problem, Row, load_mapping, open_manifest
from custodes.workflows.enrolment.prepare import Failed, Loaded, failure, prepare
from custodes.workflows.enrolment.report import EnrolmentReport, report_of
from custodes.workflows.enrolment.screen import Screen
from custodes.workflows.enrolment.vanished import sweep
from custodes.workflows.jobs import Progress, Step, file_sha256, key_of_pass, run_job
from custodes.workflows.packs import require_one_contract
from custodes.workflows.services import Services

_BATCH = 32
_RE_EXPORT_BATCH = 256
"""Most rows of a re-export state nothing new and cost a look only."""
_BATCHES_AHEAD = 2
_BYTES_AHEAD = 64_000_000
"""Bytes of images held at once, besides the one image that reaches the bound."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """Rows being prepared: the last one's number, what becomes of each, and the bytes of images they hold."""

    last: int
    futures: Sequence[Future[Outcome]]
    held: int


@workflow(Action.ENROL)
def enrol(
    services: Services,
    context: Context,
    *,
    manifest: Path,
    mapping: Path,
    images: Path,
    re_export: Scope | None = None,
    progress: Progress = lambda done, total: None,
) -> EnrolmentReport:
    """Enrol the photographs of one's own service that a manifest lists, from the folder ``images``.

    ``re_export``: the manifest is the records system's present state, complete for that scope: what it states
    otherwise than is kept corrects the record, and what it does not name has vanished.

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
    require_one_contract(services.engine.contract)
    opened = open_manifest(manifest, load_mapping(mapping))
    job = _EnrolmentJob(services, context, opened, images, (manifest, mapping), re_export)
    record = run_job(services, context, job, lambda done, _: progress(done, opened.lines))
    return report_of(record)


class _EnrolmentJob:
    """The steps of one pass over one manifest."""

    kind = "enrolment"

    def __init__(
        self,
        services: Services,
        context: Context,
        manifest: Manifest,
        images: Path,
        files: tuple[Path, Path],
        re_export: Scope | None,
    ) -> None:
        manifest_sha256, mapping_sha256 = map(file_sha256, files)
        self._hashes = (manifest_sha256, Sha256(mapping_sha256))
        if re_export is not None:
            self.kind = KIND
        self._re_export = re_export
        self._rows_at_once = _BATCH if re_export is None else _RE_EXPORT_BATCH
        self._services = services
        self._context = context
        self._manifest = manifest
        self._images = images
        _, self._agency = signed_in(context)
        self.key = key_of_pass(
            self.kind, self._agency, manifest_sha256, mapping_sha256, str(re_export or ""), is_over=is_superseded
        )
        self._engine: FaceEngine = services.bulk_engine

    def started(self, job: JobId) -> EnrolmentStarted:
        return started(job, *self._hashes, self._re_export)

    def resumed(self, job: JobId, cursor: int) -> EnrolmentResumed:
        return resumed(job, *self._hashes, self._re_export, cursor)

    def finished(self, job: JobId, counts: Mapping[str, int]) -> EnrolmentFinished:
        return finished(job, counts)

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
        if self._re_export is not None:
            yield from sweep(self._context, self._agency, record, self._re_export, counts)

    def _begun(self, pool: ThreadPoolExecutor, rows: Iterator[Loaded | Failed]) -> Iterator[_Begun]:
        """Begin batches ahead of the one that is yielded, as far as rows and bytes allow."""
        ahead: deque[_Begun] = deque()
        batch: list[Loaded | Failed] = []
        filling = writing = 0
        for item in rows:
            batch.append(item)
            filling += _size(item)
            # what was yielded last is still held by whoever wrote it
            if len(batch) < self._rows_at_once and filling + writing + _held(ahead) < _BYTES_AHEAD:
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
                    # a row whose service was mistaken may be about one of our bookings all the same
                    named = None if row else item.booking_number
                    yield Failed(item.number, failure(item.number, error), row, booking_number=named)

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
                futures.append(pool.submit(prepare, item, self._services))
        return _Begun(_number(batch[-1]), futures, held)

    def _terms(self) -> Terms:
        named_by = str(self._job) if self._re_export is not None else ""
        return Terms(self._agency, self._context.now(), self._engine.poses, named_by)

    def _step(self, begun: _Begun, counts: Counter[str]) -> Step:
        outcomes = [future.result() for future in begun.futures]
        batch = to_commit(self._context, self._terms(), outcomes)
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
