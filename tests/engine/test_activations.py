"""PReLU put in other terms is the same function (ENG-01)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from custodes.engine.activations import split_prelu

SLOPES = np.array([0.25, -0.8, 1.12, 0.0], np.float32)


def network(slope: np.ndarray, *, constant: bool = True) -> Any:
    """One PReLU over pictures of four channels, its slope an initializer or a second input."""
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "h", "w"])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    inputs, weights = [picture], [numpy_helper.from_array(slope, "slope")]
    if not constant:
        inputs.append(helper.make_tensor_value_info("slope", TensorProto.FLOAT, list(slope.shape)))
        weights = []
    graph = helper.make_graph([helper.make_node("PRelu", ["x", "slope"], ["y"])], "one", inputs, [answer], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)


def answer(model: Any, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given: np.ndarray = session.run(None, {"x": x})[0]
    return given


def operators(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_the_answers_are_those_of_prelu() -> None:
    model = network(SLOPES.reshape(4, 1, 1))
    x = np.random.default_rng(1).normal(0, 3, (2, 4, 9, 7)).astype(np.float32)
    x[0, :, 0, 0], x[0, :, 0, 1], x[0, :, 0, 2] = 0, 1e30, -1e30
    before = answer(model, x)
    split_prelu(model.graph)
    assert "PRelu" not in operators(model)
    np.testing.assert_array_equal(answer(model, x), before)
    np.testing.assert_array_equal(before, np.where(x < 0, SLOPES.reshape(4, 1, 1) * x, x))


@pytest.mark.parametrize("slope", [np.array([0.3], np.float32), np.full((1, 4, 1, 1), 0.3, np.float32)])
def test_a_slope_of_another_shape_is_left_as_it_is(slope: np.ndarray) -> None:
    model = network(slope)
    split_prelu(model.graph)
    assert operators(model) == ["PRelu"]


def test_a_slope_that_is_no_constant_is_left_as_it_is() -> None:
    model = network(SLOPES.reshape(4, 1, 1), constant=False)
    split_prelu(model.graph)
    assert operators(model) == ["PRelu"]
