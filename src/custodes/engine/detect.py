"""Where faces are: YuNet at several picture sizes, its answers merged.

One size cannot see both a booking photograph that is all face and a 40-pixel face in a group, so the picture is
looked at in a fixed plan of sizes that depends on nothing but its own size: enrolment and probe alike.

Sources: W. Wu et al., "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 20, 2023;
the decoding of its outputs is that of OpenCV 4.14's ``FaceDetectorYN``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from custodes.engine.contract import DetectorContract
from custodes.types import Box, Face, Pixels

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.float64]
"""``(n, 15)``: left, top, width, height, five landmarks x y, confidence; pixels of the upright picture."""

_STRIDES = (8, 16, 32)
_GRID = 32
_MOST = 5000
OUTPUTS = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES)


class DetectorNetwork(Protocol):
    """The network alone: ``(1, 3, h, w)`` float32 in, the :data:`OUTPUTS` by name out."""

    def __call__(self, blob: Floats) -> Mapping[str, Floats]:
        """Run the network once."""
        ...


def plan(width: int, height: int, contract: DetectorContract) -> tuple[int, ...]:
    """Return the longer side, in pixels, of each pass over a picture of ``width`` x ``height``, ascending."""
    native = max(width, height)
    sides = [side for side in contract.long_sides if side <= native]
    last = sides[-1] if sides else 0
    if last < contract.long_sides[-1] and native >= contract.native_pass_ratio * last:
        sides.append(native)
    return tuple(sides)


def find_faces(pixels: Pixels, contract: DetectorContract, network: DetectorNetwork) -> tuple[Face, ...]:
    """Return the faces in ``pixels``, the largest box first."""
    height, width = pixels.shape[:2]
    found: list[Rows] = []
    widths: list[npt.NDArray[np.float64]] = []
    for resized in _passes(pixels, plan(width, height, contract)):
        rows = _one_pass(resized, contract, network)
        ratio = np.array([width / resized.shape[1], height / resized.shape[0]])
        widths.append(rows[:, 2].copy())
        rows[:, :14] *= np.tile(ratio, 7)
        found.append(rows)
    merged = _merge(np.concatenate(found), np.concatenate(widths), contract)
    faces = [_face(row) for row in merged]
    return tuple(sorted(faces, key=lambda face: (-face.box.width * face.box.height, face.box.left, face.box.top)))


def _passes(pixels: Pixels, sides: tuple[int, ...]) -> Iterator[Pixels]:
    """Yield the picture at each of ``sides``, the largest first; each is made from the one before it."""
    import cv2

    height, width = pixels.shape[:2]
    current = pixels
    for side in reversed(sides):
        scale = side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size != (current.shape[1], current.shape[0]):
            halving = current.shape[1] >= 2 * size[0] or current.shape[0] >= 2 * size[1]
            how = cv2.INTER_AREA if halving else cv2.INTER_LINEAR
            current = cast("Pixels", cv2.resize(current, size, interpolation=how))
        yield current


def _one_pass(pixels: Pixels, contract: DetectorContract, network: DetectorNetwork) -> Rows:
    blob = _blob(pixels, contract.colour_order)
    rows = _decode(network(blob), blob.shape[3], contract.confidence)
    rows = rows[np.argsort(-rows[:, 14], kind="stable")][:_MOST]
    return rows[_keep(rows, contract.overlap_within_pass)]


_scratch = threading.local()
_SCRATCH_FLOATS = 8_000_000


def _blob(pixels: Pixels, colour_order: str) -> Floats:
    """Return ``(1, 3, h, w)`` float32 0..255 with the picture in the upper left, padded with 0 to whole cells.

    It lies in memory that this thread uses again for its next pass: fresh pages for every pass cost three times as
    much as filling them, and more when several threads ask the system for them at once.
    """
    import cv2

    height, width = pixels.shape[:2]
    blob = _memory(-(-height // _GRID) * _GRID, -(-width // _GRID) * _GRID)
    blob[0, :, height:, :] = 0
    blob[0, :, :height, width:] = 0
    # Split first: casting three plain planes takes half the time of a strided copy.
    planes = cv2.split(pixels)
    for channel, plane in enumerate(planes if colour_order == "RGB" else reversed(planes)):
        blob[0, channel, :height, :width] = plane
    return blob


def _memory(height: int, width: int) -> Floats:
    """Return ``(1, 3, height, width)`` float32 of any content; pictures too large to keep memory for get their own."""
    size = 3 * height * width
    if size > _SCRATCH_FLOATS:
        return np.empty((1, 3, height, width), np.float32)
    kept: Floats | None = getattr(_scratch, "kept", None)
    if kept is None or kept.size < size:
        kept = _scratch.kept = np.empty(size, np.float32)
    return kept[:size].reshape(1, 3, height, width)


def _decode(outputs: Mapping[str, Floats], padded_width: int, least: float) -> Rows:
    """Return every cell's face with confidence ``sqrt(cls * obj)`` of at least ``least``, in pass pixels."""
    parts = [_decode_stride(outputs, stride, padded_width // stride, least) for stride in _STRIDES]
    return np.concatenate(parts).astype(np.float64)


def _decode_stride(outputs: Mapping[str, Floats], stride: int, columns: int, least: float) -> Floats:
    score = np.sqrt(np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1))
    cells = np.flatnonzero(score >= np.float32(least))
    corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"][0, cells]
    centre = (corner + box[:, :2]) * stride
    # A hostile picture can drive exp() to infinity; no face is wider than 2**16 pixels.
    size = np.minimum(np.exp(np.minimum(box[:, 2:], 11)) * stride, 65536)
    points = (outputs[f"kps_{stride}"][0, cells].reshape(-1, 5, 2) + corner[:, None]) * stride
    return np.concatenate([centre - size / 2, size, points.reshape(-1, 10), score[cells, None]], axis=1)


def _overlap(row: Rows, others: Rows) -> npt.NDArray[np.float64]:
    """Return the intersection over union of one box with each of ``others``."""
    near = np.maximum(row[:2], others[:, :2])
    far = np.minimum(row[:2] + row[2:4], others[:, :2] + others[:, 2:4])
    common = np.clip(far - near, 0, None).prod(axis=1)
    return cast("npt.NDArray[np.float64]", common / (row[2] * row[3] + others[:, 2] * others[:, 3] - common))


def _keep(rows: Rows, most: float) -> npt.NDArray[np.intp]:
    """Return which of ``rows`` (best first) overlap no better kept one by more than ``most``."""
    kept, rest = [], np.arange(len(rows))
    while len(rest):
        kept.append(rest[0])
        rest = rest[1:][_overlap(rows[rest[0]], rows[rest[1:]]) <= most]
    return np.array(kept, np.intp)


def _merge(rows: Rows, pass_widths: npt.NDArray[np.float64], contract: DetectorContract) -> list[Rows]:
    """Return one row for each face: placed by the pass that sees it best, with the best pass's confidence."""
    order = np.argsort(-rows[:, 14], kind="stable")
    rest, merged = order, []
    while len(rest):
        best = rows[rest[0]]
        same = _overlap(best, rows[rest]) > contract.overlap_between_passes
        same[0] = True
        group = rest[same]
        distance = np.abs(np.log(pass_widths[group] / contract.landmark_face_width))
        chosen = rows[group[np.argmin(distance)]].copy()
        chosen[14] = best[14]
        merged.append(chosen)
        rest = rest[~same]
    return merged


def _face(row: Rows) -> Face:
    left, top, width, height = (float(value) for value in row[:4])
    points = tuple((float(x), float(y)) for x, y in row[4:14].reshape(5, 2))
    return Face(Box(left, top, width, height), points, min(1.0, float(row[14])))
