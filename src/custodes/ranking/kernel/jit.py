"""The loops that are compiled, when a process first needs them, for the processor it runs on.

No ``fastmath``: an inner product of codes is integer arithmetic, the same in any order and on any instruction set;
floating point happens in the order that is written.  Every argument's type is declared, so that all is compiled or
read from the cache at import and nothing in the middle of a search.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int32, int64, njit, types, uint64, void

from custodes.ranking.kernel.instructions import prefetch, sketch_product

_OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}
_TILE = 1_024
_LINE = 64
_AHEAD_BYTES = 4_096
_MOST_AHEAD = 64
_F32, _F64, _I64 = types.float32, types.float64, types.int64


def _read(kind: types.Type, dimensions: int) -> types.Array:
    return types.Array(kind, dimensions, "C", readonly=True)


def _write(kind: types.Type, dimensions: int) -> types.Array:
    return types.Array(kind, dimensions, "C")


@njit(float64(int64, float64, _write(_I64, 1), _write(_F64, 1), _write(_I64, 1)), **_OPTIONS)
def _take(subject, lower, keys, lowers, count):
    """Remember a lower bound among those of the best distinct subjects; return the least of as many as are wanted."""
    size, wanted, at = count[0], keys.size, -1
    for n in range(size):
        if keys[n] == subject:
            at = n
    if at < 0 and size < wanted:
        at = size
        count[0] = size = size + 1
        keys[at] = subject
        lowers[at] = lower
    elif at >= 0:
        lowers[at] = max(lowers[at], lower)
    else:
        at = 0
        for n in range(1, size):
            if lowers[n] < lowers[at]:
                at = n
        if lower > lowers[at]:
            keys[at] = subject
            lowers[at] = lower
    if size < wanted:
        return -np.inf
    least = lowers[0]
    for n in range(1, size):
        least = min(least, lowers[n])
    return least


@njit(**_OPTIONS)
def _chosen(admitted, first, last, ahead, chosen):
    """List the admitted rows of [first, last), then ``ahead`` rows that may be next; return how many are admitted."""
    many = uint64(0)
    # without a branch: which rows are admitted is mostly chance, and a wrong guess costs more than a row
    for row in range(first, last):
        chosen[many] = row
        many += uint64(admitted[row])
    for n in range(ahead):
        chosen[many + uint64(n)] = min(last + n, admitted.size - 1)
    return int64(many)


@njit(**_OPTIONS)
def _product(codes, row, probe):
    """Return the inner product of a row's codes with the probe's."""
    total = int32(0)
    for j in range(probe.size):
        total += int32(codes[row, j]) * int32(probe[j])
    # cut to 32 bits, which it never leaves: the processor then multiplies and adds pairs of 16 bits
    return int32(total)


@njit(**_OPTIONS)
def _picked(sketches, rests, chosen, many, ahead, probe, factors, floor, picked, reached):
    """List the chosen rows that reach ``floor`` by their sketch, and what they cannot be above.

    Return how many do, and the largest rest of all.
    """
    step, of_rest, least = factors[0], factors[1], factors[2]
    # unsigned: an index that could be negative is looked at twice
    words, found, largest = uint64(sketches.shape[1]), uint64(0), float32(0.0)
    for n in range(many):
        row, soon = uint64(chosen[uint64(n)]), uint64(chosen[uint64(n + ahead)]) * words
        # what the processor foresees by itself comes too late, even where no row is left out
        for line in range(uint64(0), words, uint64(_LINE // 2)):
            prefetch(sketches, int64(soon + line))
        row_rest = rests[row]
        largest = max(largest, row_rest)
        product = float64(sketch_product(sketches, int64(row), probe))
        upper = step * product + (float64(row_rest) * of_rest + least)
        picked[found] = row
        reached[found] = upper
        found += uint64(upper >= floor)
    return int64(found), float64(largest)


@njit(inline="always", **_OPTIONS)
def _settle(
    codes, scales, residuals, norms, subjects, row, reached, probe, factors, floor, keys, lowers, count, places, uppers,
    emitted,
):  # fmt: skip
    """Estimate a row by its codes, keep it if it could be a candidate, and return the floor, which it may have raised.

    ``reached``: what it cannot be above, by a coarser estimate; ``factors``: the probe's scale, reach and rest, slack.
    """
    bound = float64(norms[row]) * factors[2] + float64(residuals[row]) * factors[1] + factors[3]
    estimate = float64(scales[row]) * factors[0] * float64(_product(codes, row, probe))
    upper = min(estimate + bound, reached)
    if upper >= floor:
        places[emitted[0]] = row
        uppers[emitted[0]] = upper
        emitted[0] += 1
        if estimate - bound > floor:
            floor = max(floor, _take(subjects[row], estimate - bound, keys, lowers, count))
    return floor


_ROWS = (
    _read(types.int8, 2),
    _read(_F32, 1),
    _read(_F32, 1),
    _read(_F32, 1),
    _read(_I64, 1),
)
"""Types of codes, scales, residuals, norms and subjects."""


@njit(
    types.UniTuple(float64, 3)(
        *_ROWS,
        _read(types.uint16, 2),
        _read(_F32, 1),
        _read(types.uint8, 1),
        int64,
        int64,
        _read(types.int16, 1),
        _read(_F64, 1),
        _read(types.int16, 1),
        _read(_F64, 1),
        float64,
        _write(_I64, 1),
        _write(_F64, 1),
        _write(_I64, 1),
        _write(_I64, 1),
        _write(_F64, 1),
        _write(_I64, 1),
    ),
    **_OPTIONS,
)
def scan(
    codes, scales, residuals, norms, subjects, sketches, rests, admitted, start, stop, sketched, coarse, quantised,
    fine, floor, keys, lowers, count, places, uppers, emitted,
):  # fmt: skip
    """Pass one probe over rows [start, stop); return the floor, how many were compared, and their largest rest.

    A row whose sketch shows that it is below the floor is not looked at again; the others are estimated by their codes.

    ``sketched`` ``(D,)`` and ``coarse``: the probe's codes for sketches, and the three factors of what a row cannot be
    above, of its product, of its rest, and of neither (`ranking.sketch`); ``quantised`` ``(d,)`` and ``fine``: as
    :func:`_settle` wants them.  ``floor``: what other blocks reached already.  ``keys``, ``lowers``, ``count``: the
    thread's best subjects.  ``places``, ``uppers``: room for every row; ``emitted``: how many of them were left.
    """
    chosen, picked = np.empty(_TILE + _MOST_AHEAD, np.int64), np.empty(_TILE + 1, np.int64)
    reached, waiting, compared, largest = np.empty(_TILE + 1, np.float64), 0, 0, 0.0
    ahead = min(_MOST_AHEAD, _AHEAD_BYTES // (2 * sketches.shape[1]))
    for first in range(start, stop, _TILE):
        many = _chosen(admitted, first, min(first + _TILE, stop), ahead, chosen)
        compared += many
        waiting, rest = _picked(sketches, rests, chosen, many, ahead, sketched, coarse, floor, picked, reached)
        largest = max(largest, rest)
        for n in range(waiting):
            # asked for all at once, so that none is waited for alone
            for line in range(0, codes.shape[1], _LINE):
                prefetch(codes, picked[n] * codes.shape[1] + line)
            prefetch(scales, picked[n])
            prefetch(residuals, picked[n])
            prefetch(norms, picked[n])
        for n in range(waiting):
            floor = _settle(
                codes, scales, residuals, norms, subjects, picked[n], reached[n], quantised, fine, floor, keys, lowers,
                count, places, uppers, emitted,
            )  # fmt: skip
    return floor, float64(compared), largest


@njit(
    void(
        *_ROWS,
        _read(_I64, 1),
        _read(types.int32, 2),
        _read(_F64, 1),
        float64,
        float64,
        float64,
        _read(types.int16, 2),
        _read(_F64, 2),
        _write(_F64, 1),
        _write(_I64, 2),
        _write(_F64, 2),
        _write(_I64, 2),
        _write(_I64, 2),
        _write(_F64, 2),
        _write(_I64, 2),
    ),
    **_OPTIONS,
)
def settle(
    codes, scales, residuals, norms, subjects, chosen, products, steps, reach, rest, slack, quantised, fine, floors,
    keys, lowers, counts, places, uppers, emitted,
):  # fmt: skip
    """Do for ``q`` probes at once what follows the product: ``products`` ``(rows, q)`` of ``chosen`` rows' codes.

    ``steps`` ``(q,)``: scales of the probes' codes of eight bits; ``reach``, ``rest``: the largest of any of them;
    ``quantised`` and ``fine`` ``(q, 4)``: codes of sixteen.  What follows has a row for each probe.
    """
    probes = products.shape[1]
    for n in range(products.shape[0]):
        row, reaching = chosen[n], 0
        scale = float64(scales[row])
        bound = float64(norms[row]) * rest + float64(residuals[row]) * reach + slack
        for p in range(probes):
            reaching += scale * steps[p] * float64(products[n, p]) + bound >= floors[p]
        for p in range(probes if reaching else 0):
            reached = scale * steps[p] * float64(products[n, p]) + bound
            if reached >= floors[p]:
                floors[p] = _settle(
                    codes, scales, residuals, norms, subjects, row, reached, quantised[p], fine[p], floors[p], keys[p],
                    lowers[p], counts[p], places[p], uppers[p], emitted[p],
                )  # fmt: skip


@njit(
    void(_read(_F32, 2), _read(_I64, 1), _read(_F32, 1), _write(_F64, 1)),
    **_OPTIONS,
)
def score(vectors, places, probe, found):
    """Write *the score* (`ranking.reference`) of each row: the same additions in the same order."""
    for n in range(places.size):
        total = 0.0
        for j in range(probe.size):
            total += float64(vectors[places[n], j]) * float64(probe[j])
        found[n] = total
