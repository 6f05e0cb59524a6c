"""Five landmarks to one upright crop: a least-squares similarity and one linear warp.

Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
IEEE TPAMI 13(4), 1991, equations 40-43.  Congruent with OpenCV 4.14's ``FaceRecognizerSF.alignCrop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.contract import Point
from custodes.types import Pixels

_LARGEST_WARP = 32_000
"""OpenCV's warp holds coordinates in 16 bits."""


def similarity(source: Sequence[Point], target: Sequence[Point]) -> npt.NDArray[np.float64]:
    """Return the 2x3 matrix of rotation, one scale and shift that carries ``source`` nearest to ``target``."""
    start, goal = np.asarray(source, np.float64), np.asarray(target, np.float64)
    start_mean, goal_mean = start.mean(axis=0), goal.mean(axis=0)
    spread, goal_spread = start - start_mean, goal - goal_mean
    left, stretch, right = np.linalg.svd(goal_spread.T @ spread / len(start))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left @ np.diag(signs) @ right
    variance = float((spread**2).sum()) / len(start)
    scale = float((stretch * signs).sum()) / variance if variance > 0 else 1.0
    return np.column_stack([scale * rotation, goal_mean - scale * rotation @ start_mean])


def align(pixels: Pixels, landmarks: Sequence[Point], target: Sequence[Point], size: int) -> Pixels:
    """Return the ``(size, size, 3)`` crop in which ``landmarks`` lie nearest to ``target``; black beyond the edge."""
    import cv2

    matrix = similarity(landmarks, target)
    if max(pixels.shape[:2]) > _LARGEST_WARP:
        pixels, matrix = _near(pixels, landmarks, matrix)
    crop = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cast("Pixels", crop)


def _near(
    pixels: Pixels, landmarks: Sequence[Point], matrix: npt.NDArray[np.float64]
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """Return the part of ``pixels`` that is at most a warp's reach from the face, and ``matrix`` moved with it."""
    centre = np.asarray(landmarks).mean(axis=0)
    height, width = pixels.shape[:2]
    left = int(np.clip(centre[0] - _LARGEST_WARP // 2, 0, max(0, width - _LARGEST_WARP)))
    top = int(np.clip(centre[1] - _LARGEST_WARP // 2, 0, max(0, height - _LARGEST_WARP)))
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    part = np.ascontiguousarray(pixels[top : top + _LARGEST_WARP, left : left + _LARGEST_WARP])
    return part, moved
