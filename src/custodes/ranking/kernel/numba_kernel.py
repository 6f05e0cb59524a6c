"""The kernel at the speed of memory, or of arithmetic; its loops are compiled by numba (`kernel.jit`).

Blocks of rows are taken from a counter by the calling thread and by the threads of one pool, so that one query uses
every core and many share them; probes that come together share each block (`kernel.passes`).  Each thread keeps its own
best subjects; the floor that one has reached helps the others, and being late with it only leaves more rows to be
looked at.  What comes out does not depend on any of that: it is every row that reaches the last floor, in order.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.ranking.kernel import jit
from custodes.ranking.kernel.finds import Finds, together
from custodes.ranking.kernel.passes import CAN_SHARE, TOGETHER, ManyProbes, OneProbe, Pass, Probes
from custodes.ranking.kernel.protocol import Contenders, Part

BLOCK: Final = 65_536
"""Rows that a thread takes at a time: a millisecond's work or two, so that none waits long for the last."""
_FEW: Final = 4_096
"""Rows that are scanned by the calling thread alone: waking another would take longer."""
_WORTH_SHARING: Final = 4
"""Probes from which on a pass that they share takes less than one for each."""


class NumbaKernel:
    """A :class:`~custodes.ranking.kernel.protocol.Kernel` over sketches and codes, on ``threads`` cores."""

    name = "numba-int4-int8"
    version = "2"

    def __init__(self, threads: int) -> None:
        self._threads = max(1, threads)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of = 0

    def contenders(
        self, parts: Sequence[Part], probes: npt.NDArray[np.float32], *, threshold: float, limit: int
    ) -> list[Contenders]:
        return [found for one in _passes(probes) for found in self._run(parts, one, threshold=threshold, limit=limit)]

    def scores(
        self, vectors: npt.NDArray[np.float32], places: npt.NDArray[np.int64], probe: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        found = np.empty(places.size, np.float64)
        jit.score(vectors, np.ascontiguousarray(places), probe, found)
        return found

    def _run(self, parts: Sequence[Part], one: Pass, *, threshold: float, limit: int) -> list[Contenders]:
        blocks = list(_blocks([len(part.codes) for part in parts]))
        rows = sum(stop - start for _, start, stop in blocks)
        wanted = 1 if rows <= _FEW else min(self._threads, len(blocks))
        finds = [Finds.empty(one.probes, limit, BLOCK) for _ in range(wanted)]
        scan = _Scan(parts, blocks, one, threshold, finds)
        counter = itertools.count()
        waiting = [self._workers().submit(scan.work, each, counter) for each in finds[1:]]
        scan.work(finds[0], counter)
        for each in waiting:
            each.result()
        return together(finds, threshold=threshold, limit=limit)

    def _workers(self) -> ThreadPoolExecutor:
        # the threads of a pool do not live on in a forked child
        if self._pool is None or self._pool_of != os.getpid():
            self._pool, self._pool_of = ThreadPoolExecutor(self._threads, "custodes-scan"), os.getpid()
        return self._pool


def _blocks(lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield part, first row and the row after the last; the first ones are short, so that a floor is found soon."""
    size = max(1, BLOCK // 8)
    for part, rows in enumerate(lengths):
        start = 0
        while start < rows:
            stop = min(start + size, rows)
            yield part, start, stop
            start, size = stop, min(BLOCK, 2 * size)


def _passes(probes: Probes) -> Iterator[Pass]:
    if CAN_SHARE and len(probes) >= _WORTH_SHARING:
        for first in range(0, len(probes), TOGETHER):
            yield ManyProbes(probes[first : first + TOGETHER])
    else:
        for probe in probes:
            yield OneProbe(probe)


@dataclass(frozen=True, slots=True)
class _Scan:
    """One pass over all ``blocks``: part, first row and the row after the last."""

    parts: Sequence[Part]
    blocks: Sequence[tuple[int, int, int]]
    one: Pass
    threshold: float
    finds: Sequence[Finds]

    def work(self, finds: Finds, counter: Iterator[int]) -> None:
        """Take blocks until none is left."""
        while (at := next(counter)) < len(self.blocks):
            number, start, stop = self.blocks[at]
            floors = np.max([other.floors for other in self.finds], axis=0, initial=self.threshold)
            self.one.block(self.parts[number], start, stop, floors, finds)
            finds.keep(number)
            finds.floors = floors
