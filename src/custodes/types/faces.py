"""Pixels, faces, templates and the contract that makes templates comparable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""``(height, width, 3)`` uint8, RGB, row 0 at the top as the picture is meant to be seen."""
Vector = npt.NDArray[np.float32]
"""``(d,)`` float32 of unit Euclidean length."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; ``left``/``top`` may lie outside it."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    ``landmarks``: five ``(x, y)`` pixel positions in the upright image, in the order: the eye, and later the
    mouth corner, that the *viewer* sees on the left come first: left eye, right eye, nose tip, left mouth
    corner, right mouth corner.  ``confidence`` in [0, 1] is the detector's own score, not an accuracy.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    confidence: float

    @property
    def inter_eye_distance(self) -> float:
        """Distance between the eyes in pixels (ISO/IEC 29794-5, *inter-eye distance*)."""
        (ax, ay), (bx, by) = self.landmarks[0], self.landmarks[1]
        return float(np.hypot(bx - ax, by - ay))


@dataclass(frozen=True, slots=True)
class Contract:
    """What made a template: templates of different contracts are never compared (ENG-01).

    ``id`` is the SHA-256 (hex) over weights and preprocessing; ``dimension`` is ``d`` of the vector.
    """

    id: str
    pack: str
    version: str
    dimension: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One face as a unit vector, and the contract that made it. Personal information, like its photograph."""

    vector: Vector
    contract: Contract
