"""Where faces are: YuNet at several picture sizes, its answers merged.

One size cannot see both a booking photograph that is all face and a 40-pixel face in a group, so the picture is
looked at in a fixed plan of sizes that depends on nothing but its own size: enrolment and probe alike.

Where its landmarks lie is then found more exactly by :mod:`custodes.engine.landmarks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.contract import DetectorContract
from custodes.engine.landmarks import refine
from custodes.engine.yunet import DetectorNetwork, Rows, look, overlap
from custodes.types import Box, Face, Pixels

_MOST = 5000
_MOST_REFINED = 100
"""A picture of a crowd, or one made to look like it, must not take minutes."""


def plan(width: int, height: int, contract: DetectorContract) -> tuple[int, ...]:
    """Return the longer side, in pixels, of each pass over a picture of ``width`` x ``height``, ascending."""
    native = max(width, height)
    sides = [side for side in contract.long_sides if side <= native]
    last = sides[-1] if sides else 0
    if last < contract.long_sides[-1] and native >= contract.native_pass_ratio * last:
        sides.append(native)
    return tuple(sides)


def find_faces(
    pixels: Pixels, contract: DetectorContract, network: DetectorNetwork, *, workers: Executor | None = None
) -> tuple[Face, ...]:
    """Return the faces in ``pixels``, the largest box first; ``workers`` share what is done besides the network."""
    height, width = pixels.shape[:2]
    found: list[Rows] = []
    widths: list[npt.NDArray[np.float64]] = []
    for resized in _passes(pixels, plan(width, height, contract)):
        rows = _one_pass(resized, contract, network, workers)
        ratio = np.array([width / resized.shape[1], height / resized.shape[0]])
        widths.append(rows[:, 2].copy())
        rows[:, :14] *= np.tile(ratio, 7)
        found.append(rows)
    merged = _merge(np.concatenate(found), np.concatenate(widths), contract)
    faces = [_face(row) for row in merged]
    faces.sort(key=lambda face: (-face.box.width * face.box.height, face.box.left, face.box.top))
    near = [refine(pixels, face, contract, network, workers=workers) for face in faces[:_MOST_REFINED]]
    return (*near, *faces[_MOST_REFINED:])


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


def _one_pass(pixels: Pixels, contract: DetectorContract, network: DetectorNetwork, workers: Executor | None) -> Rows:
    rows = look(pixels, network, colour_order=contract.colour_order, least=contract.confidence, workers=workers)[:_MOST]
    return rows[_keep(rows, contract.overlap_within_pass)]


def _keep(rows: Rows, most: float) -> npt.NDArray[np.intp]:
    """Return which of ``rows`` (best first) overlap no better kept one by more than ``most``."""
    kept, rest = [], np.arange(len(rows))
    while len(rest):
        kept.append(rest[0])
        rest = rest[1:][overlap(rows[rest[0]], rows[rest[1:]]) <= most]
    return np.array(kept, np.intp)


def _merge(rows: Rows, pass_widths: npt.NDArray[np.float64], contract: DetectorContract) -> list[Rows]:
    """Return one row for each face: placed by the pass that sees it best, with the best pass's confidence."""
    order = np.argsort(-rows[:, 14], kind="stable")
    rest, merged = order, []
    while len(rest):
        best = rows[rest[0]]
        same = overlap(best, rows[rest]) > contract.overlap_between_passes
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
