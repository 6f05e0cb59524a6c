"""The preprocessing contract: every number between an image's pixels and its template.

Two templates may be compared only if weights *and* these numbers are the same; the contract id is a hash of
both.  A value that this version of Custodes cannot honour is refused when the manifest is read, never ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

WARP = "opencv-4.14 warpAffine linear, border 0"
TRANSFORM = "least-squares similarity (Umeyama 1991)"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DetectorContract:
    """How faces are looked for.

    ``long_sides``: the picture's longer side in pixels in each pass, ascending; passes larger than the picture
    are left out, and the picture's own size is added when it is at least ``native_pass_ratio`` times the last.
    ``confidence``: least detector score, [0, 1].  ``overlap_within_pass``, ``overlap_between_passes``:
    intersection over union above which two boxes are one face.  ``landmark_face_width``: of several passes that
    found a face, the one in which it was nearest to this width in pixels places its landmarks first.  They are then
    placed again close by (`custodes.engine.landmarks`): with the face ``refine_face_width`` pixels wide and, with
    ``refine_level``, turned until those first landmarks are level, by the cells of at least ``refine_confidence`` whose
    boxes share more than ``refine_overlap`` with the surest one's.
    """

    architecture: str
    colour_order: str
    long_sides: tuple[int, ...]
    native_pass_ratio: float
    confidence: float
    overlap_within_pass: float
    overlap_between_passes: float
    landmark_face_width: int
    refine_face_width: int
    refine_level: bool
    refine_confidence: float
    refine_overlap: float


@dataclass(frozen=True, slots=True)
class AlignmentContract:
    """Where the five landmarks must lie, ``(x, y)`` in pixels of the aligned crop, and how they get there."""

    template: str
    points: tuple[Point, Point, Point, Point, Point]
    transform: str
    warp: str


@dataclass(frozen=True, slots=True)
class EmbedderContract:
    """What the network is shown: a square crop of ``input_size`` pixels, ``(value - mean) * scale`` by channel."""

    input_size: int
    colour_order: str
    mean: tuple[float, float, float]
    scale: float


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The whole preprocessing contract of a pack."""

    detector: DetectorContract
    alignment: AlignmentContract
    embedder: EmbedderContract


def contract_id(weights: Mapping[str, str], preprocessing: Preprocessing, dimension: int) -> str:
    """Return the SHA-256 (hex) over canonical JSON of ``weights`` (role to SHA-256) and the contract."""
    said = {"dimension": dimension, "preprocessing": asdict(preprocessing), "weights": dict(weights)}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
