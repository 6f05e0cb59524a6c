"""The gallery that is searched: every row of one contract, always of one whole generation.

:meth:`Gallery.search` is the one way in; it asks for the request under which the search is lawful, and only
``workflows.search`` may call it.  Whether the request allows the search is decided before, by `policy`; here the id is
evidence that there is one.  Every eligible row is compared, and whoever could be a candidate is scored with
the score of :mod:`custodes.ranking.reference`.

The rows lie in segment files that all processes share (:mod:`custodes.ranking.segments`); what a search needs of them
is verified before its first use.  The dead stay there, so that an older list can be replayed (SRCH-06), until whoever
destroys their templates calls :meth:`Gallery.erase`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from custodes.errors import ContractMismatch, CustodesError, InputError, SetupError
from custodes.ids import RequestId, TemplateId
from custodes.ranking.admission import admission
from custodes.ranking.comparison import compare
from custodes.ranking.eligible import EligibleRows
from custodes.ranking.kernel import Kernel
from custodes.ranking.protocol import TemplateSource
from custodes.ranking.segments.compaction import compact
from custodes.ranking.segments.encoding import is_unit
from custodes.ranking.segments.file import Damaged
from custodes.ranking.segments.folder import SegmentFolder
from custodes.ranking.segments.growth import incomplete
from custodes.ranking.segments.history import leaves, root_of
from custodes.ranking.segments.manifest import Living
from custodes.ranking.segments.view import View
from custodes.ranking.turnstile import Turnstile
from custodes.text import N_
from custodes.types import CandidateList, Contract, Filters, Scope, Template, Vector

DEFAULT_LIMIT: Final = 20
"""Candidates on a list unless the search says otherwise (SRCH-01)."""
HARD_CAP: Final = 50
"""Candidates on a list, whatever the search says (SRCH-01)."""
_FEW_BLOCKS: Final = 8


class Choice(Protocol):
    """Returns the kernel for so many rows of so many dimensions, as `custodes.ranking.kernel.choose` does."""

    def __call__(self, rows: int, dimension: int, *, is_lasting: bool = False) -> Kernel: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What a gallery searches with; ``threads``: how many it may use."""

    kernel: Choice
    turnstile: Turnstile
    threads: int = 1


class Gallery:
    """All templates of one contract.  Safe to share between threads."""

    def __init__(self, source: TemplateSource, contract: Contract, folder: SegmentFolder, engine: Engine) -> None:
        self._source = source
        self._contract = contract
        self._folder = folder
        self._engine = engine
        self._lock = threading.Lock()
        self._view: View | None = None
        self._signature: object = None
        self._whole: str = ""
        self._eligible = EligibleRows()

    @property
    def contract(self) -> Contract:
        """The contract of every template in this gallery."""
        return self._contract

    @property
    def generation(self) -> int:
        """The generation that was read last; -1 if nothing was."""
        return self._view.generation if self._view else -1

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes in the segment files."""
        return self._folder.layout.row_bytes

    def erase(self, rows: Iterable[tuple[TemplateId, int]]) -> int:
        """Write over rows named by template and birth, in every file of every process; return how many there were.

        To be called once they have died, and before their destruction is acknowledged.  It does not depend on whether
        the gallery can be brought up to date.

        Raises:
            SetupError: ``gallery.folder-unusable``. Busy: ``gallery.busy``.
        """
        with suppress(CustodesError):
            self._current()
        return self._folder.erase(rows)

    def rebuild(self) -> None:
        """Give up every file; the next use builds them again from the source. Raises as :meth:`erase`."""
        with self._lock:
            if self._view:
                self._folder.condemn(self._view.manifest.epoch)

    def catch_up(self) -> int:
        """Bring the files to the source's present generation and return that generation.

        Raises:
            SetupError: ``gallery.row-damaged``, ``gallery.incomplete`` or ``gallery.folder-unusable``.
            Busy: ``gallery.busy``.
        """
        return self._current().generation

    def living(self) -> Living:
        """Return which rows the files hold living at the present generation. Raises as :meth:`scrub`."""
        view = self._current()
        try:
            self._verify(view)
        except Damaged as error:
            self._folder.condemn(view.manifest.epoch)
            raise _damaged(str(error)) from error
        return view.commitments()

    def warm(self) -> None:
        """Bring the files up to date and the kernel's loops into memory. Raises as :meth:`catch_up`."""
        self._engine.kernel(self._current().rows, self._contract.dimension, is_lasting=True)

    def compact(self) -> int:
        """Give back the places of destroyed rows, beside the searches; return how many. Raises as :meth:`scrub`."""
        view = self._current()
        try:
            return compact(self._folder)
        except Damaged as error:
            self._folder.condemn(view.manifest.epoch)
            raise _damaged(str(error)) from error

    def scrub(self) -> int:
        """Verify every block and every template of the present view; return how many rows were looked at.

        Damage is answered by building the files again at the next use.

        Raises:
            SetupError: ``gallery.damaged``; as :meth:`catch_up`.
        """
        view = self._current()
        try:
            for segment in view.segments:
                segment.file.distrust()
                self._verify(view)
                segment.file.verify_vectors(np.flatnonzero(~segment.erased))
        except Damaged as error:
            self._folder.condemn(view.manifest.epoch)
            raise _damaged(str(error)) from error
        return view.rows

    def search(
        self,
        probe: Template,
        *,
        scope: Scope,
        filters: Filters,
        threshold: float,
        request: RequestId,
        limit: int = DEFAULT_LIMIT,
        generation: int | None = None,
    ) -> CandidateList:
        """Compare ``probe`` with every eligible row and return the best subjects that reach ``threshold``.

        The gallery catches up first: a record that is no longer lawful is never searched.  With ``generation`` the
        list is replayed as of that generation; ``scope.moment`` must then be the moment of the first search.

        Args:
            threshold: lowest score in [-1, 1] that makes a candidate.
            limit: 1 to ``HARD_CAP`` candidates.

        Raises:
            InputError: ``search.request``, ``search.limit``, ``search.threshold``, ``search.generation``,
                ``search.moment``, ``search.filters`` or ``template.not-unit``.
            ContractMismatch: ``template.contract-mismatch``, if the probe is of another contract (ENG-01).
            SetupError: ``gallery.row-damaged``, ``gallery.incomplete``, ``gallery.damaged`` or
                ``gallery.folder-unusable``.
            Busy: ``search.busy`` or ``gallery.busy``.
        """
        _check(request, threshold, limit)
        vector = self._probe_vector(probe)
        with self._engine.turnstile.turn():
            try:
                return self._search(vector, scope, filters, threshold, limit, generation)
            except Damaged:
                # the files are a cache: what was damaged has been given up, and is built again from the source
                try:
                    return self._search(vector, scope, filters, threshold, limit, generation)
                except Damaged as error:
                    raise _damaged(str(error)) from error

    def _search(
        self, vector: Vector, scope: Scope, filters: Filters, threshold: float, limit: int, generation: int | None
    ) -> CandidateList:
        view = self._current()
        at = view.generation if generation is None else generation
        if not 0 <= at <= view.generation:
            raise _no_such_generation(at)
        try:
            self._verify(view)
            eligible = self._eligible.of(view, admission(scope, filters, view.owner_codes, at))
            kernel = self._engine.kernel(view.rows, self._contract.dimension)
            comparison = compare(view, vector, eligible, kernel, threshold=threshold, limit=limit)
            found = comparison.candidates(threshold, limit)
        except Damaged:
            self._folder.condemn(view.manifest.epoch)
            raise
        return CandidateList(
            candidates=found,
            contract=self._contract,
            generation=at,
            threshold=threshold,
            limit=limit,
            certificate=comparison.certificate(self._root(view, at)),
        )

    def _current(self) -> View:
        """Return the present generation, all its rows counted once in every epoch."""
        upto = self._source.generation()
        with self._lock:
            signature = self._folder.signature()
            if self._view is None or signature != self._signature:
                self._view, self._signature = self._folder.read(), signature
            view = self._view
            if view is None or view.generation != upto:
                # what is published is read again before the next search: it may be another process's by then
                self._signature = None
                self._view = view = self._folder.advance(self._source, upto)
            if self._whole != view.manifest.epoch:
                self._count(view)
                self._whole = view.manifest.epoch
            return view

    def _count(self, view: View) -> None:
        """Raise SetupError ``gallery.incomplete`` unless the files hold as many living rows as the source keeps.

        Always of the present generation: what an older one held may since have been destroyed lawfully.  Counted when
        a process first uses files; what is added later is held to what the source says changed (`segments.growth`).
        """
        loaded, kept = view.living(), self._source.living(self._contract, view.generation)
        if not loaded == kept == view.manifest.living.count:
            raise incomplete(loaded, kept)

    def _verify(self, view: View) -> None:
        """Verify every block of ``view`` that this process has not read yet."""
        waiting = list(view.unverified())
        if len(waiting) <= _FEW_BLOCKS:
            for segment, block in waiting:
                segment.file.verify(block, segment.rows)
            return
        with ThreadPoolExecutor(self._engine.threads) as pool:
            for _ in pool.map(lambda pair: pair[0].file.verify(pair[1], pair[0].rows), waiting):
                pass

    def _root(self, view: View, at: int) -> str:
        if at == view.generation:
            return view.manifest.history.root.hex()
        changes = self._source.changes(self._contract, 0, at)
        return root_of([leaf.hash for leaf in leaves(changes)]).hex()

    def _probe_vector(self, probe: Template) -> Vector:
        if probe.contract != self._contract:
            raise ContractMismatch(
                "template.contract-mismatch",
                N_("This probe's template was made by %(probe)s, the gallery's by %(gallery)s."),
                why=N_("Templates of different contracts cannot be compared: the score would mean nothing."),
                hint=N_("Prepare the probe again with the gallery's model pack."),
                probe=f"{probe.contract.pack} {probe.contract.version}",
                gallery=f"{self._contract.pack} {self._contract.version}",
            )
        vector = probe.vector
        if vector.dtype != np.float32 or vector.shape != (self._contract.dimension,) or not is_unit(vector):
            raise InputError(
                "template.not-unit",
                N_("The probe's template is not a unit vector of %(dimension)s numbers."),
                hint=N_("Prepare the probe again from its image."),
                dimension=self._contract.dimension,
            )
        return vector


def _check(request: object, threshold: float, limit: object) -> None:
    if not isinstance(request, RequestId):
        raise InputError(
            "search.request",
            N_("A search needs the identifier of its request."),
            why=N_("Nothing may be searched without a request that another person approved."),
        )
    if not isinstance(limit, int) or not 1 <= limit <= HARD_CAP:
        raise InputError(
            "search.limit",
            N_("A candidate list holds 1 to %(cap)s candidates."),
            hint=N_("Ask for at most %(cap)s; %(default)s is usual."),
            cap=HARD_CAP,
            default=DEFAULT_LIMIT,
        )
    if not math.isfinite(threshold):
        raise InputError("search.threshold", N_("The threshold must be a finite number."))


def _no_such_generation(generation: int) -> InputError:
    return InputError(
        "search.generation",
        N_("The gallery has not reached generation %(generation)s."),
        hint=N_("Check the generation on the candidate list that is to be replayed."),
        generation=generation,
    )


def _damaged(name: str) -> SetupError:
    return SetupError(
        "gallery.damaged",
        N_("A segment of the gallery is damaged (%(name)s)."),
        why=N_("A search of damaged templates could find the wrong people, or miss somebody."),
        hint=N_("It is built again at the next search. If that fails too, look at the memory or disk it lies on."),
        name=name,
    )
