"""Photographs to subjects: one candidate per person (SRCH-07), in an order that never depends on chance.

A subject's score is that of the most similar of its compared photographs.  Photographs are ordered by
``(-score, photograph id)``, subjects by ``(-score, subject id)``.  Nothing here decides who may be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from custodes.ids import PhotographId, SubjectId
from custodes.ranking.reference import Scores
from custodes.types import Candidate

Positions = npt.NDArray[np.int64]
Keys = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Rows that were scored, in any order.

    ``scores``: ``(m,)`` float64; ``keys``: ``(m,)`` int64, equal for rows of one subject (and perhaps of two);
    ``subjects(positions)`` returns the subject ids of those positions in ``scores``.
    """

    scores: Scores
    keys: Keys
    subjects: Callable[[Positions], Sequence[SubjectId]]


def best_subjects(compared: Compared, *, threshold: float, limit: int) -> list[tuple[SubjectId, float]]:
    """Return the ``limit`` best subjects that score ``threshold`` or more, with their scores, best first."""
    head = _head(compared, threshold, limit)
    best: dict[SubjectId, float] = {}
    for subject, score in zip(compared.subjects(head), compared.scores[head].tolist(), strict=True):
        best[subject] = max(score, best.get(subject, score))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def candidates(
    best: Sequence[tuple[SubjectId, float]],
    photographs: Callable[[Sequence[SubjectId]], Iterable[tuple[SubjectId, float, PhotographId]]],
) -> tuple[Candidate, ...]:
    """Return the candidates; ``photographs`` yields all compared rows of subjects, those below the threshold too.

    A photograph with several templates appears once, at the place of the most similar.
    """
    rows: dict[SubjectId, list[tuple[float, PhotographId]]] = {subject: [] for subject, _ in best}
    for subject, score, name in photographs(list(rows)):
        rows[subject].append((-score, name))
    return tuple(
        Candidate(rank, subject, tuple(dict.fromkeys(name for _, name in sorted(rows[subject]))), score)
        for rank, (subject, score) in enumerate(best, start=1)
    )


def _head(compared: Compared, threshold: float, limit: int) -> Positions:
    """Return positions that hold the best photograph of each of the ``limit`` best subjects, ties included.

    Keys stand for subjects; two subjects with one key only bring more positions along.
    """
    passing: Positions = np.flatnonzero(compared.scores >= threshold)
    order = passing[np.argsort(-compared.scores[passing], kind="stable")]
    _, firsts = np.unique(compared.keys[order], return_index=True)
    if firsts.size <= limit:
        return passing
    floor = compared.scores[order[np.sort(firsts)[limit - 1]]]
    # Every row that ties with the floor comes along, or the tie would be broken by row order.
    head: Positions = passing[compared.scores[passing] >= floor]
    return head
