"""The gallery that is searched: one contract's rows in memory, always of one whole generation.

:meth:`Gallery.search` is the one way in; it asks for the request under which the search is lawful, and only
``workflows.search`` may call it.  Whether the request allows the search is decided before, by `policy`; here the id is
evidence that there is one.  Every eligible row is compared with the score of :mod:`custodes.ranking.reference`.

The snapshot holds dead rows too, so that an older list can be replayed (SRCH-06).  Whoever destroys templates calls
:meth:`Gallery.forget`, so that their vectors leave memory with the next load.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from custodes.errors import ContractMismatch, InputError, SetupError
from custodes.ids import PhotographId, RequestId
from custodes.ranking import reference
from custodes.ranking.admission import Admission, admission
from custodes.ranking.consolidate import Compared, Positions, consolidate
from custodes.ranking.protocol import TemplateSource
from custodes.ranking.segment import Segment, is_unit
from custodes.ranking.snapshot import Snapshot, View
from custodes.text import N_
from custodes.types import CandidateList, Contract, Filters, Scope, Template, Vector

DEFAULT_LIMIT: Final = 20
"""Candidates on a list unless the search says otherwise (SRCH-01)."""
HARD_CAP: Final = 50
"""Candidates on a list, whatever the search says (SRCH-01)."""


class Gallery:
    """All templates of one contract.  Safe to share between threads."""

    def __init__(self, source: TemplateSource, contract: Contract) -> None:
        self._source = source
        self._contract = contract
        self._lock = threading.Lock()
        self._snapshot = Snapshot(contract)
        self._whole: View | None = None

    @property
    def contract(self) -> Contract:
        """The contract of every template in this gallery."""
        return self._contract

    @property
    def generation(self) -> int:
        """The generation in memory; -1 if nothing was loaded."""
        return self._snapshot.view.generation

    @property
    def memory_bytes(self) -> int:
        """Bytes reserved for templates and their columns, ids of subjects not counted."""
        return self._snapshot.nbytes

    def forget(self) -> None:
        """Drop everything from memory; a search under way finishes on what it holds."""
        with self._lock:
            self._snapshot, self._whole = Snapshot(self._contract), None

    def catch_up(self) -> int:
        """Bring the snapshot to the source's present generation and return that generation.

        Raises:
            SetupError: ``gallery.row-damaged``.
        """
        return self._current().generation

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
            SetupError: ``gallery.row-damaged`` or ``gallery.incomplete``.
        """
        _check(request, threshold, limit)
        vector = self._probe_vector(probe)
        view = self._current()
        self._check_whole(view)
        at = view.generation if generation is None else generation
        if not 0 <= at <= view.generation:
            raise _no_such_generation(at)
        scored = _Scored(view, vector, admission(scope, filters, view.books, at))
        candidates = consolidate(scored.compared(), threshold=threshold, limit=limit)
        return CandidateList(
            candidates=candidates,
            contract=self._contract,
            generation=at,
            threshold=threshold,
            limit=limit,
            eligible=scored.eligible,
            compared=scored.count,
        )

    def _current(self) -> View:
        with self._lock:
            upto = self._source.generation()
            if upto < self._snapshot.view.generation:
                # The source was restored from a backup: nothing in memory can be trusted to be in it.
                self._snapshot, self._whole = Snapshot(self._contract), None
            snapshot = self._snapshot
            after = snapshot.view.generation
            if upto != after:
                born = self._source.born(self._contract, after, upto)
                died = self._source.died(self._contract, after, upto)
                snapshot.advance(upto, born, died)
            return snapshot.view

    def _check_whole(self, view: View) -> None:
        """Raise SetupError ``gallery.incomplete`` unless memory holds as many living rows as the source keeps.

        Always of the present generation: what an older one held may since have been destroyed lawfully.  Asked once for
        every view, which changes with every generation: counting takes longer than a search when millions are kept.
        """
        if view is self._whole:
            return
        loaded, kept = view.living(), self._source.living(self._contract, view.generation)
        if loaded != kept:
            raise SetupError(
                "gallery.incomplete",
                N_("The gallery in memory has %(loaded)s records, the store has %(kept)s."),
                why=N_("A search that left one out silently could not say that every eligible record was compared."),
                hint=N_("Start the service again; if it is still so, run custodes doctor."),
                loaded=loaded,
                kept=kept,
            )
        self._whole = view

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


class _Scored:
    """The rows of a view that one search was admitted to, scored; a row is counted where it is scored."""

    def __init__(self, view: View, probe: Vector, admitted: Admission) -> None:
        self._ids = view.books.subjects.ids
        self._segments: list[Segment] = []
        self._places: list[Positions] = []
        self._scores: list[reference.Scores] = []
        self.eligible = 0
        self.count = 0
        for segment, fill in view.parts():
            mask = admitted.mask(segment, fill)
            self.eligible += int(np.count_nonzero(mask))
            self._score(segment, np.flatnonzero(mask), fill, probe)

    def _score(self, segment: Segment, places: Positions, fill: int, probe: Vector) -> None:
        everyone = places.size == fill
        columns = segment.columns[:, :fill] if everyone else np.take(segment.columns, places, axis=1)
        scores = reference.scores(columns, probe)
        self.count += scores.size
        self._segments.append(segment)
        self._places.append(places)
        self._scores.append(scores)

    def compared(self) -> Compared:
        subjects = [segment.subject[places] for segment, places in zip(self._segments, self._places, strict=True)]
        return Compared(
            scores=np.concatenate([np.empty(0, dtype=np.float64), *self._scores]),
            subjects=np.concatenate([np.empty(0, dtype=np.int32), *subjects]),
            subject_ids=self._ids,
            photographs=self._photographs,
        )

    def _photographs(self, positions: Positions) -> Sequence[PhotographId]:
        ends = np.cumsum([places.size for places in self._places], dtype=np.intp)
        found: list[PhotographId] = []
        for segment, places, end in zip(self._segments, self._places, ends.tolist(), strict=True):
            here = positions[(positions >= end - places.size) & (positions < end)]
            found.extend(segment.photographs(places[here - (end - places.size)]))
        return found


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
