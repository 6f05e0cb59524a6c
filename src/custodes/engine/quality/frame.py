"""The upright frame in which light and background are measured, and how parts of a picture are brought into it.

It is the aligned face of OFIQ 1.0 (``utils.cpp``, ``alignImage``): 616 x 616 pixels, eyes 113 pixels apart at height
272. OFIQ finds the similarity by least median of squares over landmarks of its own; here it is the least-squares
similarity of the detector's five.  Only the windows that a measure needs are warped, never the whole frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.align import similarity
from custodes.engine.contract import Point
from custodes.types import Face, Pixels

Mask = npt.NDArray[np.uint8]
"""``(height, width)`` uint8, 255 where a pixel counts and 0 elsewhere."""

EYES_APART = 113.0
"""Inter-eye distance in the frame, in its pixels."""
_POINTS = ((251.0, 272.0), (364.0, 272.0), (308.0, 336.0), (262.0, 402.0), (355.0, 402.0))
_REACH = 3.5
_FINEST = 400.0


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the frame, in its pixels, and at which ``scale`` it is wanted."""

    left: float
    top: float
    width: float
    height: float
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels of the window."""
        return round(self.width * self.scale), round(self.height * self.scale)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Part of the frame: ``pixels`` RGB, and ``inside`` 255 where the picture really has something to show."""

    pixels: Pixels
    inside: Mask


def usable(face: Face) -> bool:
    """Return whether the landmarks are five finite points, none of the eyes and mouth corners on top of another."""
    points = np.asarray(face.landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        return False
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    least = 1e-6 * float(np.abs(points).max()) + 1e-3
    return face.inter_eye_distance > least and float(np.hypot(*(mouth - eyes))) > least


class Frame:
    """One face of one picture, and the way from the picture into the frame; ``landmarks`` must be :func:`usable`."""

    def __init__(self, pixels: Pixels, landmarks: Sequence[Point]) -> None:
        points = np.asarray(landmarks, np.float64)
        self._part, moved = _near(pixels, points)
        self._matrix = similarity([(float(x), float(y)) for x, y in moved], _POINTS)

    def window(self, area: Area) -> Window:
        """Return ``area`` of the frame; where the picture ends, its last pixels again, which are not ``inside``."""
        import cv2

        matrix = self._matrix * area.scale
        matrix[:, 2] -= [area.left * area.scale, area.top * area.scale]
        # not black: a border of another brightness would shine into the pixels beside it
        pixels = cv2.warpAffine(self._part, matrix, area.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Window(cast("Pixels", pixels), self._inside(matrix, area.size))

    def _inside(self, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> Mask:
        import cv2

        height, width = self._part.shape[:2]
        back = cv2.invertAffineTransform(matrix)
        corners = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]], np.float64) @ back.T
        if (corners >= 0).all() and (corners[:, 0] < width).all() and (corners[:, 1] < height).all():
            return np.full((size[1], size[0]), 255, np.uint8)
        ones = np.full((height, width), 255, np.uint8)
        return cast("Mask", cv2.warpAffine(ones, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT))


def _near(pixels: Pixels, points: npt.NDArray[np.float64]) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """Return what of ``pixels`` any window may need, thinned for huge faces, and ``points`` in it.

    The warp holds coordinates in 16 bits, and a face of thousands of pixels must not cost more than one of hundreds.
    """
    centre = points.mean(axis=0)
    eyes = float(np.hypot(*(points[1] - points[0])))
    reach = _REACH * max(eyes, float(np.hypot(*(points[3:].mean(axis=0) - points[:2].mean(axis=0)))))
    height, width = pixels.shape[:2]
    left, right = _span(centre[0], reach, width)
    top, bottom = _span(centre[1], reach, height)
    step = max(1, int(eyes // _FINEST))
    part = pixels[top:bottom:step, left:right:step]
    # OpenCV takes a rectangle of a picture as it lies, and a thinned one not at all
    return part if step == 1 else np.ascontiguousarray(part), (points - [left, top]) / step


def _span(centre: float, reach: float, whole: int) -> tuple[int, int]:
    """Return the pixels within ``reach`` of ``centre``: at least one, inside ``[0, whole]``."""
    start = int(np.clip(np.floor(centre - reach), 0, whole - 1))
    return start, int(np.clip(np.ceil(centre + reach), start + 1, whole))
