"""The two ways to pass over a block of rows: one probe over sketches, or many probes together over codes.

For one probe memory is the limit, and half a byte per dimension is read.  For many, which share what is read, it is
arithmetic: their codes of eight bits are multiplied with all rows of a tile at once by NumKong, whose integer products
are exact in any order and on any instruction set.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from custodes.ranking.bound import SLACK, quantise_probe
from custodes.ranking.kernel import jit
from custodes.ranking.kernel.finds import Finds
from custodes.ranking.kernel.protocol import Part
from custodes.ranking.sketch import sketch_probe

try:
    import numkong
except ImportError:
    numkong = None  # type: ignore[assignment]

CAN_SHARE: Final = numkong is not None
"""Whether many probes can share a pass on this machine."""
TOGETHER: Final = 32
"""Probes that share a pass; more only need more room."""
_TILE: Final = 4_096

Probes = npt.NDArray[np.float32]


class Pass(Protocol):
    """What is to be done with each block of rows, by several threads at once."""

    probes: int

    def block(self, part: Part, start: int, stop: int, floors: npt.NDArray[np.float64], finds: Finds) -> None:
        """Compare rows [start, stop) of ``part``, whose scores matter from ``floors`` ``(q,)`` on."""
        ...


class OneProbe:
    """A pass of one probe ``(d,)`` float32 over sketches."""

    probes = 1

    def __init__(self, probe: npt.NDArray[np.float32]) -> None:
        coarse, fine = sketch_probe(probe), quantise_probe(probe)
        self._sketched, self._quantised = coarse.codes, fine.codes
        self._coarse = np.array(coarse.factors)
        self._bound = coarse.bound
        self._fine = np.array([fine.scale, fine.reach, fine.rest, SLACK])

    def block(self, part: Part, start: int, stop: int, floors: npt.NDArray[np.float64], finds: Finds) -> None:
        floors[0], compared, largest = jit.scan(
            *_rows(part),
            part.sketches,
            part.rests,
            part.admitted.view(np.uint8),
            start,
            stop,
            self._sketched,
            self._coarse,
            self._quantised,
            self._fine,
            floors[0],
            finds.keys[0],
            finds.lowers[0],
            finds.counts[0],
            finds.places[0],
            finds.uppers[0],
            finds.emitted[0],
        )
        if compared:
            # grows with a row's rest, rounding included
            finds.note(int(compared), self._bound(largest))


class ManyProbes:
    """A pass of ``probes`` ``(q, d)`` float32 over codes."""

    def __init__(self, probes: Probes) -> None:
        coarse = [quantise_probe(probe, largest=127) for probe in probes]
        fine = [quantise_probe(probe) for probe in probes]
        self.probes = len(probes)
        self._packed = numkong.dots_pack(np.stack([one.codes for one in coarse]).astype(np.int8))
        self._steps = np.array([one.scale for one in coarse])
        self._reach, self._rest = max(one.reach for one in coarse), max(one.rest for one in coarse)
        self._quantised = np.stack([one.codes for one in fine])
        self._fine = np.array([[one.scale, one.reach, one.rest, SLACK] for one in fine])

    def block(self, part: Part, start: int, stop: int, floors: npt.NDArray[np.float64], finds: Finds) -> None:
        for first in range(start, stop, _TILE):
            last = min(first + _TILE, stop)
            admitted = part.admitted[first:last]
            if admitted.all():
                chosen, codes = np.arange(first, last), part.codes[first:last]
            elif admitted.any():
                # rows that may not be compared do not take part in the product
                chosen = first + np.flatnonzero(admitted)
                codes = part.codes[chosen]
            else:
                continue
            products = np.asarray(numkong.dots_packed(codes, self._packed))
            jit.settle(
                *_rows(part),
                chosen,
                products,
                self._steps,
                self._reach,
                self._rest,
                SLACK,
                self._quantised,
                self._fine,
                floors,
                finds.keys,
                finds.lowers,
                finds.counts,
                finds.places,
                finds.uppers,
                finds.emitted,
            )
            norm, residual = (float(column[first:last].max()) for column in (part.norms, part.residuals))
            finds.note(chosen.size, norm * self._rest + residual * self._reach + SLACK)


def _rows(part: Part) -> tuple[npt.NDArray[Any], ...]:
    return part.codes, part.scales, part.residuals, part.norms, part.subjects
