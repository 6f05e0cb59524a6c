"""YuNet's own terms: what it is shown, what it answers, and what the answer means.

Sources: W. Wu et al., "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 20, 2023;
the decoding of its outputs is that of OpenCV 4.14's ``FaceDetectorYN``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from custodes.types import Pixels

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.float64]
"""``(n, 15)``: left, top, width, height, five landmarks x y, confidence; pixels of the picture that was shown."""

_STRIDES = (8, 16, 32)
_GRID = 32
_MARGIN = 0.99
_COLUMNS = 15
OUTPUTS = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES)


class DetectorNetwork(Protocol):
    """The network alone: ``(1, 3, h, w)`` float32 in, the :data:`OUTPUTS` by name out."""

    def __call__(self, blob: Floats) -> Mapping[str, Floats]:
        """Run the network once."""
        ...


def look(
    pixels: Pixels, network: DetectorNetwork, *, colour_order: str, least: float, workers: Executor | None = None
) -> Rows:
    """Return what every cell of at least ``least`` confidence sees in ``pixels``, the surest first."""
    shown = _blob(pixels, colour_order, workers)
    rows = _decode(network(shown), shown.shape[3], least)
    return rows[np.argsort(-rows[:, 14], kind="stable")]


def overlap(row: Rows, others: Rows) -> npt.NDArray[np.float64]:
    """Return the intersection over union of one box with each of ``others``."""
    near = np.maximum(row[:2], others[:, :2])
    far = np.minimum(row[:2] + row[2:4], others[:, :2] + others[:, 2:4])
    common = np.clip(far - near, 0, None).prod(axis=1)
    return cast("npt.NDArray[np.float64]", common / (row[2] * row[3] + others[:, 2] * others[:, 3] - common))


_scratch = threading.local()
_SCRATCH_FLOATS = 8_000_000
_ROWS = 64
_WORTH_SHARING = 500_000
"""Pixels from which on handing half of them to another thread costs less than it saves."""


def _blob(pixels: Pixels, colour_order: str, workers: Executor | None = None) -> Floats:
    """Return ``(1, 3, h, w)`` float32 0..255 with the picture in the upper left, padded with 0 to whole cells.

    It lies in memory that this thread uses again for its next pass: fresh pages for every pass cost three times as
    much as filling them, and more when several threads ask the system for them at once.
    """
    height, width = pixels.shape[:2]
    blob = _memory(-(-height // _GRID) * _GRID, -(-width // _GRID) * _GRID)
    blob[0, :, height:, :] = 0
    blob[0, :, :height, width:] = 0
    if workers is None or height * width < _WORTH_SHARING:
        _fill(blob[0, :, :height, :width], pixels, colour_order)
    else:
        middle = height // 2
        upper = workers.submit(_fill, blob[0, :, :middle, :width], pixels[:middle], colour_order)
        _fill(blob[0, :, middle:height, :width], pixels[middle:], colour_order)
        upper.result()
    return blob


def _fill(planes: Floats, pixels: Pixels, colour_order: str) -> None:
    """Write ``pixels`` into ``(3, h, w)`` planes, a few rows at a time, which stay in the processor's cache."""
    import cv2

    height, width = pixels.shape[:2]
    rows = np.empty((3, min(_ROWS, height), width), np.uint8)
    order = slice(None) if colour_order == "RGB" else slice(None, None, -1)
    for top in range(0, height, _ROWS):
        part = pixels[top : top + _ROWS]
        # Split first: casting three plain planes takes half the time of a strided copy.
        split = rows[:, : len(part)]
        cv2.split(part, list(split))
        planes[:, top : top + _ROWS] = split[order]


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
    face, there = outputs[f"cls_{stride}"][0, :, 0], outputs[f"obj_{stride}"][0, :, 0]
    # Nearly every cell is far below: the exact score is taken only of those that one product does not rule out.
    cells = np.flatnonzero(face * there >= np.float32(least * least * _MARGIN))
    score = np.sqrt(np.clip(face[cells], 0, 1) * np.clip(there[cells], 0, 1))
    enough = score >= np.float32(least)
    cells, score = cells[enough], score[enough]
    if not len(cells):
        return np.empty((0, _COLUMNS), np.float32)
    corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"][0, cells]
    centre = (corner + box[:, :2]) * stride
    # A hostile picture can drive exp() to infinity; no face is wider than 2**16 pixels.
    size = np.minimum(np.exp(np.minimum(box[:, 2:], 11)) * stride, 65536)
    points = (outputs[f"kps_{stride}"][0, cells].reshape(-1, 5, 2) + corner[:, None]) * stride
    return np.concatenate([centre - size / 2, size, points.reshape(-1, 10), score[:, None]], axis=1)
