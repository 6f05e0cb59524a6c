"""Graphs: of the shape their role needs, or refused by name; mended, and what is computed is the same (ENG-01)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from custodes.engine import find_pack
from custodes.engine.graph import mend, prepare
from custodes.errors import ModelPackError


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_weights_are_no_longer_inputs(tiny_embedder: bytes) -> None:
    assert len(onnx.load_model_from_string(tiny_embedder).graph.input) == 2
    assert [value.name for value in onnx.load_model_from_string(mend(tiny_embedder, free_size=False)).graph.input] == [
        "data"
    ]


def test_a_fixed_batch_becomes_any_batch(tiny_embedder: bytes) -> None:
    blob = np.random.default_rng(1).random((5, 3, 112, 112), np.float32)
    with pytest.raises(Exception, match="dimensions"):
        session(tiny_embedder).run(None, {"data": blob})
    assert session(mend(tiny_embedder, free_size=False)).run(None, {"data": blob})[0].shape == (5, 128)


def test_a_fixed_size_becomes_any_size(tiny_detector: bytes) -> None:
    blob = np.zeros((1, 3, 96, 160), np.float32)
    outputs = session(mend(tiny_detector, free_size=True)).run(["cls_8", "kps_32"], {"input": blob})
    assert [output.shape for output in outputs] == [(1, 240, 1), (1, 15, 10)]


def test_answers_are_those_of_the_file_as_published(tiny_embedder: bytes) -> None:
    blob = np.random.default_rng(2).random((1, 3, 112, 112), np.float32)
    before = session(tiny_embedder).run(None, {"data": blob})[0]
    after = session(mend(tiny_embedder, free_size=False)).run(None, {"data": blob})[0]
    np.testing.assert_allclose(after, before, rtol=1e-5)


def rebuilt(data: bytes, spoil: Callable[[Any], None]) -> bytes:
    """The network with its graph spoilt by ``spoil``."""
    model = onnx.load_model_from_string(data)
    spoil(model.graph)
    spoilt: bytes = model.SerializeToString()
    return spoilt


def code(data: bytes, role: str) -> str:
    with pytest.raises(ModelPackError) as caught:
        prepare(data, role, find_pack("opencv-zoo"))
    return caught.value.code


def sizes(value: Any, *dims: int | str) -> None:
    """Declare another shape."""
    del value.type.tensor_type.shape.dim[:]
    for dim in dims:
        axis = value.type.tensor_type.shape.dim.add()
        if isinstance(dim, str):
            axis.dim_param = dim
        else:
            axis.dim_value = dim


class TestShapes:
    def test_networks_of_the_right_shape_pass(self, tiny_detector: bytes, tiny_embedder: bytes) -> None:
        pack = find_pack("opencv-zoo")
        assert session(prepare(tiny_detector, "detector", pack)).get_inputs()[0].shape[1:] == [3, "height", "width"]
        assert session(prepare(tiny_embedder, "embedder", pack)).get_inputs()[0].shape[1:] == [3, 112, 112]

    @pytest.mark.parametrize(
        "dims",
        [(1, 1, 112, 112), (1, 4, 112, 112), (2, 3, 112, 112), (1, 3, 224, 224), (1, 112, 112, 3), (3, 112, 112), ()],
    )
    def test_an_embedder_that_takes_another_picture(self, tiny_embedder: bytes, dims: tuple[int, ...]) -> None:
        assert (
            code(rebuilt(tiny_embedder, lambda graph: sizes(graph.input[0], *dims)), "embedder") == "pack.graph-input"
        )

    @pytest.mark.parametrize("dims", [(1, 1, 640, 640), (8, 3, 640, 640), (1, 3, 16, 16), (640, 640)])
    def test_a_detector_that_takes_another_picture(self, tiny_detector: bytes, dims: tuple[int, ...]) -> None:
        assert (
            code(rebuilt(tiny_detector, lambda graph: sizes(graph.input[0], *dims)), "detector") == "pack.graph-input"
        )

    def test_axes_that_are_left_open_are_no_fault(self, tiny_embedder: bytes) -> None:
        def spoil(graph: Any) -> None:
            sizes(graph.input[0], "n", 3, "h", "w")
            sizes(graph.output[0], "n", "d")

        prepare(rebuilt(tiny_embedder, spoil), "embedder", find_pack("opencv-zoo"))

    @pytest.mark.parametrize(
        "kind", [TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.DOUBLE, TensorProto.UNDEFINED]
    )
    def test_an_input_or_output_that_is_not_float32(self, tiny_embedder: bytes, kind: int) -> None:
        def spoil_input(graph: Any) -> None:
            graph.input[0].type.tensor_type.elem_type = kind

        def spoil_output(graph: Any) -> None:
            graph.output[0].type.tensor_type.elem_type = kind

        assert code(rebuilt(tiny_embedder, spoil_input), "embedder") == "pack.graph-input"
        assert code(rebuilt(tiny_embedder, spoil_output), "embedder") == "pack.graph-output"

    def test_a_second_input(self, tiny_embedder: bytes) -> None:
        def spoil(graph: Any) -> None:
            graph.input.append(helper.make_tensor_value_info("threshold", TensorProto.FLOAT, [1]))

        assert code(rebuilt(tiny_embedder, spoil), "embedder") == "pack.graph-input"

    def test_no_input_at_all(self, tiny_embedder: bytes) -> None:
        assert code(rebuilt(tiny_embedder, lambda graph: graph.input.pop(0)), "embedder") == "pack.graph-input"

    def test_a_picture_that_is_a_weight_in_disguise(self, tiny_embedder: bytes) -> None:
        def spoil(graph: Any) -> None:
            graph.initializer.append(numpy_helper.from_array(np.zeros((1, 3, 112, 112), np.float32), "data"))

        assert code(rebuilt(tiny_embedder, spoil), "embedder") == "pack.graph-input"

    def test_a_second_output(self, tiny_embedder: bytes) -> None:
        def spoil(graph: Any) -> None:
            graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, [1, 192]))

        assert code(rebuilt(tiny_embedder, spoil), "embedder") == "pack.graph-output"

    @pytest.mark.parametrize("dims", [(128,), (1, 128, 1, 1), (2, 128)])
    def test_an_answer_that_is_no_row(self, tiny_embedder: bytes, dims: tuple[int, ...]) -> None:
        assert (
            code(rebuilt(tiny_embedder, lambda graph: sizes(graph.output[0], *dims)), "embedder") == "pack.graph-output"
        )

    def test_eng_01_templates_of_another_length_than_the_manifest_says(self, tiny_embedder: bytes) -> None:
        data = rebuilt(tiny_embedder, lambda graph: sizes(graph.output[0], 1, 512))
        with pytest.raises(ModelPackError, match="templates of 512 numbers; its manifest says 128") as caught:
            prepare(data, "embedder", find_pack("opencv-zoo"))
        assert caught.value.code == "pack.graph-dimension"

    def test_networks_in_each_others_place(self, tiny_detector: bytes, tiny_embedder: bytes) -> None:
        assert code(tiny_embedder, "detector") == "pack.graph-output"
        assert code(tiny_detector, "embedder") == "pack.graph-input"

    def test_a_detector_that_leaves_an_output_out(self, tiny_detector: bytes) -> None:
        assert code(rebuilt(tiny_detector, lambda graph: graph.output.pop()), "detector") == "pack.graph-output"

    def test_a_detector_with_fewer_landmarks(self, tiny_detector: bytes) -> None:
        def spoil(graph: Any) -> None:
            sizes(next(output for output in graph.output if output.name == "kps_8"), 1, 6400, 8)

        assert code(rebuilt(tiny_detector, spoil), "detector") == "pack.graph-output"


@pytest.mark.parametrize("data", [b"", b"not a graph"])
def test_bytes_that_are_no_graph(data: bytes) -> None:
    with pytest.raises(ModelPackError, match="graph-unreadable"):
        mend(data, free_size=False)
