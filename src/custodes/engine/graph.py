"""Mends to an ONNX graph between verifying its bytes and running it.

The file stays as its publisher made it, so that its SHA-256 can be checked; what is mended is the copy in
memory.  Three faults are known: weights listed as graph inputs (which stops onnxruntime folding and fusing
them), a batch fixed at one, and a picture size fixed by the exporter although the network is convolutional.
"""

from __future__ import annotations

from custodes.errors import ModelPackError
from custodes.text import N_


def mend(model: bytes, *, free_size: bool) -> bytes:
    """Return ``model`` with its weights out of its inputs and a batch of any size.

    With ``free_size``, height and width (dimensions 2 and 3 of the input) become free as well.

    Raises:
        ModelPackError: ``pack.weights-unusable``, if the bytes are not an ONNX graph with one picture input.
    """
    import onnx

    try:
        graph_file = onnx.load_model_from_string(model)
    except Exception as error:
        raise unusable() from error
    graph = graph_file.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise unusable()
    del graph.input[:]
    graph.input.extend(inputs)
    _free(graph.input[0], {0: "batch", 2: "height", 3: "width"} if free_size else {0: "batch"})
    for output in graph.output:
        _free(output, {0: "batch", 1: f"cells_{output.name}"} if free_size else {0: "batch"})
    # Shapes noted for the inside of the graph were computed for the old sizes.
    del graph.value_info[:]
    mended: bytes = graph_file.SerializeToString()
    return mended


def unusable() -> ModelPackError:
    """Return the error for verified bytes that are not the network the manifest describes."""
    return ModelPackError(
        "pack.weights-unusable",
        N_("The model pack's weights are not a network that Custodes can run."),
        why=N_("Their SHA-256 is the one the manifest states, so the manifest names the wrong file."),
        hint=N_("Correct the manifest, or choose another model pack."),
    )


def _free(value: object, names: dict[int, str]) -> None:
    sizes = value.type.tensor_type.shape.dim  # type: ignore[attr-defined]  # onnx's messages are untyped
    for index, name in names.items():
        if index < len(sizes):
            sizes[index].dim_param = name
