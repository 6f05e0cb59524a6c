"""The kernel that passes over int8 codes at the speed of memory; its loops are compiled by numba (`kernel.jit`).

Blocks of rows are taken from a counter by the calling thread and by the threads of one pool, so that one query uses
every core and many share them.  Each thread keeps its own best subjects; the floor that one has reached helps the
others, and being late with it only leaves more rows to be scored.  What comes out does not depend on any of that: it
is every row that reaches the last floor, in order.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.ranking.bound import SLACK, QuantisedProbe, quantise_probe
from custodes.ranking.kernel import jit
from custodes.ranking.kernel.protocol import Contenders, Part
from custodes.ranking.kernel.selection import floor_of, gathered

BLOCK: Final = 32_768
"""Rows that a thread takes at a time: a millisecond's work, so that none waits long for the last."""
_FEW: Final = 4_096
"""Codes that are scanned by the calling thread alone: waking another would take longer."""


@dataclass(slots=True)
class _Thread:
    """What one thread has found: its best distinct subjects, the rows left, and room for one block."""

    keys: npt.NDArray[np.int64]
    lowers: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    places: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(BLOCK, np.int64))
    uppers: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(BLOCK, np.float64))
    found: list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.float64]]] = field(default_factory=list)
    compared: int = 0
    widest: float = 0.0
    floor: float = -np.inf

    @classmethod
    def for_best(cls, limit: int) -> _Thread:
        return cls(np.zeros(limit, np.int64), np.zeros(limit, np.float64))


class NumbaKernel:
    """A :class:`~custodes.ranking.kernel.protocol.Kernel` over int8 codes, on ``threads`` cores."""

    name = "numba-int8"
    version = "1"

    def __init__(self, threads: int) -> None:
        self._threads = max(1, threads)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of = 0

    def contenders(
        self, parts: Sequence[Part], probes: npt.NDArray[np.float32], *, threshold: float, limit: int
    ) -> list[Contenders]:
        return [self._one(parts, quantise_probe(probe), threshold, limit) for probe in probes]

    def scores(
        self, vectors: npt.NDArray[np.float32], places: npt.NDArray[np.int64], probe: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        found = np.empty(places.size, np.float64)
        jit.score(vectors, np.ascontiguousarray(places), probe, found)
        return found

    def _one(self, parts: Sequence[Part], probe: QuantisedProbe, threshold: float, limit: int) -> Contenders:
        blocks = [
            (number, start, min(start + BLOCK, len(part.codes)))
            for number, part in enumerate(parts)
            for start in range(0, len(part.codes), BLOCK)
        ]
        rows = sum(stop - start for _, start, stop in blocks)
        wanted = 1 if rows <= _FEW else min(self._threads, len(blocks))
        threads = [_Thread.for_best(limit) for _ in range(wanted)]
        counter = itertools.count()
        scan = _Scan(parts, blocks, probe, threshold, threads)
        waiting = [self._workers().submit(scan.work, thread, counter) for thread in threads[1:]]
        scan.work(threads[0], counter)
        for one in waiting:
            one.result()
        return scan.contenders(limit)

    def _workers(self) -> ThreadPoolExecutor:
        # the threads of a pool do not live on in a forked child
        if self._pool is None or self._pool_of != os.getpid():
            self._pool, self._pool_of = ThreadPoolExecutor(self._threads, "custodes-scan"), os.getpid()
        return self._pool


class _Scan:
    """One probe's pass over all blocks."""

    def __init__(
        self,
        parts: Sequence[Part],
        blocks: Sequence[tuple[int, int, int]],
        probe: QuantisedProbe,
        threshold: float,
        threads: Sequence[_Thread],
    ) -> None:
        self._parts = parts
        self._blocks = blocks
        self._codes = probe.codes
        self._factors = np.array([probe.scale, probe.reach, probe.rest, SLACK])
        self._threshold = threshold
        self._threads = threads

    def work(self, thread: _Thread, counter: Iterator[int]) -> None:
        """Take blocks until none is left."""
        while (at := next(counter)) < len(self._blocks):
            number, start, stop = self._blocks[at]
            part = self._parts[number]
            emitted, compared, widest = jit.scan(
                part.codes,
                part.scales,
                part.residuals,
                part.norms,
                part.subjects,
                part.admitted.view(np.uint8),
                start,
                stop,
                self._codes,
                self._factors,
                max(self._threshold, *(other.floor for other in self._threads)),
                thread.keys,
                thread.lowers,
                thread.count,
                thread.places,
                thread.uppers,
            )
            many = int(emitted)
            if many:
                thread.found.append((number, thread.places[:many].copy(), thread.uppers[:many].copy()))
            thread.compared += int(compared)
            thread.widest = max(thread.widest, widest)
            if thread.count[0] == thread.keys.size:
                thread.floor = float(thread.lowers.min())

    def contenders(self, limit: int) -> Contenders:
        """Return what all threads found together."""
        held = [thread.count[0] for thread in self._threads]
        lowers = np.concatenate([thread.lowers[:n] for thread, n in zip(self._threads, held, strict=True)])
        keys = np.concatenate([thread.keys[:n] for thread, n in zip(self._threads, held, strict=True)])
        return gathered(
            [found for thread in self._threads for found in thread.found],
            compared=sum(thread.compared for thread in self._threads),
            floor=floor_of(lowers, keys, threshold=self._threshold, limit=limit),
            widest=max(thread.widest for thread in self._threads),
        )
