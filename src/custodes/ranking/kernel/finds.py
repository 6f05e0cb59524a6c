"""What the threads of one pass have found, and how it comes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from custodes.ranking.kernel.protocol import Contenders
from custodes.ranking.kernel.selection import Lowers, floor_of, gathered


@dataclass(slots=True)
class Finds:
    """One thread's finds for each of ``q`` probes: its best distinct subjects, the rows left, and room for one block.

    ``keys``, ``lowers`` ``(q, limit)`` with ``counts`` ``(q, 1)``: best subjects; ``floors`` ``(q,)``: what they reach;
    ``widest`` ``(q,)``: as in :class:`~custodes.ranking.kernel.protocol.Contenders`; ``places``, ``uppers``
    ``(q, room)`` with ``emitted`` ``(q, 1)``: the rows of the block at hand.
    """

    keys: npt.NDArray[np.int64]
    lowers: Lowers
    counts: npt.NDArray[np.int64]
    floors: Lowers
    widest: Lowers
    places: npt.NDArray[np.int64]
    uppers: Lowers
    emitted: npt.NDArray[np.int64]
    kept: list[list[tuple[int, npt.NDArray[np.int64], Lowers]]]
    compared: int = 0

    @classmethod
    def empty(cls, probes: int, limit: int, room: int) -> Finds:
        """Return what a thread has before its first block."""
        return cls(
            keys=np.zeros((probes, limit), np.int64),
            lowers=np.zeros((probes, limit), np.float64),
            counts=np.zeros((probes, 1), np.int64),
            floors=np.full(probes, -np.inf),
            widest=np.zeros(probes),
            places=np.empty((probes, room), np.int64),
            uppers=np.empty((probes, room), np.float64),
            emitted=np.zeros((probes, 1), np.int64),
            kept=[[] for _ in range(probes)],
        )

    def note(self, compared: int, widest: npt.ArrayLike) -> None:
        """Count rows that were compared, none with a larger bound than ``widest`` ``(q,)``."""
        self.compared += compared
        np.maximum(self.widest, widest, out=self.widest)

    def keep(self, part: int) -> None:
        """Put the rows of a block of ``part`` aside, and make room for the next."""
        for probe in np.flatnonzero(self.emitted).tolist():
            many = self.emitted[probe, 0]
            self.kept[probe].append((part, self.places[probe, :many].copy(), self.uppers[probe, :many].copy()))
        self.emitted[:] = 0


def together(finds: Sequence[Finds], *, threshold: float, limit: int) -> list[Contenders]:
    """Return for each probe what all threads found."""
    found = []
    for probe in range(finds[0].floors.size):
        held = [one.counts[probe, 0] for one in finds]
        lowers = np.concatenate([one.lowers[probe, :n] for one, n in zip(finds, held, strict=True)])
        keys = np.concatenate([one.keys[probe, :n] for one, n in zip(finds, held, strict=True)])
        found.append(
            gathered(
                [rows for one in finds for rows in one.kept[probe]],
                compared=sum(one.compared for one in finds),
                floor=floor_of(lowers, keys, threshold=threshold, limit=limit),
                widest=float(max(one.widest[probe] for one in finds)),
            )
        )
    return found
