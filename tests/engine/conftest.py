"""Packs and networks that need no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from custodes.engine import OnnxFaceEngine, find_pack
from custodes.engine.manifest import parse_manifest
from custodes.engine.packs import Pack

DETECTOR, EMBEDDER = b"detector " * 100, b"embedder " * 200


@pytest.fixture(scope="session")
def manifest_text() -> str:
    """The manifest that ships, as text to be spoilt."""
    return (files("custodes.engine") / "manifests" / "opencv-zoo.toml").read_text("utf-8")


@pytest.fixture
def small_pack(manifest_text: str) -> Pack:
    """The shipped pack with two small files in place of the weights."""
    zoo = find_pack("opencv-zoo")
    text = manifest_text.replace('name = "opencv-zoo"', 'name = "small"')
    for role, data in (("detector", DETECTOR), ("embedder", EMBEDDER)):
        file = zoo.file(role)
        text = text.replace(file.sha256, hashlib.sha256(data).hexdigest())
        text = text.replace(f"size = {file.size}", f"size = {len(data)}")
    return parse_manifest(text)


@pytest.fixture
def carrier(tmp_path: Path, small_pack: Pack) -> Path:
    """A folder that holds the small pack's files."""
    folder = tmp_path / "carrier"
    folder.mkdir()
    (folder / small_pack.file("detector").filename).write_bytes(DETECTOR)
    (folder / small_pack.file("embedder").filename).write_bytes(EMBEDDER)
    return folder


@pytest.fixture(scope="session")
def engine(weights: Path) -> OnnxFaceEngine:
    """The real engine on one core; skipped where the weights were not pulled."""
    return OnnxFaceEngine(find_pack("opencv-zoo"), weights)


def _model(nodes: list[Any], constants: dict[str, np.ndarray], name: str, side: int, outputs: list[str]) -> bytes:
    """A graph with the faults real exports have: fixed batch and size, its constants listed as inputs."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    listed = [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in weights]
    picture = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, side, side])
    results = [helper.make_tensor_value_info(key, TensorProto.FLOAT, [1, None, None]) for key in outputs]
    if len(outputs) == 1:
        results = [helper.make_tensor_value_info(outputs[0], TensorProto.FLOAT, [1, 128])]
    graph = helper.make_graph(nodes, "tiny", [picture, *listed], results, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def tiny_embedder() -> bytes:
    """A network of SFace's outer shape that reads an 8 x 8 thumbnail of the crop."""
    from onnx import helper

    mixing = np.random.default_rng(5).normal(size=(3 * 64, 128)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["small"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "mixing"], ["fc1"]),
    ]
    return _model(nodes, {"mixing": mixing}, "data", 112, ["fc1"])


@pytest.fixture(scope="session")
def tiny_detector() -> bytes:
    """A network of YuNet's outer shape that sees a face in every 32-pixel cell that is wholly red."""
    from onnx import helper

    constants: dict[str, np.ndarray] = {"shape": np.array([1, -1, 3], np.int64)}
    nodes, outputs = [], []
    for stride in (8, 16, 32):
        nodes += [
            helper.make_node(
                "AveragePool", ["input"], [f"p{stride}"], kernel_shape=[stride, stride], strides=[stride, stride]
            ),
            helper.make_node("Transpose", [f"p{stride}"], [f"t{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"t{stride}", "shape"], [f"r{stride}"]),
        ]
        for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            # Blue, green, red: only red raises a score, and only at the coarsest stride.
            column = np.zeros((3, width), np.float32)
            if kind in ("cls", "obj") and stride == 32:
                column[:, 0] = [-1 / 255, -1 / 255, 1 / 255]
            constants[f"w{kind}{stride}"] = column
            nodes.append(helper.make_node("MatMul", [f"r{stride}", f"w{kind}{stride}"], [f"{kind}_{stride}"]))
            outputs.append(f"{kind}_{stride}")
    return _model(nodes, constants, "input", 640, outputs)


@pytest.fixture
def tiny_pack(manifest_text: str, tiny_detector: bytes, tiny_embedder: bytes, tmp_path: Path) -> tuple[Pack, Path]:
    """A pack of the tiny networks, and the models folder it is in."""
    return pack_of(manifest_text, tiny_detector, tiny_embedder, tmp_path / "models")


def pack_of(manifest_text: str, detector: bytes, embedder: bytes, models: Path) -> tuple[Pack, Path]:
    """A pack of these two files, written into ``models``."""
    zoo, text = find_pack("opencv-zoo"), manifest_text.replace('name = "opencv-zoo"', 'name = "tiny"')
    for role, data in (("detector", detector), ("embedder", embedder)):
        file = zoo.file(role)
        text = text.replace(file.sha256, hashlib.sha256(data).hexdigest())
        text = text.replace(f"size = {file.size}", f"size = {len(data)}")
        (models / "tiny").mkdir(parents=True, exist_ok=True)
        (models / "tiny" / file.filename).write_bytes(data)
    return parse_manifest(text), models


@pytest.fixture
def make_pack(manifest_text: str, tmp_path: Path) -> Callable[[bytes, bytes], tuple[Pack, Path]]:
    """``make_pack(detector, embedder)``: a pack of any two files."""
    return lambda detector, embedder: pack_of(manifest_text, detector, embedder, tmp_path / "models")
