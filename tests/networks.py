"""Tiny ONNX networks and packs of them, made on the spot, for every room's tests."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from custodes.engine import find_pack


def zoo_manifest() -> str:
    """The default pack's manifest, as text to be spoilt."""
    return (files("custodes.engine") / "manifests" / "opencv-zoo.toml").read_text("utf-8")


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


def tiny_manifest(detector: bytes, embedder: bytes, name: str = "tiny", text: str | None = None) -> str:
    """A manifest of these two files under the names of the default pack's."""
    zoo, text = find_pack("opencv-zoo"), (text or zoo_manifest()).replace('name = "opencv-zoo"', f'name = "{name}"')
    for role, data in (("detector", detector), ("embedder", embedder)):
        file = zoo.file(role)
        text = text.replace(file.sha256, hashlib.sha256(data).hexdigest())
        text = text.replace(f"size = {file.size}", f"size = {len(data)}")
    return text


def write_weights(detector: bytes, embedder: bytes, folder: Path) -> Path:
    """Write the two files into ``folder`` under the names of the default pack's."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, data in (("detector", detector), ("embedder", embedder)):
        (folder / find_pack("opencv-zoo").file(role).filename).write_bytes(data)
    return folder
