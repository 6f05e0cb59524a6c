"""How far an int8 estimate of the score can be from the score: never farther than the bound, whatever the vectors.

A row ``x`` (float32, unit to within 1e-4, d ≤ 4,096) is kept as int8 ``codes`` c and a float32 ``scale`` s, and two
float32 factors of the bound, each rounded up: the ``residual`` e ≥ ‖x - s·c‖ and the ``norm`` n ≥ ‖s·c‖.  A probe
``q`` is turned into int16 ``codes`` p, a scale t, its ``reach`` Q ≥ ‖q‖ and its ``rest`` f ≥ ‖q - t·p‖.  Exactly,

    ⟨x, q⟩ = s·t·⟨c, p⟩ + ⟨s·c, q - t·p⟩ + ⟨x - s·c, q⟩

and by Cauchy and Schwarz the second term is at most n·f and the third at most e·Q.  So, with the estimate
E = s·t·⟨c, p⟩ and b = n·f + e·Q + :data:`SLACK`,

    E - b ≤ the score of `ranking.reference` ≤ E + b.

``SLACK`` covers every rounding, with room: ⟨c, p⟩ is an int32 that cannot overflow (:func:`most`), s·t is exact in
float64 (24 + 24 bits); the estimate, b and their sum round at most five times, each by 2^-53 of something below 4;
the score itself adds d products and is off by at most d·2^-53·‖x‖·‖q‖ < 4.6e-13 (Higham 2002, §3.1).  Together below
5e-13; a fused multiply-add only rounds less often.  e, n, Q and f are computed in float64 from exact products (a
float32 times an integer of 16 bits) with a relative error below (d + 4)·2^-53 < 2^-40, enlarged by 2^-40, and then
rounded up to float32.  Nothing depends on how good the codes are: bad ones make b larger, not wrong.  Squares cannot
underflow: the smallest difference of two float32 multiples is 2^-149, whose square is a normal float64.

The codes are c = rint(x / s) with s = float32(max|x| / 127), in float64 and clipped to ±127: single operations of
IEEE 754 (rint rounds half to even), elementwise, hence the same on every machine.  e and n are sums, whose order NumPy
chooses by machine; they may differ in the last bit, and are bounds all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.types import Vector

VERSION: Final = 2
"""Written into segment files: codes and sketches (`ranking.sketch`) of another version are not read."""
SLACK: Final = 2.0**-36
MAX_DIMENSION: Final = 4_096
_ROW_LIMIT: Final = 127
_UP: Final = 1.0 + 2.0**-40
_CHUNK: Final = 2_048

Codes = npt.NDArray[np.int8]
Factors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedProbe:
    """A probe to compare codes with: ``codes`` ``(d,)`` int16; the rest as in the module's text."""

    codes: npt.NDArray[np.int16]
    scale: float
    reach: float
    rest: float


def most(dimension: int) -> int:
    """Return the largest size of a probe's code with which no inner product leaves int32."""
    return min(32_767, (2**31 - 1) // (_ROW_LIMIT * dimension))


def quantise(vectors: npt.NDArray[np.float32]) -> tuple[Codes, Factors, Factors, Factors]:
    """Return codes ``(n, d)``, and scales, residuals and norms ``(n,)``, of ``vectors`` ``(n, d)`` float32.

    Raises:
        ValueError: more than 4,096 dimensions, for which the bound is not derived.
    """
    rows, dimension = vectors.shape
    if dimension > MAX_DIMENSION:
        raise ValueError(f"{dimension} dimensions")
    codes = np.empty((rows, dimension), dtype=np.int8)
    scales, residuals, norms = (np.empty(rows, dtype=np.float32) for _ in range(3))
    for start in range(0, rows, _CHUNK):
        part = slice(start, start + _CHUNK)
        exact = vectors[part].astype(np.float64)
        scale = (np.abs(exact).max(axis=1, initial=0.0) / _ROW_LIMIT).astype(np.float32)
        wide = scale.astype(np.float64)[:, None]
        rounded = np.divide(exact, wide, out=np.zeros_like(exact), where=wide > 0.0)
        np.rint(rounded, out=rounded)
        np.clip(rounded, -_ROW_LIMIT, _ROW_LIMIT, out=rounded)
        codes[part] = rounded
        scales[part] = scale
        np.multiply(rounded, wide, out=rounded)
        norms[part] = rounded_up(lengths(rounded))
        np.subtract(exact, rounded, out=exact)
        residuals[part] = rounded_up(lengths(exact))
    return codes, scales, residuals, norms


def quantise_probe(probe: Vector, *, largest: int = 32_767) -> QuantisedProbe:
    """Return ``probe`` ``(d,)`` float32, unit to within 1e-4, as codes up to ``largest``, or less above 516 dimensions.

    Codes of eight bits (127) make a larger bound, and products that are quicker to compute.
    """
    limit = min(largest, most(probe.size))
    exact = probe.astype(np.float64)
    # a float32 scale, so that its products with codes are exact
    scale = float(np.float32(np.abs(exact).max(initial=0.0) / limit))
    codes = np.clip(np.rint(exact / scale), -limit, limit) if scale else np.zeros_like(exact)
    reach, rest = rounded_up(lengths(np.stack([exact, exact - codes * scale]))).tolist()
    return QuantisedProbe(codes.astype(np.int16), scale, reach, rest)


def lengths(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``(n,)``: the lengths of ``rows`` ``(n, d)``."""
    found: npt.NDArray[np.float64] = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return found


def rounded_up(found: npt.NDArray[np.float64]) -> Factors:
    """Return float32 that are no smaller than the exact lengths of which ``found`` are the computed ones."""
    wanted = found * _UP
    near = wanted.astype(np.float32)
    return np.where(near < wanted, np.nextafter(near, np.float32(np.inf)), near)
