"""Mends to a graph: what stops optimisation, batches and sizes is gone; what is computed is the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from custodes.engine.graph import mend
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


@pytest.mark.parametrize("data", [b"", b"not a graph", b"\x08\x07" * 40])
def test_bytes_that_are_no_graph(data: bytes) -> None:
    with pytest.raises(ModelPackError, match="weights-unusable"):
        mend(data, free_size=False)
