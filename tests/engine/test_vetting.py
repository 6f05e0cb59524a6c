"""What a model file may not hold, each refused by name before onnxruntime sees a byte of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from custodes.engine.vetting import EIGHT_BIT, FORBIDDEN, GraphLimits, read_model, require_sound
from custodes.errors import ModelPackError

Spoil = Callable[[onnx.ModelProto], None]
PICTURE = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
ROW = helper.make_tensor_value_info("row", TensorProto.FLOAT, [1, 4])


def model(nodes: Sequence[Any] | None = None, weights: Sequence[Any] = (), domains: Sequence[str] = ("",)) -> Any:
    """A small network; ``nodes`` and ``weights`` replace or add to what it is made of."""
    nodes = [helper.make_node("Identity", ["data"], ["row"])] if nodes is None else nodes
    graph = helper.make_graph(list(nodes), "g", [PICTURE], [ROW], list(weights))
    opsets = [helper.make_opsetid(domain, 17) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def code(data: bytes, **limits: int) -> str:
    with pytest.raises(ModelPackError) as caught:
        read_model(data, GraphLimits(**limits))
    return caught.value.code


def inside(graph: Any, operator: str = "If") -> Any:
    """A node that holds ``graph`` in an attribute."""
    node = helper.make_node(operator, ["condition"], ["row"])
    node.attribute.append(helper.make_attribute("then_branch", graph))
    return node


def spoilt(spoil: Spoil) -> bytes:
    made = model()
    spoil(made)
    data: bytes = made.SerializeToString()
    return data


class TestDamage:
    @pytest.mark.parametrize("data", [b"", b"not a graph", b"\x08\x07" * 40, b"\xff" * 100], ids=range(4))
    def test_bytes_that_are_no_model(self, data: bytes) -> None:
        assert code(data) == "pack.graph-unreadable"

    def test_a_truncated_protobuf_at_any_length(self, tiny_embedder: bytes) -> None:
        for length in range(0, len(tiny_embedder), 997):
            assert code(tiny_embedder[:length]) == "pack.graph-unreadable"

    def test_a_weight_with_fewer_bytes_than_it_states(self, tiny_embedder: bytes) -> None:
        made = onnx.load_model_from_string(tiny_embedder)
        made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:-4]
        with pytest.raises(ModelPackError, match="graph-unreadable"):
            require_sound(made.SerializeToString())

    def test_a_sound_model_passes(self, tiny_embedder: bytes, tiny_detector: bytes) -> None:
        for data in (tiny_embedder, tiny_detector):
            read_model(data)
            require_sound(data)


class TestCustomOperators:
    def test_a_node_of_another_domain(self) -> None:
        nodes = [helper.make_node("Backdoor", ["data"], ["row"], domain="com.example")]
        assert code(model(nodes, domains=("", "com.example")).SerializeToString()) == "pack.graph-custom-operator"

    def test_another_domain_that_no_node_uses_yet(self) -> None:
        assert code(model(domains=("", "com.example")).SerializeToString()) == "pack.graph-custom-operator"

    def test_onnxruntimes_own_operators_are_of_another_domain_too(self) -> None:
        nodes = [helper.make_node("FusedGemm", ["data", "data"], ["row"], domain="com.microsoft")]
        assert code(model(nodes).SerializeToString()) == "pack.graph-custom-operator"

    def test_an_operator_that_the_standard_does_not_have(self) -> None:
        nodes = [helper.make_node("Backdoor", ["data"], ["row"])]
        assert code(model(nodes).SerializeToString()) == "pack.graph-custom-operator"

    def test_one_hidden_in_a_graph_inside_the_graph(self) -> None:
        hidden = helper.make_graph([helper.make_node("Backdoor", [], ["x"], domain="com.example")], "g", [], [])
        assert code(model([inside(hidden)]).SerializeToString()) == "pack.graph-custom-operator"

    def test_one_hidden_under_an_attribute_that_says_it_is_a_number(self) -> None:
        hidden = helper.make_graph([helper.make_node("Backdoor", [], ["x"], domain="com.example")], "g", [], [])
        node = inside(hidden, "Identity")
        node.attribute[0].type = AttributeProto.INT
        assert code(model([node]).SerializeToString()) == "pack.graph-custom-operator"

    def test_a_local_function_that_hides_one(self) -> None:
        body = [helper.make_node("Backdoor", ["x"], ["y"], domain="com.example")]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]

        def spoil(made: onnx.ModelProto) -> None:
            made.functions.append(helper.make_function("local", "Harmless", ["x"], ["y"], body, opsets))

        assert code(spoilt(spoil)) == "pack.graph-function"

    def test_a_local_function_that_takes_a_standard_name(self) -> None:
        body = [helper.make_node("Relu", ["x"], ["y"])]

        def spoil(made: onnx.ModelProto) -> None:
            made.functions.append(
                helper.make_function("", "Identity", ["x"], ["y"], body, [helper.make_opsetid("", 17)])
            )

        assert code(spoilt(spoil)) == "pack.graph-function"

    @pytest.mark.parametrize("operator", sorted(FORBIDDEN))
    def test_a_standard_operator_that_loops_draws_lots_or_reads_text(self, operator: str) -> None:
        nodes = [helper.make_node(operator, ["data"], ["row"])]
        assert code(model(nodes).SerializeToString()) == "pack.graph-forbidden-operator"


def external(location: str) -> Any:
    tensor = numpy_helper.from_array(np.zeros((2, 2), np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


class TestExternalData:
    @pytest.mark.parametrize(
        "location",
        ["weights.bin", "../../outside.bin", "/etc/passwd", "/proc/self/mem", "a/../../b", "*/_ORT_MEM_ADDR_/*"],
    )
    def test_weights_in_another_file_wherever_it_lies(self, location: str) -> None:
        assert code(model(weights=[external(location)]).SerializeToString()) == "pack.graph-external-data"

    def test_a_location_without_the_mark(self) -> None:
        tensor = external("weights.bin")
        tensor.data_location = TensorProto.DEFAULT
        assert code(model(weights=[tensor]).SerializeToString()) == "pack.graph-external-data"

    def test_a_mark_without_a_location(self) -> None:
        tensor = external("weights.bin")
        del tensor.external_data[:]
        assert code(model(weights=[tensor]).SerializeToString()) == "pack.graph-external-data"

    def test_in_a_constant(self) -> None:
        nodes = [helper.make_node("Constant", [], ["row"], value=external("weights.bin"))]
        assert code(model(nodes).SerializeToString()) == "pack.graph-external-data"

    def test_in_a_list_of_tensors(self) -> None:
        node = helper.make_node("Identity", ["data"], ["row"])
        node.attribute.add(name="extra", type=AttributeProto.TENSORS).tensors.append(external("weights.bin"))
        assert code(model([node]).SerializeToString()) == "pack.graph-external-data"

    def test_in_a_graph_inside_the_graph(self) -> None:
        hidden = helper.make_graph([], "g", [], [], [external("weights.bin")])
        assert code(model([inside(hidden)]).SerializeToString()) == "pack.graph-external-data"

    @pytest.mark.parametrize("part", ["values", "indices"])
    def test_in_a_sparse_weight(self, part: str) -> None:
        def spoil(made: onnx.ModelProto) -> None:
            sparse = made.graph.sparse_initializer.add()
            for name in ("values", "indices"):
                kept = numpy_helper.from_array(np.zeros(2, np.float32 if name == "values" else np.int64), name)
                getattr(sparse, name).CopyFrom(external("w.bin") if name == part else kept)

        assert code(spoilt(spoil)) == "pack.graph-external-data"


class TestSize:
    def test_a_file_beyond_the_limit_is_not_parsed(self) -> None:
        assert code(b"\xff" * 101, size=100) == "pack.graph-too-large"

    def test_too_many_nodes(self) -> None:
        nodes = [helper.make_node("Identity", [f"x{n}"], [f"x{n + 1}"]) for n in range(20_001)]
        assert code(model(nodes).SerializeToString()) == "pack.graph-too-large"

    def test_nodes_of_all_graphs_count_together(self) -> None:
        hidden = helper.make_graph([helper.make_node("Identity", ["x"], [f"y{n}"]) for n in range(6)], "g", [], [])
        nodes = [inside(hidden), inside(hidden)]
        assert code(model(nodes).SerializeToString(), nodes=10) == "pack.graph-too-large"

    @pytest.mark.parametrize("levels", [5, 12, 28])
    def test_a_bomb_of_graphs_inside_graphs(self, levels: int) -> None:
        graph = helper.make_graph([], "g", [], [])
        for _ in range(levels):
            graph = helper.make_graph([inside(graph)], "g", [], [])
        assert code(model(graph.node).SerializeToString()) == "pack.graph-too-deep"

    def test_one_deeper_than_protobuf_itself_can_read(self) -> None:
        data = b""
        for _ in range(200):
            # a node (field 1 of a graph) with an attribute (field 5) that holds a graph (field 6)
            for field in (6, 5, 1):
                data = bytes([field << 3 | 2]) + _varint(len(data)) + data
        assert code(b"\x3a" + _varint(len(data)) + data) == "pack.graph-unreadable"


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


class TestPrecision:
    @pytest.mark.parametrize("kind", [np.float16, np.int8, np.uint8])
    def test_weights_of_less_than_32_bits(self, kind: type) -> None:
        weights = [numpy_helper.from_array(np.zeros(2, kind), "w")]
        assert code(model(weights=weights).SerializeToString()) == "pack.graph-precision"

    @pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN, TensorProto.STRING])
    def test_weights_of_a_stranger_kind(self, kind: int) -> None:
        tensor = TensorProto(name="w", data_type=kind, dims=[0])
        assert code(model(weights=[tensor]).SerializeToString()) == "pack.graph-precision"

    @pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT8])
    def test_a_cast_to_half_precision_and_back(self, kind: int) -> None:
        nodes = [helper.make_node("Cast", ["data"], ["row"], to=kind)]
        assert code(model(nodes).SerializeToString()) == "pack.graph-precision"

    @pytest.mark.parametrize("operator", sorted(EIGHT_BIT))
    def test_8_bit_arithmetic_without_a_tensor_that_shows_it(self, operator: str) -> None:
        nodes = [helper.make_node(operator, ["data"], ["row"])]
        assert code(model(nodes).SerializeToString()) == "pack.graph-precision"

    @pytest.mark.parametrize("kind", [0, 99, -1])
    def test_a_kind_of_number_that_does_not_exist(self, kind: int) -> None:
        nodes = [helper.make_node("Cast", ["data"], ["row"], to=kind)]
        assert code(model(nodes).SerializeToString()) == "pack.graph-precision"
        tensor = TensorProto(name="w", data_type=kind, dims=[0])
        assert code(model(weights=[tensor]).SerializeToString()) == "pack.graph-precision"


def test_what_is_not_run_is_not_kept() -> None:
    """Metadata can carry settings of onnxruntime, training graphs other nodes; neither reaches it."""

    def spoil(made: onnx.ModelProto) -> None:
        made.metadata_props.add(key="ort_config", value="{}")
        made.training_info.add().algorithm.node.append(helper.make_node("Backdoor", [], [], domain="com.example"))

    made = read_model(spoilt(spoil))
    assert not made.metadata_props
    assert not made.training_info
