"""The loops that are compiled, when a process first needs them, for the processor it runs on.

No ``fastmath``: an inner product of codes is integer arithmetic, the same in any order and on any instruction set;
floating point happens in the order that is written.  Every argument's type is declared, so that all is compiled or
read from the cache at import and nothing in the middle of a search.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import float64, int32, int64, njit, types, void
from numba.core import cgutils
from numba.extending import intrinsic

_OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}
_TILE = 1_024
_AHEAD = 6
_F32, _F64, _I64 = types.float32, types.float64, types.int64


def _read(kind: types.Type, dimensions: int) -> types.Array:
    return types.Array(kind, dimensions, "C", readonly=True)


def _write(kind: types.Type, dimensions: int) -> types.Array:
    return types.Array(kind, dimensions, "C")


@intrinsic
def prefetch(typing, array, offset):
    """Ask for the cache line ``offset`` items into ``array``, to be there when it is read."""

    def code(context, builder, signature, arguments):
        held = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = cgutils.pointer_add(builder, held.data, arguments[1])
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(ir.IntType(32)(n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, offset), code


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
def _chosen(admitted, first, last, chosen):
    """List the admitted rows of [first, last), and the last of them a few times more; return how many there are."""
    many = 0
    # without a branch: which rows are admitted is mostly chance, and a wrong guess costs more than a row
    for row in range(first, last):
        chosen[many] = row
        many += admitted[row]
    chosen[many : many + _AHEAD] = chosen[max(many - 1, 0)]
    return many


@njit(**_OPTIONS)
def _products(codes, probe, chosen, many, is_sparse, totals):
    """Write the inner product of each chosen row's codes with the probe's."""
    dimension = probe.size
    for n in range(many):
        if is_sparse:
            # rows with gaps between them are not foreseen by the processor
            ahead = chosen[n + _AHEAD] * dimension
            for line in range(0, dimension, 64):
                prefetch(codes, ahead + line)
        row = chosen[n]
        total = int32(0)
        for j in range(dimension):
            total += int32(codes[row, j]) * int32(probe[j])
        # cut to 32 bits, which it never leaves: the processor then multiplies and adds pairs of 16 bits
        totals[n] = total


@njit(
    types.UniTuple(float64, 3)(
        _read(types.int8, 2),
        _read(_F32, 1),
        _read(_F32, 1),
        _read(_F32, 1),
        _read(_I64, 1),
        _read(types.uint8, 1),
        int64,
        int64,
        _read(types.int16, 1),
        _read(_F64, 1),
        float64,
        _write(_I64, 1),
        _write(_F64, 1),
        _write(_I64, 1),
        _write(_I64, 1),
        _write(_F64, 1),
    ),
    **_OPTIONS,
)
def scan(
    codes, scales, residuals, norms, subjects, admitted, start, stop, probe, factors, floor, keys, lowers, count,
    places, uppers,
):  # fmt: skip
    """Pass one probe over rows [start, stop); return how many could be candidates, were compared, and the widest bound.

    ``factors``: the probe's scale, reach and rest, and the slack.  ``floor``: what other blocks reached already.
    ``keys``, ``lowers``, ``count``: the thread's best subjects.  ``places``, ``uppers``: room for every row.
    """
    scale, reach, rest, slack = factors[0], factors[1], factors[2], factors[3]
    chosen, totals = np.empty(_TILE + _AHEAD, np.int64), np.empty(_TILE, np.int32)
    estimates, bounds = np.empty(_TILE, np.float64), np.empty(_TILE, np.float64)
    emitted, compared, widest = 0, 0, 0.0
    for first in range(start, stop, _TILE):
        last = min(first + _TILE, stop)
        many = _chosen(admitted, first, last, chosen)
        compared += many
        _products(codes, probe, chosen, many, many < last - first, totals)
        reaching = 0
        for n in range(many):
            row = chosen[n]
            bounds[n] = float64(norms[row]) * rest + float64(residuals[row]) * reach + slack
            estimates[n] = float64(scales[row]) * scale * float64(totals[n])
            widest = max(widest, bounds[n])
            reaching += estimates[n] + bounds[n] >= floor
        for n in range(many if reaching else 0):
            if estimates[n] + bounds[n] >= floor:
                places[emitted] = chosen[n]
                uppers[emitted] = estimates[n] + bounds[n]
                emitted += 1
                if estimates[n] - bounds[n] > floor:
                    floor = max(floor, _take(subjects[chosen[n]], estimates[n] - bounds[n], keys, lowers, count))
    return float64(emitted), float64(compared), widest


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
