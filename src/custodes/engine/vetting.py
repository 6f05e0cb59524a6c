"""What an ONNX file may hold before onnxruntime is shown it: a plain picture network and nothing else.

A model file is a program.  It is read from bytes that were hashed, never from a path; whatever could make it more than
arithmetic on one picture is refused by name: operators of other domains, local functions, tensors kept in other files,
loops, chance, more or deeper graphs than any face network has, arithmetic in less than 32 bits.
Not here: the shapes a role needs (`graph`) and what the network answers (`trial`).

Sources: ONNX IR specification 1.20 (functions, external data, attributes that hold graphs); ENG-06 for the precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from custodes.errors import ModelPackError
from custodes.text import N_

LARGEST_MODEL = 1_000_000_000
"""Bytes of a model file; it is held in memory four times while it is loaded."""
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
_LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
_CHANCE = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
_NOT_ARITHMETIC = frozenset({"ImageDecoder", "RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit"})
FORBIDDEN = _LOOPS | _CHANCE | _NOT_ARITHMETIC
"""Standard operators that no face network needs: they loop, draw lots, or read text and files."""
EIGHT_BIT = frozenset(
    {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QuantizeLinear"}
)
"""Standard operators that compute in 8 bits even where no 8-bit tensor is written down."""
_TYPES = frozenset({"FLOAT", "DOUBLE", "INT32", "INT64", "BOOL"})
"""Element types of the tensors: half precision and 8-bit arithmetic differ between processors (ENG-06)."""


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """How large a graph may be: ``size`` in bytes, ``nodes`` and ``depth`` over all graphs inside each other."""

    size: int = LARGEST_MODEL
    nodes: int = 20_000
    depth: int = 4


def read_model(data: bytes, limits: GraphLimits | None = None) -> Any:
    """Return the ``onnx.ModelProto`` in ``data``, vetted, without anything that is not run.

    Raises:
        ModelPackError: ``pack.graph-too-large``, ``-unreadable``, ``-function``, ``-too-deep``, ``-custom-operator``,
            ``-forbidden-operator``, ``-external-data`` or ``-precision``, each beginning with ``pack.graph``.
    """
    import onnx

    limits = limits or GraphLimits()
    if len(data) > limits.size:
        raise too_large()
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        raise unreadable() from error
    model.DiscardUnknownFields()
    del model.metadata_props[:], model.training_info[:]
    if not model.HasField("graph"):
        raise unreadable()
    _vet(model, limits)
    return model


def require_sound(data: bytes) -> None:
    """Hold a model that :func:`read_model` let pass to the whole ONNX specification: slow, for packs that are added.

    Raises:
        ModelPackError: ``pack.graph-unreadable``.
    """
    import onnx

    try:
        onnx.checker.check_model(data)
    except Exception as error:
        raise unreadable() from error


def _vet(model: Any, limits: GraphLimits) -> None:
    if len(model.functions):
        raise ModelPackError(
            "pack.graph-function",
            N_("The network defines functions of its own."),
            why=N_("What a function is called says nothing of what it does; it can hide any operator."),
            hint=N_("Export the network with its functions inlined (onnx.inliner)."),
        )
    for entry in model.opset_import:
        _require_standard(entry.domain, "opset_import")
    nodes = 0
    for graph in _graphs(model.graph, 1, limits.depth):
        nodes += len(graph.node)
        if nodes > limits.nodes:
            raise too_large()
        for node in graph.node:
            _vet_node(node)
        for tensor in _tensors(graph):
            _vet_tensor(tensor)


def _graphs(graph: Any, depth: int, deepest: int) -> Iterator[Any]:
    """Yield ``graph`` and every graph in an attribute of its nodes, whatever type the attribute claims to have."""
    if depth > deepest:
        raise ModelPackError(
            "pack.graph-too-deep",
            N_("The network has graphs inside graphs, more than %(limit)s deep."),
            why=N_("No face network needs that; a file that has it is damaged or was made to do harm."),
            limit=deepest,
        )
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g, depth + 1, deepest)
            for inner in attribute.graphs:
                yield from _graphs(inner, depth + 1, deepest)


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                sparse.append(attribute.sparse_tensor)
            sparse.extend(attribute.sparse_tensors)
    for tensor in sparse:
        yield tensor.values
        yield tensor.indices


def _vet_node(node: Any) -> None:
    from onnx import defs

    _require_standard(node.domain, node.op_type)
    if not defs.has(node.op_type):
        raise _custom(node.op_type)
    if node.op_type in FORBIDDEN:
        raise ModelPackError(
            "pack.graph-forbidden-operator",
            N_("The network uses the operator “%(operator)s”."),
            why=N_(
                "Operators that loop, draw lots or read text are not run: the same face must give the same template."
            ),
            hint=N_("Export the network for inference, with fixed control flow."),
            operator=node.op_type,
        )
    if node.op_type in EIGHT_BIT:
        raise _imprecise("UINT8")
    for attribute in node.attribute:
        # "to" of Cast and "dtype" of its kind are element types written as numbers
        if attribute.name in ("to", "dtype"):
            _require_precise(attribute.i)


def _vet_tensor(tensor: Any) -> None:
    from onnx import TensorProto

    if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
        raise ModelPackError(
            "pack.graph-external-data",
            N_("The network keeps weights in other files."),
            why=N_("Only the bytes of the file itself were checked; another file could be anything, from anywhere."),
            hint=N_("Save the network as one file (onnx.save without external data)."),
        )
    _require_precise(tensor.data_type)


def _require_precise(element_type: int) -> None:
    from onnx import TensorProto

    known = TensorProto.DataType
    kind = known.Name(element_type) if element_type in known.values() else str(element_type)
    if kind not in _TYPES:
        raise _imprecise(kind)


def _require_standard(domain: str, operator: str) -> None:
    if domain not in STANDARD_DOMAINS:
        raise _custom(f"{domain}:{operator}")


def _custom(operator: str) -> ModelPackError:
    return ModelPackError(
        "pack.graph-custom-operator",
        N_("The network needs an operator that is not of the ONNX standard: “%(operator)s”."),
        why=N_("Such an operator is code from somewhere else, which Custodes does not load."),
        hint=N_("Export the network with operators of the standard domain only."),
        operator=operator[:80],
    )


def _imprecise(kind: str) -> ModelPackError:
    return ModelPackError(
        "pack.graph-precision",
        N_("The network computes with numbers of the type %(kind)s."),
        why=N_("Less than 32 bits give other templates on other processors, which could not be compared."),
        hint=N_("Export the network in float32."),
        kind=kind,
    )


def too_large() -> ModelPackError:
    """Return the error for a file or graph beyond the limits."""
    return ModelPackError(
        "pack.graph-too-large",
        N_("The network is larger than any face network that Custodes knows of."),
        why=N_("It has more than 1 GB or more than 20,000 operations; loading it could stop the service."),
        hint=N_("Choose a smaller network."),
    )


def unreadable() -> ModelPackError:
    """Return the error for bytes that are no sound ONNX model."""
    return ModelPackError(
        "pack.graph-unreadable",
        N_("The file is not a sound ONNX network."),
        why=N_("Its SHA-256 is the one the manifest states, so it was cut short or damaged before that was written."),
        hint=N_("Get the file anew from whoever made it, and have the manifest's SHA-256 corrected."),
    )
