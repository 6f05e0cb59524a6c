"""Ways of placing a face's five landmarks, and of cutting it out by them: what ``make bench-alignment`` compares.

An idea is tried on a :class:`Close`: one picture and one face as a plain pass placed it.  Letters are those of
``docs/accuracy.md``.  *Surest* takes the landmarks of the surest cell, as a detector does; *averaged* those of all
cells that see the same face, weighted by confidence times overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from custodes.engine.align import align, similarity
from custodes.engine.contract import Preprocessing
from custodes.engine.detect import plan
from custodes.engine.landmarks import refine
from custodes.engine.yunet import look, overlap
from custodes.types import Face

Array = Any
"""NumPy arrays of pixels, points or rows; the shapes are told where they matter."""
LEAST = 0.3
SAME_CELLS = 0.5
SAME_FACE = 0.3
MIRRORED = [1, 0, 2, 4, 3]
EYES_IN_BOX = 2.1
"""Width of a box of YuNet's in distances between the eyes: London 2.0 to 2.25."""


def surest(rows: Array) -> Array:
    """Return the ``(5, 2)`` landmarks of the first of ``rows``."""
    return rows[0, 4:14].reshape(5, 2)


def averaged(rows: Array) -> Array:
    """Return the ``(5, 2)`` landmarks of all ``rows`` that see what the first sees."""
    shared = overlap(rows[0], rows)
    same = shared > SAME_CELLS
    return np.average(rows[same, 4:14], axis=0, weights=rows[same, 14] * shared[same]).reshape(5, 2)


@dataclass(frozen=True)
class Close:
    """One face, ``(h, w, 3)`` pixels and how the detector is fed; points are in the picture's pixels."""

    pixels: Array
    face: Face
    preprocessing: Preprocessing
    network: Any

    @property
    def plain(self) -> Array:
        """The landmarks of the plain pass."""
        return np.array(self.face.landmarks)

    def box(self, width: int, how: Callable[[Array], Array], *, mirrored: bool = False) -> Array | None:
        """Look at the box as it stands, made ``width`` pixels wide, in a square twice as wide."""
        box = self.face.box
        scale, centre = width / box.width, np.array([box.left + box.width / 2, box.top + box.height / 2])
        matrix = np.column_stack([scale * np.eye(2), width - scale * centre])
        size = np.array([width, min(box.height / box.width, 2.0) * width])
        return self._look(matrix, 2 * width, np.concatenate([width - size / 2, size]), how, mirrored)

    def level(self, width: int, how: Callable[[Array], Array], *, mirrored: bool = False) -> Array | None:
        """Look at the box turned about its centre until the face is level, made ``width`` pixels wide."""
        box, turn = self.face.box, similarity(self.plain, self.preprocessing.alignment.points)[:, :2]
        turn *= width / box.width / np.hypot(*turn[:, 0])
        centre = np.array([box.left + box.width / 2, box.top + box.height / 2])
        matrix = np.column_stack([turn, width - turn @ centre])
        size = np.array([width, min(box.height / box.width, 2.0) * width])
        return self._look(matrix, 2 * width, np.concatenate([width - size / 2, size]), how, mirrored)

    def upright(
        self,
        points: Array,
        width: int,
        how: Callable[[Array], Array],
        *,
        mirrored: bool = False,
        shift: tuple[int, int] = (0, 0),
    ) -> Array | None:
        """Look at the face turned upright by ``points``, in a square twice ``width``, moved by ``shift``."""
        target = np.array(self.preprocessing.alignment.points)
        unit = np.linalg.norm(target[0] - target[1])
        middle = np.array([width + shift[0], 1.1 * width + shift[1]])
        goal = (target - target.mean(axis=0)) * (width / EYES_IN_BOX / unit) + middle
        expected = np.array([middle[0] - width / 2, middle[1] - 0.8 * width, width, 1.38 * width])
        return self._look(similarity(points, goal), 2 * width, expected, how, mirrored)

    def whole(self, how: Callable[[Array], Array]) -> Array:
        """Look at the whole picture again, in the pass in which the face is nearest to its best size."""
        contract, (height, width) = self.preprocessing.detector, self.pixels.shape[:2]
        longer = max(height, width)
        sides = plan(width, height, contract)
        seen = [abs(np.log(self.face.box.width * side / longer / contract.landmark_face_width)) for side in sides]
        scale = sides[int(np.argmin(seen))] / longer
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        shown = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA if scale <= 0.5 else cv2.INTER_LINEAR)
        ratio = np.array(size) / (width, height)
        box = self.face.box
        expected = np.array([box.left, box.top, box.width, box.height]) * np.tile(ratio, 2)
        rows = self._rows(shown, expected)
        return self.plain if rows is None else how(rows) / ratio

    def _look(
        self, matrix: Array, side: int, expected: Array, how: Callable[[Array], Array], mirrored: bool
    ) -> Array | None:
        shown = warp(self.pixels, matrix, side)
        if mirrored:
            shown = np.ascontiguousarray(shown[:, ::-1])
            expected = np.array([side - expected[0] - expected[2], *expected[1:]])
        rows = self._rows(shown, expected)
        if rows is None:
            return None
        points = how(rows)
        if mirrored:
            points[:, 0] = (side - 1) - points[:, 0]
            points = points[MIRRORED]
        back = cv2.invertAffineTransform(matrix)
        return points @ back[:, :2].T + back[:, 2]

    def _rows(self, shown: Array, expected: Array) -> Array | None:
        rows = look(shown, self.network, colour_order=self.preprocessing.detector.colour_order, least=LEAST)
        wanted = np.zeros(rows.shape[1])
        wanted[:4] = expected
        rows = rows[overlap(wanted, rows) > SAME_FACE]
        return rows if len(rows) else None


def warp(pixels: Array, matrix: Array, side: int) -> Array:
    """Return the ``(side, side, 3)`` view by ``matrix``; what is shrunk to half or less is averaged down first."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    times = int(1 / scale) if scale > 0 else 1
    if times >= 2 and min(pixels.shape[:2]) >= times:
        height, width = pixels.shape[0] // times, pixels.shape[1] // times
        pixels = cv2.resize(pixels[: height * times, : width * times], (width, height), interpolation=cv2.INTER_AREA)
        matrix = np.column_stack([matrix[:, :2] * times, matrix[:, 2] + matrix[:, :2] @ np.full(2, (times - 1) / 2)])
    return cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


Place = Callable[[Close], Array]
Cut = Callable[[Close, Array], Array]


def as_the_engine(close: Close, points: Array) -> Array:
    """Return the aligned crop, as the product makes it."""
    alignment, size = close.preprocessing.alignment, close.preprocessing.embedder.input_size
    return align(close.pixels, [(x, y) for x, y in points], alignment.points, size)


def averaged_down(close: Close, points: Array) -> Array:
    """Return the aligned crop of a picture that is averaged down before the warp."""
    matrix = similarity(points, close.preprocessing.alignment.points)
    return warp(close.pixels, matrix, close.preprocessing.embedder.input_size)


def mouth_by_half(close: Close, points: Array) -> Array:
    """Return the crop by a weighted similarity: the corners of the mouth, which a smile moves, count half."""
    order = [0, 0, 1, 1, 2, 2, 3, 4]
    target = np.array(close.preprocessing.alignment.points)
    matrix, size = similarity(points[order], target[order]), close.preprocessing.embedder.input_size
    return cv2.warpAffine(close.pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


@dataclass(frozen=True)
class Idea:
    """``place`` gives ``(5, 2)`` landmarks, ``cut`` the crop by them; ``letter`` is that of the issue's list."""

    letter: str
    name: str
    place: Place
    cut: Cut = as_the_engine


def joined(looks: Sequence[Array | None], how: Callable[..., Array], otherwise: Array) -> Array:
    """Return ``how`` of the looks that saw the face."""
    seen = [points for points in looks if points is not None]
    return how(seen, axis=0) if seen else otherwise


def boxes(
    *widths: int, mirror: Sequence[int] = (), average: bool = False, how: Callable[..., Array] = np.mean
) -> Place:
    """Look at the box at ``widths``, and in a mirror at ``mirror``."""
    cells = averaged if average else surest

    def place(close: Close) -> Array:
        looks = [close.box(width, cells) for width in widths]
        looks += [close.box(width, cells, mirrored=True) for width in mirror]
        return joined(looks, how, close.plain)

    return place


def levels(width: int) -> Place:
    """Look at the box made level, and once more in a mirror; average all cells."""

    def place(close: Close) -> Array:
        looks = [close.level(width, averaged, mirrored=mirrored) for mirrored in (False, True)]
        return joined(looks, np.mean, close.plain)

    return place


def uprights(
    width: int,
    *,
    mirror: bool = False,
    average: bool = False,
    shifts: Sequence[tuple[int, int]] = ((0, 0),),
    after: Place | None = None,
) -> Place:
    """Look at the face turned upright by the landmarks of ``after`` (those of the plain pass unless told)."""
    cells = averaged if average else surest

    def place(close: Close) -> Array:
        start = close.plain if after is None else after(close)
        looks = [close.upright(start, width, cells, shift=shift) for shift in shifts]
        if mirror:
            looks.append(close.upright(start, width, cells, mirrored=True))
        return joined(looks, np.mean, start)

    return place


def product(close: Close) -> Array:
    """Return the landmarks that the product places."""
    return np.array(refine(close.pixels, close.face, close.preprocessing.detector, close.network).landmarks)


JITTER = ((0, 0), (4, 4), (8, 0), (12, 10), (2, 14))
CLOSE_BY = boxes(64, mirror=(64,), average=True)
TURNED = uprights(160, average=True)
TURNED_TWICE = uprights(160, average=True, after=TURNED)


def near(after: Place) -> Place:
    """Look at 64 pixels, and in a mirror, at what ``after`` turned upright."""
    return uprights(64, mirror=True, average=True, after=after)


IDEAS = (
    Idea("a", "plain", lambda close: close.plain),
    Idea("b", "box at 112, 160, 224: median", boxes(112, 160, 224, how=np.median)),
    Idea("c", "b and 160 mirrored: median", boxes(112, 160, 224, mirror=(160,), how=np.median)),
    Idea("d", "upright at 160", uprights(160)),
    Idea("d2", "upright at 160, twice", uprights(160, after=uprights(160))),
    Idea("e", "d and mirrored: mean", uprights(160, mirror=True)),
    Idea("f", "upright at 160, five shifts: mean", uprights(160, shifts=JITTER)),
    Idea("g", "whole picture, cells averaged", lambda close: close.whole(averaged)),
    Idea("g1", "box at 64, cells averaged", boxes(64, average=True)),
    Idea("g2", "box at 64, mirrored, cells averaged", CLOSE_BY),
    Idea("g3", "box at 64 made level, mirrored, cells averaged", levels(64)),
    Idea("g4", "box at 56 and 80, mirrored, cells averaged", boxes(56, 80, mirror=(56, 80), average=True)),
    Idea("h", "g2, mouth corners count half", CLOSE_BY, mouth_by_half),
    Idea("l", "g2, picture averaged down before the warp", CLOSE_BY, averaged_down),
    Idea("u1", "upright at 160, then at 64, mirrored, cells averaged", near(TURNED)),
    Idea("u2", "upright at 160 twice, then at 64, mirrored, cells averaged", near(TURNED_TWICE)),
    Idea("p", "the product", product),
)
"""The first is what all others are compared with."""


def plainly(preprocessing: Preprocessing) -> Preprocessing:
    """Return ``preprocessing`` whose detector leaves landmarks where a plain pass puts them."""
    return replace(preprocessing, detector=replace(preprocessing.detector, refine_confidence=2.0))
