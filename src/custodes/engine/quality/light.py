"""Light and colour: luminance, exposure, dynamic range, illumination, natural colour, background.

Source: ISO/IEC 29794-5:2025, clause 7.3, by way of OFIQ 1.0 (``image_utils.cpp`` and ``measures/``).  What differs:
OFIQ measures luminance inside the hull of 98 landmarks, exposure without what a network calls occluded, and background
where a network sees background.  We have five landmarks and no networks, so the face is a fixed ellipse of the frame,
and the background a strip on each side of the head: glasses, a scarf or long hair are part of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.quality.frame import Area, Frame, Mask
from custodes.types import Component, Pixels, Unassessed

Outcome = tuple[Component, float | Unassessed]
Luminance = npt.NDArray[np.uint8]
"""``(height, width)`` uint8: linear luminance Y of sRGB, 0..255, half rounded up."""

_FACE = Area(192, 220, 232, 256, 0.5)
_FACE_CENTRE, _FACE_AXES = (308, 348), (112, 124)
_ZONE = 34
_CHEEKS = Area(217, 337, 364 + _ZONE - 217, _ZONE, 1.0)
"""Both zones of the cheeks: squares of 0.3 inter-eye distances, half-way from eyes to mouth, outwards of each eye."""
_BESIDE = (Area(62, 0, 70, 410, 0.72), Area(484, 0, 70, 410, 0.72))
"""From 1.6 to 2.2 inter-eye distances beside the middle of the face, from above the head down to the mouth."""
_LEAST_SHARE = 0.5
_LEAST_BACKGROUND = 0.2
_DARK, _LIGHT = 26, 247


def face_light(frame: Frame) -> Iterator[Outcome]:
    """Yield mean, variance, under-exposure, over-exposure and dynamic range of the face's luminance.

    *Mean* in [0, 1] and *variance* of ``Y / 255`` (``Luminance.cpp``); *under-exposure* and *over-exposure* the share
    of pixels with Y of 0..25 and of 247..255 (``ComputeBrightnessAspect``); *dynamic range* the entropy of the
    histogram of Y in bits, 0..8 (``DynamicRange.cpp``).
    """
    window = frame.window(_FACE)
    mask = window.inside & _ellipse(_FACE, _FACE_CENTRE, _FACE_AXES)
    components = (
        Component.LUMINANCE_MEAN,
        Component.LUMINANCE_VARIANCE,
        Component.UNDER_EXPOSURE_PREVENTION,
        Component.OVER_EXPOSURE_PREVENTION,
        Component.DYNAMIC_RANGE,
    )
    if _count(mask) < _LEAST_SHARE * _count(_ellipse(_FACE, _FACE_CENTRE, _FACE_AXES)):
        yield from ((component, Unassessed.FACE_OUTSIDE) for component in components)
        return
    shares = _histogram(luminance(window.pixels), mask)
    levels = np.arange(256) / 255
    mean = float(shares @ levels)
    filled = shares[shares > 0]
    values = (
        mean,
        float(shares @ (levels - mean) ** 2),
        float(shares[:_DARK].sum()),
        float(shares[_LIGHT:].sum()),
        abs(float(filled @ np.log2(filled))),
    )
    yield from zip(components, values, strict=True)


def cheeks(frame: Frame) -> Iterator[Outcome]:
    """Yield illumination uniformity and natural colour, from a square on each cheek.

    *Illumination uniformity*, [0, 1]: what the normalised luminance histograms of the two squares have in common, the
    sum of their minima (``IlluminationUniformity.cpp``).  *Natural colour*: how far the mean colour of both lies, in
    CIELAB (D50), from a in 5..25 and b in 5..35; 100 if a or b is negative (``NaturalColour.cpp``).
    """
    window = frame.window(_CHEEKS)
    squares = [slice(0, _ZONE), slice(-_ZONE, None)]
    if any(not window.inside[:, square].all() for square in squares):
        yield Component.ILLUMINATION_UNIFORMITY, Unassessed.FACE_OUTSIDE
        yield Component.NATURAL_COLOUR, Unassessed.FACE_OUTSIDE
        return
    light = luminance(window.pixels)
    one, other = (_histogram(np.ascontiguousarray(light[:, square])) for square in squares)
    yield Component.ILLUMINATION_UNIFORMITY, float(np.minimum(one, other).sum())
    colour = np.concatenate([window.pixels[:, square] for square in squares], axis=1).reshape(-1, 3).mean(axis=0)
    yield Component.NATURAL_COLOUR, _unnatural(colour)


def background(frame: Frame) -> Outcome:
    """Return background uniformity: the mean length of the luminance gradient (Sobel, 3 x 3), 0 for an even wall.

    ``BackgroundUniformity.cpp`` at its resolution (354 pixels for 492 of the frame), but without face parsing: only a
    strip on each side of the head is looked at, where there is seldom anything of the person but long hair or a hat.
    """
    import cv2

    total = weight = 0.0
    for strip in _BESIDE:
        window = frame.window(strip)
        mask = cv2.erode(window.inside, np.ones((4, 4), np.uint8))
        light = luminance(window.pixels)
        across, down = (cv2.Sobel(light, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
        count = _count(cast("Mask", mask))
        total += cv2.mean(cv2.magnitude(across, down), mask)[0] * count
        weight += count
    if weight < _LEAST_BACKGROUND * sum(width * height for width, height in (strip.size for strip in _BESIDE)):
        return Component.BACKGROUND_UNIFORMITY, Unassessed.NO_BACKGROUND
    return Component.BACKGROUND_UNIFORMITY, total / weight


def luminance(pixels: Pixels) -> Luminance:
    """Return ``Y = 0.2126 R + 0.7152 G + 0.0722 B`` of the linearised channels (``GetLuminanceImageFromBGR``)."""
    import cv2

    linear = cv2.LUT(pixels, _linear())
    return cast("Luminance", cv2.convertScaleAbs(cv2.transform(linear, np.ones((1, 3), np.float32))))


@cache
def _linear() -> npt.NDArray[np.float32]:
    """Return ``(1, 256, 3)``: what each value of each channel adds to the luminance, 0..255."""
    share = np.arange(256) / 255
    linear = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    table: npt.NDArray[np.float32] = (255 * linear[:, np.newaxis] * [0.2126, 0.7152, 0.0722]).astype(np.float32)
    return table[np.newaxis]


@cache
def _ellipse(area: Area, centre: tuple[int, int], axes: tuple[int, int]) -> Mask:
    """Return the ellipse of the frame as seen in the window of ``area``."""
    width, height = area.size
    x = area.left + (np.arange(width) + 0.5) / area.scale
    y = area.top + (np.arange(height) + 0.5) / area.scale
    far = ((x - centre[0]) / axes[0])[np.newaxis] ** 2 + ((y - centre[1]) / axes[1])[:, np.newaxis] ** 2
    return np.where(far <= 1, np.uint8(255), np.uint8(0))


def _count(mask: Mask) -> int:
    import cv2

    return cv2.countNonZero(mask)


def _histogram(light: Luminance, mask: Mask | None = None) -> npt.NDArray[np.float64]:
    """Return the ``(256,)`` shares of the levels; they sum to 1."""
    import cv2

    counts = cv2.calcHist([light], [0], mask, [256], [0, 256])[:, 0].astype(np.float64)
    return cast("npt.NDArray[np.float64]", counts / counts.sum())


def _unnatural(colour: npt.NDArray[np.float64]) -> float:
    """Return the distance of a mean sRGB colour (0..255) from natural skin in the plane of a and b."""
    share = colour / 255
    linear = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    to_xyz = np.array([[0.43605, 0.38508, 0.14309], [0.22249, 0.71689, 0.06062], [0.01393, 0.09710, 0.71419]])
    x, y, z = to_xyz @ linear / [0.964221, 1, 0.825211]
    f = [v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z)]
    a, b = 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    # a grey picture has a = b = 0 but for the last digits, which must not decide on which side of 0 it lies
    if a < -1e-2 or b < -1e-2:
        return 100.0
    return float(np.hypot(max(0, 5 - a, a - 25), max(0, 5 - b, b - 35)))
