"""Where a face's five landmarks lie: looked at again, close by, and averaged.

A pass over the whole picture places the landmarks by one cell of a coarse grid.  The face alone is therefore shown to
the detector again, made level and of the size at which it places landmarks best, and once more as in a mirror; in each,
all cells that see the same face are averaged, the surer the more.  Alignment to a few hundredths of the distance
between the eyes is what templates need; ``docs/accuracy.md`` has what this gains and what else was tried.

Cost: two pictures of twice the contract's ``refine_face_width``, a small part of one pass over a photograph.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from math import atan2, cos, sin
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.contract import DetectorContract
from custodes.engine.yunet import DetectorNetwork, look, overlap
from custodes.types import Box, Face, Pixels

Points = npt.NDArray[np.float64]
_SAME_FACE = 0.3
_MIRRORED = [1, 0, 2, 4, 3]
"""The order of landmarks in a mirror: what was on the left is on the right."""
_UPRIGHT = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
"""A level face: the alignment points that the embedders of every pack were trained with, to a tenth of a pixel."""
_LARGEST = 32_000
"""OpenCV's warp holds coordinates in 16 bits."""


def refine(
    pixels: Pixels,
    face: Face,
    contract: DetectorContract,
    network: DetectorNetwork,
    *,
    workers: Executor | None = None,
) -> Face:
    """Return ``face`` with its landmarks placed anew, or as it is if it is not seen again close by.

    ``workers`` take one of the two looks.
    """
    near = _Near(pixels, face.box, contract.refine_face_width, roll(face) if contract.refine_level else 0.0)
    mirror = workers.submit(near.landmarks, contract, network, mirrored=True) if workers else None
    direct = near.landmarks(contract, network, mirrored=False)
    mirrored = mirror.result() if mirror else near.landmarks(contract, network, mirrored=True)
    found = [points for points in (direct, mirrored) if points is not None]
    if not found:
        return face
    mean = near.to_picture(np.mean(found, axis=0))
    return replace(face, landmarks=tuple((float(x), float(y)) for x, y in mean))


def roll(face: Face) -> float:
    """Return by how many radians ``face`` is turned in the picture, clockwise as the viewer sees it; 0 if level.

    The angle of the similarity that brings an upright face nearest to the landmarks in least squares.
    """
    points = np.asarray(face.landmarks, np.float64)
    across, down = (points - points.mean(axis=0)).T
    level, upright = (_UPRIGHT - _UPRIGHT.mean(axis=0)).T
    return atan2(float(level @ down - upright @ across), float(level @ across + upright @ down))


class _Near:
    """A square around one face, in which the face is ``face_width`` pixels wide and turned back by ``angle``."""

    def __init__(self, pixels: Pixels, box: Box, face_width: int, angle: float) -> None:
        self._width = face_width
        self._side = 2 * face_width
        # a box has a size, but a hostile picture may give it nearly none
        self._scale = face_width / max(box.width, 1.0)
        self._turn = np.array([[cos(angle), sin(angle)], [-sin(angle), cos(angle)]])
        centre = np.array([box.left + box.width / 2, box.top + box.height / 2])
        self._shift = self._side / 2 - self._scale * self._turn @ centre
        self._height = min(box.height / max(box.width, 1.0), 2.0) * face_width
        self._canvas = self._cut(pixels)

    def landmarks(self, contract: DetectorContract, network: DetectorNetwork, *, mirrored: bool) -> Points | None:
        """Return ``(5, 2)`` landmarks in pixels of the square, None if the face is not seen in it."""
        canvas = np.ascontiguousarray(self._canvas[:, ::-1]) if mirrored else self._canvas
        rows = look(canvas, network, colour_order=contract.colour_order, least=contract.refine_confidence)
        half = self._side / 2
        expected = np.zeros(rows.shape[1])
        expected[:4] = half - self._width / 2, half - self._height / 2, self._width, self._height
        rows = rows[overlap(expected, rows) > _SAME_FACE]
        if not len(rows):
            return None
        shared = overlap(rows[0], rows)
        same = shared > contract.refine_overlap
        weights = rows[same, 14] * shared[same]
        points = np.average(rows[same, 4:14], axis=0, weights=weights).reshape(5, 2)
        if mirrored:
            points[:, 0] = (self._side - 1) - points[:, 0]
            points = points[_MIRRORED]
        return points

    def to_picture(self, points: Points) -> Points:
        """Return points of the square as pixels of the picture."""
        there: Points = (points - self._shift) @ self._turn / self._scale
        return there

    def _cut(self, pixels: Pixels) -> Pixels:
        """Return the square, black beyond the picture's edge; what is much larger is averaged down first."""
        import cv2

        part, origin = self._part(pixels)
        scale, shift = self._scale, self._shift + self._scale * self._turn @ origin
        times = int(1 / scale)
        if times >= 2 and min(part.shape[:2]) >= times:
            height, width = part.shape[0] // times, part.shape[1] // times
            whole = part[: height * times, : width * times]
            part = cast("Pixels", cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
            # an averaged pixel's centre lies between those that it is made of
            shift = shift + scale * self._turn @ np.full(2, (times - 1) / 2)
            scale *= times
        matrix = np.column_stack([scale * self._turn, shift])
        square = (self._side, self._side)
        shown = cv2.warpAffine(part, matrix, square, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return cast("Pixels", shown)

    def _part(self, pixels: Pixels) -> tuple[Pixels, Points]:
        """Return the part of the picture that the square can show, and its upper left corner."""
        height, width = pixels.shape[:2]
        side = float(self._side)
        corners = self.to_picture(np.array([[0.0, 0.0], [side, 0.0], [0.0, side], [side, side]]))
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        margin = 2 / self._scale
        left, top = (int(np.clip(value - margin, 0, limit - 1)) for value, limit in ((left, width), (top, height)))
        right = int(np.clip(right + margin, left + 1, min(width, left + _LARGEST)))
        bottom = int(np.clip(bottom + margin, top + 1, min(height, top + _LARGEST)))
        return pixels[top:bottom, left:right], np.array([left, top], np.float64)
