"""What a kernel gets and gives: it passes over every admitted row, and leaves only those that could be candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of one segment; arrays may be read-only maps of a file.

    ``sketches``: ``(n, D / 4)`` uint16 and ``rests``: ``(n,)`` float32 (`ranking.sketch`); ``codes``: ``(n, d)`` int8;
    ``scales``, ``residuals``, ``norms``: ``(n,)`` float32 (`ranking.bound`); ``vectors``: ``(n, d)`` float32;
    ``subjects``: ``(n,)`` int64, equal for rows of one subject (and perhaps of two); ``admitted``: ``(n,)`` bool, True
    for rows that may be compared.  All C-contiguous.
    """

    sketches: npt.NDArray[np.uint16]
    rests: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    residuals: npt.NDArray[np.float32]
    norms: npt.NDArray[np.float32]
    vectors: npt.NDArray[np.float32]
    subjects: npt.NDArray[np.int64]
    admitted: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Contenders:
    """What one probe's pass leaves to be scored exactly.

    ``parts`` ``(m,)`` int32 and ``places`` ``(m,)`` int64: every admitted row whose upper bound reaches ``floor``, in
    order of (part, place), so that neither threads nor their luck show.  ``compared``: admitted rows that were passed
    over, counted while it was done.  ``floor``: the larger of the threshold and of the ``limit``-th best lower bound
    over distinct subjects.  ``widest``: no bound of a compared row's first estimate was larger; 0 without any.
    """

    parts: npt.NDArray[np.int32]
    places: npt.NDArray[np.int64]
    compared: int
    floor: float
    widest: float


class Kernel(Protocol):
    """Compares probes with rows.  Safe to share between threads."""

    name: str
    version: str

    def contenders(
        self, parts: Sequence[Part], probes: npt.NDArray[np.float32], *, threshold: float, limit: int
    ) -> list[Contenders]:
        """Return for each of ``probes`` ``(q, d)`` float32 which rows could be among its ``limit`` best subjects.

        Every row whose score (`ranking.reference`) reaches the floor is among them.
        """
        ...

    def scores(
        self, vectors: npt.NDArray[np.float32], places: npt.NDArray[np.int64], probe: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """Return *the score* of the rows at ``places``, equal to `ranking.reference` with ``==``."""
        ...
