"""Photographs to subjects: one candidate per person (SRCH-07), in an order that never depends on chance.

A subject's score is that of the most similar of its compared photographs.  Photographs are ordered by
``(-score, photograph id)``, subjects by ``(-score, subject id)``.  Nothing here decides who may be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.ids import PhotographId, SubjectId
from custodes.ranking.reference import Scores
from custodes.types import Candidate

Codes = npt.NDArray[np.int32]
Positions = npt.NDArray[np.intp]

_FIRST_TRY: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Rows that were scored, in any order.

    ``scores``: ``(m,)`` float64; ``subjects``: ``(m,)`` int32 indices into ``subject_ids``;
    ``photographs(positions)`` returns the photograph ids of those positions in ``scores``.
    """

    scores: Scores
    subjects: Codes
    subject_ids: Sequence[SubjectId]
    photographs: Callable[[Positions], Sequence[PhotographId]]


def consolidate(compared: Compared, *, threshold: float, limit: int) -> tuple[Candidate, ...]:
    """Return the ``limit`` best subjects that score ``threshold`` or more; none is a normal answer (SRCH-01).

    A candidate lists all its subject's compared photographs, those below the threshold included, each once.
    """
    best = _best_subjects(compared, threshold, limit)
    photographs = _photographs_of(compared, [code for code, _ in best])
    return tuple(
        Candidate(rank=rank, subject=compared.subject_ids[code], photographs=photographs[code], score=score)
        for rank, (code, score) in enumerate(best, start=1)
    )


def _best_subjects(compared: Compared, threshold: float, limit: int) -> list[tuple[int, float]]:
    head = _head(compared, threshold, limit)
    head = head[np.argsort(-compared.scores[head], kind="stable")]
    codes, firsts = np.unique(compared.subjects[head], return_index=True)
    pairs = zip(codes.tolist(), compared.scores[head[firsts]].tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], compared.subject_ids[pair[0]]))[:limit]


def _head(compared: Compared, threshold: float, limit: int) -> Positions:
    """Return positions that hold the best photograph of each of the ``limit`` best subjects, ties included."""
    passing: Positions = np.flatnonzero(compared.scores >= threshold)
    wanted = limit * _FIRST_TRY
    while wanted < passing.size:
        passed = compared.scores[passing]
        floor = np.partition(passed, passed.size - wanted)[passed.size - wanted]
        # Every row that ties with the floor comes along, or the tie would be broken by row order.
        head: Positions = passing[passed >= floor]
        if np.unique(compared.subjects[head]).size >= limit:
            return head
        wanted *= _FIRST_TRY
    return passing


def _photographs_of(compared: Compared, codes: list[int]) -> dict[int, tuple[PhotographId, ...]]:
    chosen = np.zeros(len(compared.subject_ids), dtype=np.bool_)
    chosen[codes] = True
    positions: Positions = np.flatnonzero(chosen[compared.subjects])
    ids = compared.photographs(positions)
    rows = zip((-compared.scores[positions]).tolist(), ids, compared.subjects[positions].tolist(), strict=True)
    found: dict[int, dict[PhotographId, None]] = {code: {} for code in codes}
    for _, photograph, code in sorted(rows):
        # A photograph with several templates appears once, at the place of the most similar.
        found[code].setdefault(photograph)
    return {code: tuple(photographs) for code, photographs in found.items()}
