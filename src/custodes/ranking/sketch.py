"""Half a byte per dimension: a first estimate of the score, coarse and cheap to read, with a bound of its own.

Four bits cannot follow a vector whose numbers differ much in size.  So both sides are first turned by one orthogonal
transform R: signs that everybody can compute again, then Walsh and Hadamard's, on the vector filled up with zeros to
:func:`width` numbers.  R leaves every inner product as it is, and spreads what a vector holds over all its numbers,
which then are close to normally distributed whatever they were (Ailon and Chazelle 2009); a step of 0.335 standard
deviations loses the least of such (Max 1960, for 16 levels).

Of a row y = Rx are kept u = clip(⌊y / 2h⌋ + 8, 0, 15), so that y is about h·v with v = 2u - 15, and its ``rest``
e ≥ ‖y - h·v‖, a float32 rounded up; h, the half step, is one float32 for all rows of a width.  A probe z = Rq is
turned into int16 ``codes`` p, a scale t, its ``reach`` Q ≥ ‖z‖ and its ``rest`` f ≥ ‖z - t·p‖.  Exactly,

    ⟨y, z⟩ = h·t·⟨v, p⟩ + ⟨h·v, z - t·p⟩ + ⟨y - h·v, z⟩

hence, with ‖h·v‖ ≤ ‖y‖ + e and the estimate E = h·t·(2·⟨u, p⟩ - 15·Σp), by Cauchy and Schwarz

    E - b ≤ the score ≤ E + b,    b = (:data:`LONGEST` + e)·f + e·Q + `bound.SLACK`.

Rounding: ⟨u, p⟩ stays in int32 (15·4,096·32,767 < 2^31); E + b, computed by its :attr:`SketchedProbe.factors`, rounds
less than ten times, each by 2^-53 of something below 8.  Each of the log₂ D steps of the transform multiplies the
length of its exact result by √2 and rounds every number once, the last scaling once or twice more; so what is computed
is within 14·2^-53 of the exact y and z, and their inner product within 4e-15 of the score's exact value: the slack has
room for a thousand times that.  Codes come of single operations of IEEE 754 in an order that is written here, hence are
the same on every machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.ranking.bound import SLACK, Factors, lengths, rounded_up
from custodes.types import Vector

LONGEST: Final = 1.001
"""More than the length of a vector that is unit to within 1e-4."""
WORD: Final = 4
"""Dimensions in one word of 16 bits; word w holds those at w, w + D/4, w + D/2 and w + 3D/4, lowest bits first."""
_STEP: Final = 0.335
_LEVELS: Final = 16
_LEAST: Final = 128
_LIMIT: Final = 32_767
_CHUNK: Final = 128
"""Rows that are turned together: they stay in the processor's cache."""

Words = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class SketchedProbe:
    """A probe to compare sketches with: ``codes`` ``(D,)`` int16; ``scale``: h·t, exact; ``offset``: 15·Σp."""

    codes: npt.NDArray[np.int16]
    scale: float
    offset: int
    reach: float
    rest: float

    def bound(self, rest: float) -> float:
        """Return b for a row with this rest."""
        return (LONGEST + rest) * self.rest + rest * self.reach + SLACK

    @property
    def factors(self) -> tuple[float, float, float]:
        """E + b as three factors: of ⟨u, p⟩, of the row's rest, and of neither."""
        return 2.0 * self.scale, self.rest + self.reach, LONGEST * self.rest + SLACK - self.scale * self.offset


def width(dimension: int) -> int:
    """Return D, the dimensions of a sketch: a power of two, 128 or more."""
    return max(_LEAST, 1 << (dimension - 1).bit_length())


def sketch(vectors: npt.NDArray[np.float32]) -> tuple[Words, Factors]:
    """Return words ``(n, D / 4)`` and rests ``(n,)`` of unit ``vectors`` ``(n, d)`` float32, d ≤ 4,096."""
    rows, dimension = vectors.shape
    wide = width(dimension)
    half = _half_step(wide)
    words, rests = np.empty((rows, wide // WORD), dtype=np.uint16), np.empty(rows, dtype=np.float32)
    for start in range(0, rows, _CHUNK):
        part = slice(start, start + _CHUNK)
        turned = _turned(vectors[part])
        levels = np.clip(np.floor(turned / (2.0 * half)) + _LEVELS // 2, 0, _LEVELS - 1)
        turned -= half * (2.0 * levels - (_LEVELS - 1))
        rests[part] = rounded_up(lengths(turned))
        first, second, third, fourth = np.split(levels.astype(np.uint16), WORD, axis=1)
        words[part] = first | second << 4 | third << 8 | fourth << 12
    return words, rests


def sketch_probe(probe: Vector) -> SketchedProbe:
    """Return ``probe`` ``(d,)`` float32, unit to within 1e-4, as codes of 16 bits."""
    turned = _turned(probe[None])
    scale = float(np.float32(np.abs(turned).max() / _LIMIT))
    codes = np.clip(np.rint(turned / scale), -_LIMIT, _LIMIT) if scale else np.zeros_like(turned)
    reach, rest = rounded_up(lengths(np.concatenate([turned, turned - codes * scale]))).tolist()
    return SketchedProbe(
        codes=codes[0].astype(np.int16),
        scale=_half_step(turned.shape[1]) * scale,
        offset=(_LEVELS - 1) * int(codes.sum()),
        reach=reach,
        rest=rest,
    )


def _half_step(wide: int) -> float:
    return float(np.float32(_STEP / 2.0 / wide**0.5))


def _turned(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return R of each of ``vectors`` ``(n, d)``, ``(n, D)`` float64."""
    rows, dimension = vectors.shape
    wide = width(dimension)
    # one vector to a column: whatever the step, whole lines of numbers are added
    turned, other, step = np.zeros((wide, rows)), np.empty((wide, rows)), 1
    np.multiply(vectors.T, _signs(wide)[:dimension, None], out=turned[:dimension])
    while step < wide:
        pairs, out = (each.reshape(-1, 2, step, rows) for each in (turned, other))
        np.add(pairs[:, 0], pairs[:, 1], out=out[:, 0])
        np.subtract(pairs[:, 0], pairs[:, 1], out=out[:, 1])
        turned, other, step = other, turned, 2 * step
    found: npt.NDArray[np.float64] = np.ascontiguousarray(turned.T) / wide**0.5
    return found


@lru_cache(maxsize=8)
def _signs(wide: int) -> npt.NDArray[np.float64]:
    bits = hashlib.shake_256(b"custodes sketch 1").digest(wide // 8)
    return 1.0 - 2.0 * np.unpackbits(np.frombuffer(bits, dtype=np.uint8)).astype(np.float64)
