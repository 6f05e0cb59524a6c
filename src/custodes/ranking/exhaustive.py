"""One probe against every admitted row: first by estimates that bound the score, then exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from custodes.ranking.kernel import Kernel, Part
from custodes.ranking.reference import Scores
from custodes.types import Vector


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """``parts`` ``(m,)`` int32, ``places`` ``(m,)`` int64 and ``scores`` ``(m,)`` float64 of the rows scored exactly.

    They are all rows whose score could reach ``floor``; ``compared`` and ``widest`` as in
    :class:`~custodes.ranking.kernel.protocol.Contenders`.
    """

    parts: npt.NDArray[np.int32]
    places: npt.NDArray[np.int64]
    scores: Scores
    compared: int
    floor: float
    widest: float


def scan(kernel: Kernel, parts: Sequence[Part], probe: Vector, *, threshold: float, limit: int) -> Scanned:
    """Return every row of ``parts`` that could be among the ``limit`` best subjects of ``probe``, with its score."""
    (left,) = kernel.contenders(parts, probe[None], threshold=threshold, limit=limit)
    scores = np.empty(left.places.size, dtype=np.float64)
    for number in np.unique(left.parts).tolist():
        here = left.parts == number
        scores[here] = kernel.scores(parts[number].vectors, left.places[here], probe)
    return Scanned(left.parts, left.places, scores, left.compared, left.floor, left.widest)
