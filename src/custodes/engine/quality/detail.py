"""Fine detail: sharpness, compression artifacts, and noise.

ISO/IEC 29794-5:2025 defines *sharpness* (7.3.8) by a random forest and *compression artifacts* (7.3.9) by a network;
the weights are not part of this project.  The measures here carry those names because they measure those properties,
but their formulas, native values and curves are others, so their numbers cannot be compared with those of OFIQ.
*Noise* is not a component of the standard at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.types import Component, Face, Pixels, Unassessed

Outcome = tuple[Component, float | Unassessed]
Grey = npt.NDArray[np.float32]

_SHARPNESS_EYES, _SPREAD = 24.0, 15
_SHARPNESS_REACH, _NATIVE_REACH, _MOST_REACH = 1.1, 1.1, 96.0
_LEAST_EYES = 8.0
_LEAST_NOISE_EYES = 14.0
_BLOCK = 8
_LEAST_BLOCKS = 2
_CORNERS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_FINEST = 400.0


def detail(pixels: Pixels, face: Face) -> Iterator[Outcome]:
    """Yield sharpness, compression artifacts and noise of the face, each at the resolution it is defined for."""
    eyes = face.inter_eye_distance
    components = Component.SHARPNESS, Component.COMPRESSION_ARTIFACTS, Component.NOISE
    if eyes < _LEAST_EYES:
        yield from ((component, Unassessed.FACE_TOO_SMALL) for component in components)
        return
    native = _square(pixels, face, min(_NATIVE_REACH * eyes, _MOST_REACH))
    around = _square(pixels, face, _SHARPNESS_REACH * eyes, step=max(1, int(eyes // _FINEST)))
    if min(*around.shape, *native.shape) < _LEAST_BLOCKS * _BLOCK:
        yield from ((component, Unassessed.FACE_OUTSIDE) for component in components)
        return
    yield Component.SHARPNESS, blur(around, eyes / max(1, int(eyes // _FINEST)))
    yield Component.COMPRESSION_ARTIFACTS, blockiness(native)
    yield Component.NOISE, Unassessed.FACE_TOO_SMALL if eyes < _LEAST_NOISE_EYES else noise(native)


def blur(grey: Grey, eyes: float) -> float | Unassessed:
    """Return how little another blur changes the face: 0 sharp, 1 nothing left to blur.

    The blur effect of F. Crete, T. Dolmiere, P. Ladret and M. Nicolas, "The blur effect: perception and estimation with
    a new no-reference perceptual blur metric", Proc. SPIE 6492 (2007), on the face reduced to an inter-eye distance of
    24 pixels (``eyes``: that of ``grey``); a smaller face is taken as it is.  Its mean goes over 15 pixels instead of
    9, so that a stroke of motion counts for what it does to a search.  Contrast and brightness hardly change it; noise
    makes it smaller.
    """
    import cv2

    if eyes > _SHARPNESS_EYES:
        scale = _SHARPNESS_EYES / eyes
        grey = cast("Grey", cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    shares = []
    for axis, kernel in ((0, (1, _SPREAD)), (1, (_SPREAD, 1))):
        steps, blurred = _steps(grey, axis), _steps(cast("Grey", cv2.blur(grey, kernel)), axis)
        total = cv2.sumElems(steps)[0]
        if total < 1e-3 * steps.size:
            return Unassessed.NO_CONTRAST
        shares.append(1 - float(np.maximum(0, steps - blurred).sum()) / total)
    return max(shares)


def blockiness(grey: Grey) -> float | Unassessed:
    """Return how much larger the steps are at every eighth row and column than beside it, in mean steps; 0 without
    JPEG.

    Along each axis the mean absolute step between neighbours is taken, less the mean of the steps before and after it,
    averaged over each of the eight phases that a grid of 8 pixels may have, and divided by the mean step; the largest
    phase counts, and the mean of both axes is returned.  A picture that was resized after compression has no such grid.
    """
    import cv2

    found = []
    for axis in (0, 1):
        steps = cv2.reduce(_steps(grey, axis), 1 - axis, cv2.REDUCE_AVG).ravel()
        mean = float(steps.mean())
        if mean < 1e-3:
            return Unassessed.NO_CONTRAST
        jumps = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
        whole = jumps[: len(jumps) // _BLOCK * _BLOCK]
        if len(whole) < _BLOCK:
            return Unassessed.FACE_TOO_SMALL
        # half a grey level more: what lies below it is rounding, in a flat picture the only steps there are
        # a median, because a grid is everywhere and an edge of the face only once
        found.append(float(np.median(whole.reshape(-1, _BLOCK), axis=0).max()) / (mean + 0.5))
    return max(0.0, (found[0] + found[1]) / 2)


def _steps(grey: Grey, axis: int) -> Grey:
    """Return how far neighbours along ``axis`` lie apart."""
    import cv2

    one, other = (grey[1:], grey[:-1]) if axis == 0 else (grey[:, 1:], grey[:, :-1])
    return cast("Grey", cv2.absdiff(one, other))


def noise(grey: Grey) -> float:
    """Return the standard deviation of noise, in grey levels of 0..255, at the picture's own resolution.

    J. Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 64(2), 1996, with a median in
    place of the mean: edges of the face are then outliers.  Small faces, whose features are a few pixels wide, still
    look noisy.
    """
    import cv2

    # every other pixel of both ways: a median of 10,000 is as good as one of 40,000
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, _CORNERS)[1:-1:2, 1:-1:2])
    return float(np.median(response)) / (6 * 0.6745)


def _square(pixels: Pixels, face: Face, reach: float, *, step: int = 1) -> Grey:
    """Return the grey values, 0..255, within ``reach`` of the landmarks' middle, as far as the picture goes."""
    import cv2

    x, y = np.asarray(face.landmarks, np.float64).mean(axis=0)
    height, width = pixels.shape[:2]
    left, right = (int(np.clip(round(v), 0, width)) for v in (x - reach, x + reach))
    top, bottom = (int(np.clip(round(v), 0, height)) for v in (y - reach, y + reach))
    part = pixels[top:bottom:step, left:right:step]
    if step > 1:
        part = np.ascontiguousarray(part)
    if part.size == 0:
        return np.zeros((0, 0), np.float32)
    return cast("Grey", cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32))
