"""stub"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Scanned:
    parts: object
    places: object
    scores: object
    compared: int
    floor: float
    widest: float


def scan(kernel, parts, probe, *, threshold, limit):
    P = []
    L = []
    S = []
    for i, p in enumerate(parts):
        pl = np.arange(len(p.vectors)) if p.admitted is None else np.flatnonzero(p.admitted)
        P.append(np.full(pl.size, i, np.int32))
        L.append(pl.astype(np.int64))
        S.append(kernel.scores(p.vectors, pl, probe))
    c = lambda a, t: np.concatenate([np.empty(0, t), *a])
    pl = c(L, np.int64)
    return Scanned(c(P, np.int32), pl, c(S, np.float64), pl.size, threshold, 0.0)
