"""The score, in plain NumPy: the truth that every faster engine is held to with ``==``.

The score of a probe ``p`` against a template ``t``, both unit float32 vectors of dimension ``d``::

    s = 0.0;  for j in 0 .. d-1:  s = s + float64(t[j]) * float64(p[j])

A product of two float32 values (24-bit significands) has at most 48 significant bits and so is exact in
float64 (IEEE 754-2019, 53 bits); only the ``d`` additions round, always in index order.  The result
therefore depends on neither chunking, threads, instruction set nor fused multiply-add.  It is not a
dot product of a linear-algebra library: those add in an order of their own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from custodes.types import Vector

Columns = npt.NDArray[np.float32]
"""``(d, n)`` float32: one template per column, so that one dimension of all templates is contiguous."""
Scores = npt.NDArray[np.float64]
"""``(n,)`` float64 cosine similarities; rounding may carry one past 1 by a few parts in ten million."""

_CHUNK: Final = 16_384


def scores(columns: Columns, probe: Vector) -> Scores:
    """Return the score of ``probe`` against every column of ``columns``.

    Args:
        columns: ``(d, n)`` float32 (a view of any stride will do: pass ``rows.T`` of an ``(n, d)`` array).
        probe: ``(d,)`` float32.

    Returns:
        ``(n,)`` float64.

    Raises:
        ValueError: if the shapes do not agree or an array is not float32.
    """
    if columns.dtype != np.float32 or probe.dtype != np.float32:
        raise ValueError("templates and probe must be float32")
    if columns.ndim != 2 or probe.shape != (columns.shape[0],):
        raise ValueError(f"columns {columns.shape} and probe {probe.shape} do not agree")
    total: Scores = np.zeros(columns.shape[1], dtype=np.float64)
    weights = probe.astype(np.float64)
    product = np.empty(min(_CHUNK, total.size), dtype=np.float64)
    for start in range(0, total.size, _CHUNK):
        # A chunk of running sums stays in the processor's cache while all d dimensions pass over it.
        _accumulate(columns[:, start : start + _CHUNK], weights, total[start : start + _CHUNK], product)
    return total


def _accumulate(columns: Columns, weights: Scores, total: Scores, product: Scores) -> None:
    product = product[: total.size]
    for dimension, weight in enumerate(weights):
        # widened first: NumPy multiplies numbers of two widths in small buffered pieces
        np.copyto(product, columns[dimension])
        np.multiply(product, weight, out=product)
        np.add(total, product, out=total)
