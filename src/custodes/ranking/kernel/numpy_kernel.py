"""The kernel that needs nothing but NumPy: for small galleries, and where no code can be compiled.

It estimates with the float32 templates themselves.  An inner product of d float32 numbers in any order, fused or not,
is off by at most γ_d·Σ|x_j·q_j| ≤ γ_d·‖x‖·‖q‖ with γ_d = d·u/(1 - d·u), u = 2^-24 (Higham 2002, §3.1), and products
that underflow by d·2^-126 more, which the slack covers even where a library flushes them to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.ranking import reference
from custodes.ranking.bound import SLACK
from custodes.ranking.kernel.protocol import Contenders, Part
from custodes.ranking.kernel.selection import floor_of, gathered

_CHUNK: Final = 16_384
_NORMS: Final = 1.001
"""More than the product of two norms that are 1 to within 1e-4."""


class NumpyKernel:
    """A :class:`~custodes.ranking.kernel.protocol.Kernel` in NumPy."""

    name = "numpy-float32"
    version = "1"

    def contenders(
        self, parts: Sequence[Part], probes: npt.NDArray[np.float32], *, threshold: float, limit: int
    ) -> list[Contenders]:
        unit = probes.shape[1] * 2.0**-24
        bound = unit / (1.0 - unit) * _NORMS + SLACK
        rows = [np.flatnonzero(part.admitted) for part in parts]
        estimates = [_estimates(part, places, probes) for part, places in zip(parts, rows, strict=True)]
        subjects = np.concatenate(
            [np.empty(0, np.int64), *(part.subjects[at] for part, at in zip(parts, rows, strict=True))]
        )
        found = []
        for probe in range(len(probes)):
            of_parts = [estimate[:, probe] for estimate in estimates]
            together = np.concatenate([np.empty(0), *of_parts])
            found.append(
                gathered(
                    [
                        (n, places, estimate + bound)
                        for n, (places, estimate) in enumerate(zip(rows, of_parts, strict=True))
                    ],
                    compared=together.size,
                    floor=floor_of(together - bound, subjects, threshold=threshold, limit=limit),
                    widest=bound if together.size else 0.0,
                )
            )
        return found

    def scores(
        self, vectors: npt.NDArray[np.float32], places: npt.NDArray[np.int64], probe: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        return reference.scores(np.ascontiguousarray(vectors[places].T), probe)


def _estimates(part: Part, places: npt.NDArray[np.int64], probes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return ``(rows, probes)``: the float32 inner products of the rows at ``places``, widened."""
    found = np.empty((places.size, len(probes)), dtype=np.float64)
    for start in range(0, places.size, _CHUNK):
        chosen = places[start : start + _CHUNK]
        first, last = int(chosen[0]), int(chosen[-1])
        whole = last - first + 1 == chosen.size
        rows = part.vectors[slice(first, last + 1) if whole else chosen]
        for number, probe in enumerate(probes):
            # row by row: threads of a matrix library wait for their next product with all of a core, after the search
            found[start : start + chosen.size, number] = np.vecdot(rows, probe)
    return found
