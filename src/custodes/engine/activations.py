"""PReLU in terms that onnxruntime computes in its own layout: the same function, two and a half times the speed.

onnxruntime keeps what lies between convolutions in blocks of channels (NCHWc), and knows convolution, ReLU and addition
in that layout, but not PReLU: before each it lays everything out anew, and then works with one thread's plain loop.
Half of SFace's time went there.  With the slope ``a`` of a channel,

    ``prelu(x) = relu(x) + a * min(x, 0) = relu(x) - a * relu(-x)``,

and both products are convolutions of one pixel and one channel, which leaves nothing outside the layout.  Each of
``relu(x)`` and ``relu(-x)`` is zero where the other is not, so nothing is rounded but the product with ``a``, as in
PReLU itself; fused with the addition it may be rounded once less (measured: templates differ by 2e-7 at most).
``docs/performance.md`` has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def split_prelu(graph: Any) -> None:
    """Replace, in an ``onnx.GraphProto``, each PReLU with one constant slope a channel; leave any other as it is."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[Any] = []
    for node in graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        # (c, 1, 1) can only be broadcast over (n, c, h, w): one number for each channel of a picture
        if slope is None or len(slope.dims) != 3 or tuple(slope.dims[1:]) != (1, 1):
            nodes.append(node)
            continue
        slopes = numpy_helper.to_array(slope).reshape(-1, 1, 1, 1)
        if slopes.dtype != np.float32:
            nodes.append(node)
            continue
        graph.initializer.extend(
            numpy_helper.from_array(values, f"{node.output[0]}/{name}")
            for name, values in (("minus one", -np.ones_like(slopes)), ("minus slope", -slopes))
        )
        nodes.extend(_split(node.input[0], node.output[0], len(slopes)))
    del graph.node[:]
    graph.node.extend(nodes)


def _split(given: str, wanted: str, channels: int) -> Iterator[Any]:
    from onnx import helper

    each: dict[str, Any] = {"kernel_shape": [1, 1], "group": channels}
    above, turned, below, scaled = (f"{wanted}/{name}" for name in ("above", "turned", "below", "scaled"))
    yield helper.make_node("Relu", [given], [above])
    yield helper.make_node("Conv", [given, f"{wanted}/minus one"], [turned], **each)
    yield helper.make_node("Relu", [turned], [below])
    yield helper.make_node("Conv", [below, f"{wanted}/minus slope"], [scaled], **each)
    yield helper.make_node("Add", [above, scaled], [wanted])
