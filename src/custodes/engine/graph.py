"""From a model file's verified bytes to a graph that onnxruntime may run: vetted, of the right shape, mended.

The file stays as its publisher made it, so that its SHA-256 can be checked; what is mended is the copy in
memory.  Three faults are known: weights listed as graph inputs (which stops onnxruntime folding and fusing
them), a batch fixed at one, and a picture size fixed by the exporter although the network is convolutional.  What
onnxruntime computes slowly is put in other terms: :mod:`custodes.engine.activations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from custodes.engine.activations import split_prelu
from custodes.engine.packs import Pack
from custodes.engine.vetting import read_model
from custodes.engine.yunet import OUTPUTS
from custodes.errors import ModelPackError
from custodes.text import N_

WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Numbers that each kind of a detector's output holds for one cell."""


def prepare(data: bytes, role: str, pack: Pack) -> bytes:
    """Return the network of ``role`` as onnxruntime is to be given it.

    A detector takes ``(n, 3, h, w)`` and gives YuNet's outputs; an embedder takes ``(n, 3, s, s)`` and gives
    ``(n, d)``, with ``s`` and ``d`` of the manifest.  Everything float32.

    Raises:
        ModelPackError: ``pack.graph-input``, ``pack.graph-output``, ``pack.graph-dimension``, and whatever
            :func:`~custodes.engine.vetting.read_model` finds.
    """
    model = read_model(data)
    picture = _picture(model.graph)
    if role == "detector":
        _require_detector(model.graph, picture)
    else:
        _require_embedder(model.graph, picture, pack.preprocessing.embedder.input_size, pack.dimension)
    split_prelu(model.graph)
    return _mended(model, picture, free_size=role == "detector")


def mend(data: bytes, *, free_size: bool) -> bytes:
    """Return a vetted network of any outputs with its weights out of its inputs and a batch of any size, else as it is.

    With ``free_size``, height and width (dimensions 2 and 3 of the input) become free as well.

    Raises:
        ModelPackError: ``pack.graph-input``, and whatever :func:`~custodes.engine.vetting.read_model` finds.
    """
    model = read_model(data)
    return _mended(model, _picture(model.graph), free_size=free_size)


def _mended(model: Any, picture: Any, *, free_size: bool) -> bytes:
    graph = model.graph
    kept = type(picture).FromString(picture.SerializeToString())
    del graph.input[:]
    graph.input.append(kept)
    _free(graph.input[0], {0: "batch", 2: "height", 3: "width"} if free_size else {0: "batch"})
    for output in graph.output:
        _free(output, {0: "batch", 1: f"cells_{output.name}"} if free_size else {0: "batch"})
    # Shapes noted for the inside of the graph were computed for the old sizes.
    del graph.value_info[:]
    mended: bytes = model.SerializeToString()
    return mended


def _picture(graph: Any) -> Any:
    """Return the one input that is no weight. Raises ModelPackError ``pack.graph-input`` unless it is a picture."""
    weights = {tensor.name for tensor in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1 or not _is_float(inputs[0]):
        raise _wrong_input()
    sizes = _sizes(inputs[0])
    if len(sizes) != 4 or sizes[0] > 1 or sizes[1] != 3:
        raise _wrong_input()
    return inputs[0]


def _require_detector(graph: Any, picture: Any) -> None:
    if any(0 < size < 32 for size in _sizes(picture)[2:]):
        raise _wrong_input()
    if sorted(output.name for output in graph.output) != sorted(OUTPUTS):
        raise _wrong_output()
    for output in graph.output:
        width = WIDTHS[output.name.partition("_")[0]]
        if not _is_float(output) or not _fits(_sizes(output), (1, 0, width)):
            raise _wrong_output()


def _require_embedder(graph: Any, picture: Any, side: int, dimension: int) -> None:
    if not _fits(_sizes(picture), (1, 3, side, side)):
        raise _wrong_input()
    if len(graph.output) != 1 or not _is_float(graph.output[0]):
        raise _wrong_output()
    sizes = _sizes(graph.output[0])
    if not _fits(sizes[:1], (1,)) or len(sizes) not in (0, 2):
        raise _wrong_output()
    if len(sizes) == 2 and not _fits(sizes, (1, dimension)):
        raise wrong_dimension(dimension, sizes[1])


def _sizes(value: Any) -> list[int]:
    """Return the declared size of each axis, 0 where it is left open; none at all if the graph does not say."""
    return [max(0, axis.dim_value) for axis in value.type.tensor_type.shape.dim]


def _fits(sizes: Sequence[int], wanted: Sequence[int]) -> bool:
    """Return whether what is declared leaves ``wanted`` possible; 0 stands for any size on either side."""
    return not sizes or (
        len(sizes) == len(wanted) and all(not (a and b) or a == b for a, b in zip(sizes, wanted, strict=True))
    )


def _is_float(value: Any) -> bool:
    from onnx import TensorProto

    return bool(value.type.tensor_type.elem_type == TensorProto.FLOAT)


def _free(value: Any, names: dict[int, str]) -> None:
    sizes = value.type.tensor_type.shape.dim
    for index, name in names.items():
        if index < len(sizes):
            sizes[index].dim_param = name


def _wrong_input() -> ModelPackError:
    return ModelPackError(
        "pack.graph-input",
        N_("The network does not take one picture of the size and kind that its role needs."),
        why=N_("A detector takes 1 × 3 × any × any float32; an embedder takes 1 × 3 and the manifest's input_size."),
        hint=N_("Check that the manifest names the right file for each role, and its input_size."),
    )


def _wrong_output() -> ModelPackError:
    return ModelPackError(
        "pack.graph-output",
        N_("The network does not give the answers that its role needs."),
        why=N_("A detector gives YuNet's twelve float32 outputs; an embedder gives one float32 row for each picture."),
        hint=N_("Check that the manifest names the right file for each role."),
    )


def wrong_dimension(stated: int, found: int) -> ModelPackError:
    """Return the error for templates that are not as long as the manifest says."""
    return ModelPackError(
        "pack.graph-dimension",
        N_("The network makes templates of %(found)s numbers; its manifest says %(stated)s."),
        hint=N_("Correct “dimension” in the manifest, or name the right file."),
        stated=stated,
        found=found,
    )


def unusable() -> ModelPackError:
    """Return the error for verified bytes that onnxruntime cannot run."""
    return ModelPackError(
        "pack.weights-unusable",
        N_("The model pack's weights are not a network that Custodes can run."),
        why=N_("Their SHA-256 is the one the manifest states, so the manifest names the wrong file."),
        hint=N_("Correct the manifest, or choose another model pack."),
    )
