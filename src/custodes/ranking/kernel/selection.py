"""From estimates to a floor under which nobody can be among the best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from custodes.ranking.kernel.protocol import Contenders

Lowers = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]


def floor_of(lowers: Lowers, subjects: Keys, *, threshold: float, limit: int) -> float:
    """Return the larger of ``threshold`` and the ``limit``-th best of the subjects' best lower bounds.

    So many subjects score that much or more, whatever their bounds, so that no row below it can be theirs.  Two
    subjects of one key count once, which only makes the floor lower.
    """
    passing = np.flatnonzero(lowers >= threshold)
    taken = limit
    while taken < passing.size:
        # the best rows mostly are of many subjects; of few, more rows are looked at
        best = passing[np.argpartition(-lowers[passing], taken - 1)[:taken]]
        found = _kth(lowers[best], subjects[best], limit)
        if found is not None:
            return max(threshold, found)
        taken *= 4
    found = _kth(lowers[passing], subjects[passing], limit)
    return threshold if found is None else max(threshold, found)


def _kth(lowers: Lowers, subjects: Keys, limit: int) -> float | None:
    """Return the ``limit``-th best lower bound over distinct subjects, None if there are fewer."""
    order = np.argsort(-lowers, kind="stable")
    firsts = np.sort(np.unique(subjects[order], return_index=True)[1])
    return float(lowers[order[firsts[limit - 1]]]) if firsts.size >= limit else None


def gathered(
    found: list[tuple[int, npt.NDArray[np.int64], Lowers]], *, compared: int, floor: float, widest: float
) -> Contenders:
    """Return the rows of ``(part, places, upper bounds)`` whose upper bound reaches ``floor``, in order."""
    parts, places = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for part, rows, uppers in sorted(found, key=lambda each: (each[0], each[1][:1].tolist())):
        kept = rows[uppers >= floor]
        parts.append(np.full(kept.size, part, np.int32))
        places.append(kept)
    return Contenders(np.concatenate(parts), np.concatenate(places), compared, floor, widest)
