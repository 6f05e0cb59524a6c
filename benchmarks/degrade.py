"""Photographs spoilt on purpose, the same way every time: what a probe from the field may suffer, one fault or several.

Lengths are in inter-eye distances of the picture that is spoilt, so that a fault is as bad for a small face as for a
large one.  None of this is how a camera really spoils a picture; it is what can be repeated to the bit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

EYES = 48.0
"""Inter-eye distance, at most, at which every fault but *small* is tried."""

LEVELS: dict[str, tuple[float, ...]] = {
    "dark": (0.25, 0.1, 0.05, 0.02, 0.014, 0.01, 0.007, 0.005),
    "bright": (2, 3, 4, 5, 6, 8, 10, 12, 16),
    "blur": (0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12),
    "motion": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4),
    "small": (40, 32, 24, 20, 16, 14, 12, 11, 10, 9, 8, 7, 6),
    "noise": (5, 10, 15, 20, 25, 30, 35, 40),
    "jpeg": (50, 30, 20, 15, 10, 8, 6, 5, 4, 3),
}
"""Fault → its levels, from mild to severe, in the order in which light, lens, sensor and file come about.

*dark*, *bright*: factor on the linear light.  *blur*: standard deviation of a Gaussian, and *motion*: length of a
horizontal stroke, both in inter-eye distances.  *small*: inter-eye distance in pixels.  *noise*: standard deviation in
grey levels, each pixel and channel by itself.  *jpeg*: quality as libjpeg counts it.
"""


@dataclass(frozen=True)
class Fault:
    """One kind of :data:`LEVELS` at one level."""

    kind: str
    level: float


def spoil(pixels: Pixels, eyes: float, faults: tuple[Fault, ...], *, seed: str) -> Pixels:
    """Return ``pixels``, whose face has its eyes ``eyes`` pixels apart, with ``faults``; without any, unchanged."""
    if not faults:
        return pixels
    if not any(fault.kind == "small" for fault in faults):
        pixels, eyes = _reduced(pixels, eyes, EYES)
    for fault in sorted(faults, key=lambda fault: list(LEVELS).index(fault.kind)):
        if fault.kind == "small":
            pixels, eyes = _reduced(pixels, eyes, fault.level)
        else:
            pixels = _spoilt(pixels, eyes, fault, seed)
    return pixels


def drawn(seed: str, *, most: int = 3) -> tuple[Fault, ...]:
    """Return one to ``most`` faults of different kinds, chosen by ``seed`` alone."""
    random = _random(seed)
    kinds = random.permutation(list(LEVELS))[: random.integers(1, most + 1)]
    chosen = {str(kind) for kind in kinds}
    if {"dark", "bright"} <= chosen:
        chosen.remove("bright")
    return tuple(Fault(kind, float(random.choice(LEVELS[kind]))) for kind in LEVELS if kind in chosen)


def _random(seed: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))


def _reduced(pixels: Pixels, eyes: float, wanted: float) -> tuple[Pixels, float]:
    if eyes <= wanted:
        return pixels, eyes
    size = [max(1, round(side * wanted / eyes)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), wanted


def _spoilt(pixels: Pixels, eyes: float, fault: Fault, seed: str) -> Pixels:
    level = fault.level
    if fault.kind in ("dark", "bright"):
        return cv2.LUT(pixels, _gain(level))
    if fault.kind == "blur":
        return cv2.GaussianBlur(pixels, (0, 0), level * eyes)
    if fault.kind == "motion":
        length = max(3, round(level * eyes) | 1)
        return cv2.filter2D(pixels, -1, np.full((1, length), 1 / length, np.float32))
    if fault.kind == "noise":
        return np.clip(np.rint(pixels + _random(seed).normal(0, level, pixels.shape)), 0, 255).astype(np.uint8)
    done, file = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(level)])
    assert done
    return np.ascontiguousarray(cv2.imdecode(file, cv2.IMREAD_COLOR)[:, :, ::-1])


def _gain(factor: float) -> Pixels:
    """Return the table of 256 values under ``factor`` times the light (sRGB to linear and back)."""
    share = np.arange(256) / 255
    light = factor * np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    back = np.where(light > 0.0031308, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055, 12.92 * light)
    return np.clip(np.rint(255 * back), 0, 255).astype(np.uint8)
