"""Packs and networks that need no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import networks

from custodes.engine import OnnxFaceEngine, find_pack
from custodes.engine.manifest import parse_manifest
from custodes.engine.packs import Pack

DETECTOR, EMBEDDER = b"detector " * 100, b"embedder " * 200


@pytest.fixture(scope="session")
def manifest_text() -> str:
    """The manifest that ships, as text to be spoilt."""
    return networks.zoo_manifest()


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


@pytest.fixture(scope="session")
def tiny_embedder() -> bytes:
    """A network of SFace's outer shape that reads an 8 x 8 thumbnail of the crop."""
    return networks.tiny_embedder()


@pytest.fixture(scope="session")
def tiny_detector() -> bytes:
    """A network of YuNet's outer shape that sees a face in every 32-pixel cell that is wholly red."""
    return networks.tiny_detector()


@pytest.fixture
def tiny_pack(manifest_text: str, tiny_detector: bytes, tiny_embedder: bytes, tmp_path: Path) -> tuple[Pack, Path]:
    """A pack of the tiny networks, and the models folder it is in."""
    return pack_of(manifest_text, tiny_detector, tiny_embedder, tmp_path / "models")


def pack_of(manifest_text: str, detector: bytes, embedder: bytes, models: Path) -> tuple[Pack, Path]:
    """A pack of these two files, written into ``models``."""
    networks.write_weights(detector, embedder, models / "tiny")
    return parse_manifest(networks.tiny_manifest(detector, embedder, text=manifest_text)), models


@pytest.fixture
def make_pack(manifest_text: str, tmp_path: Path) -> Callable[[bytes, bytes], tuple[Pack, Path]]:
    """``make_pack(detector, embedder)``: a pack of any two files."""
    return lambda detector, embedder: pack_of(manifest_text, detector, embedder, tmp_path / "models")
