"""Packs tried in a process of their own: its errors come back whole, its death is an error too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests import networks

from custodes.engine.apart import try_apart
from custodes.engine.packs import Pack
from custodes.errors import ModelPackError

MakePack = Callable[[bytes, bytes], tuple[Pack, Path]]


@pytest.fixture
def attempt(make_pack: MakePack, tiny_detector: bytes) -> Callable[..., None]:
    """``attempt(embedder)`` tries a pack of the tiny detector and this embedder."""

    def run(embedder: bytes, **how: float) -> None:
        pack, models = make_pack(tiny_detector, embedder)
        try_apart(networks.tiny_manifest(tiny_detector, embedder), pack, models, **how)

    return run


def embedder(nodes: list[Any], **constants: np.ndarray) -> bytes:
    """A network of SFace's outer shape."""
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    row = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128])
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", [picture], [row], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString()
    return data


def reduced(*after: Any, **constants: np.ndarray) -> bytes:
    """A thumbnail of the picture as ``(1, 128)`` called ``x``, then ``after``, which makes ``fc1`` of it."""
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["rows"], axes=[1, 2], keepdims=0),
        helper.make_node("Pad", ["rows", "pads"], ["x"]),
    ]
    return embedder([*nodes, *after], pads=np.array([0, 0, 0, 16], np.int64), **constants)


def code(attempt: Callable[..., None], data: bytes, **how: float) -> str:
    with pytest.raises(ModelPackError) as caught:
        attempt(data, **how)
    return caught.value.code


def test_a_sound_pack_passes(attempt: Callable[..., None], tiny_embedder: bytes) -> None:
    attempt(tiny_embedder)
    attempt(reduced(helper.make_node("Identity", ["x"], ["fc1"])))


def test_an_error_comes_back_with_its_sentences_and_values(attempt: Callable[..., None]) -> None:
    with pytest.raises(ModelPackError) as caught:
        attempt(reduced(helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16), _cast_back()))
    assert caught.value.code == "pack.graph-precision"
    assert caught.value.values == {"kind": "FLOAT16"}
    assert "FLOAT16" in str(caught.value.what)
    assert str(caught.value.hint) == "Export the network in float32."


def _cast_back() -> Any:
    return helper.make_node("Cast", ["h"], ["fc1"], to=TensorProto.FLOAT)


def test_a_network_that_answers_with_no_numbers(attempt: Callable[..., None]) -> None:
    zero = np.zeros(1, np.float32)
    assert code(attempt, reduced(helper.make_node("Div", ["x", "zero"], ["fc1"]), zero=zero)) == (
        "pack.output-not-finite"
    )


def test_a_network_that_answers_everything_alike(attempt: Callable[..., None]) -> None:
    zero = np.zeros(1, np.float32)
    assert code(attempt, reduced(helper.make_node("Mul", ["x", "zero"], ["fc1"]), zero=zero)) == "pack.output-constant"


def test_a_network_that_declares_another_answer_than_it_gives(attempt: Callable[..., None]) -> None:
    data = reduced(helper.make_node("Concat", ["x", "x"], ["fc1"], axis=1))
    assert code(attempt, data) in ("pack.graph-dimension", "pack.weights-unusable")


def test_a_network_that_asks_for_more_memory_than_there_is(attempt: Callable[..., None]) -> None:
    """Ten terabytes from a file of a few hundred bytes."""
    bomb = [
        helper.make_node("Expand", ["x", "huge"], ["vast"]),
        helper.make_node("ReduceSum", ["vast", "first"], ["fc1"], keepdims=0),
    ]
    data = reduced(*bomb, huge=np.array([20_000_000_000, 1, 128], np.int64), first=np.array([0], np.int64))
    assert code(attempt, data) in ("pack.weights-unusable", "pack.trial-died")


def test_one_that_takes_too_long_is_stopped(attempt: Callable[..., None], tiny_embedder: bytes) -> None:
    assert code(attempt, tiny_embedder, seconds=0.01) == "pack.trial-died"


def test_a_process_that_crashes_is_an_error(
    attempt: Callable[..., None], tiny_embedder: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -SEGV $$\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    assert code(attempt, tiny_embedder) == "pack.trial-died"


def test_weights_that_are_not_there(manifest_text: str, small_pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ModelPackError, match="not-pulled"):
        try_apart(manifest_text, small_pack, tmp_path)
