"""What the compiled loops need and numba has no words for, as instructions that every processor has in some form."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_LANES = 32
_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_NARROW, _WIDE, _SUMS = ir.VectorType(_I16, _LANES), ir.VectorType(_I32, _LANES), ir.VectorType(_I32, _LANES // 2)


@intrinsic
def prefetch(typing, array, offset):
    """Ask for the cache line ``offset`` items into ``array``, to be there when it is read."""

    def code(context, builder, signature, arguments):
        held = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(held.data, [arguments[1]]), _I8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, *[_I32] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(_I32(n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, offset), code


@intrinsic
def sketch_product(typing, sketches, row, codes):
    """Return ⟨u, p⟩ of the sketch of ``row`` and a probe's codes (`ranking.sketch`).

    Each 16-bit word of a sketch holds four numbers from 0 to 15, each of which meets its own quarter of the codes;
    products of two 16-bit numbers are added in neighbouring pairs, which processors do in one instruction (VPMADDWD,
    VPDPWSSD; SMLAL and ADDP on ARM).  Integers: the order of additions does not matter.
    """

    def code(context, builder, signature, arguments):
        words, numbers = (context.make_array(signature.args[n])(context, builder, arguments[n]) for n in (0, 2))
        length = cgutils.unpack_tuple(builder, words.shape)[1]
        sketch = builder.gep(words.data, [builder.mul(arguments[1], length)])
        total = cgutils.alloca_once_value(builder, _SUMS(None))
        with cgutils.for_range_slice(builder, _I64(0), length, _I64(_LANES), inc=True) as (word, _):
            held = _load(builder, sketch, word)
            for quarter in range(4):
                levels = builder.sext(_nibble(builder, held, quarter), _WIDE)
                within = builder.add(builder.mul(length, _I64(quarter)), word)
                of_probe = builder.sext(_load(builder, numbers.data, within), _WIDE)
                _add_pairs(builder, builder.mul(levels, of_probe), total)
        kind, name = ir.FunctionType(_I32, [_SUMS]), f"llvm.vector.reduce.add.v{_LANES // 2}i32"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [builder.load(total)])

    return types.int32(sketches, row, codes), code


def _load(builder, data, offset):
    vector = builder.load(builder.bitcast(builder.gep(data, [offset]), _NARROW.as_pointer()))
    vector.align = 2
    return vector


def _nibble(builder, words, quarter):
    shifted = builder.lshr(words, _NARROW([4 * quarter] * _LANES)) if quarter else words
    return builder.and_(shifted, _NARROW([15] * _LANES))


def _add_pairs(builder, products, total):
    """Add neighbouring products to each other, and that to ``total``."""
    even, odd = (ir.VectorType(_I32, _LANES // 2)(list(range(n, _LANES, 2))) for n in (0, 1))
    pairs = builder.add(
        builder.shuffle_vector(products, products, even), builder.shuffle_vector(products, products, odd)
    )
    builder.store(builder.add(builder.load(total), pairs), total)
