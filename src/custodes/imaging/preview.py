"""Small copies for people to look at: never compared, never stored as evidence, without any metadata."""

from __future__ import annotations

import io
import math

import numpy as np

from custodes.types import Box, Pixels

_QUALITY = 85
_OUTSIDE = 128


def encode_preview(pixels: Pixels, longest_side: int) -> bytes:
    """Return ``pixels`` as a JPEG without metadata whose longer side is at most ``longest_side`` pixels."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def crop(pixels: Pixels, box: Box, margin: float = 0.3) -> Pixels:
    """Return the part of ``pixels`` in ``box``, widened on each side by ``margin`` times the box's side.

    What lies outside the image is neutral grey, so that the box stays in the middle.
    """
    left, top = math.floor(box.left - margin * box.width), math.floor(box.top - margin * box.height)
    width = max(1, math.ceil(box.width * (1 + 2 * margin)))
    height = max(1, math.ceil(box.height * (1 + 2 * margin)))
    out = np.full((height, width, 3), _OUTSIDE, np.uint8)
    rows, columns = pixels.shape[:2]
    y0, y1 = max(0, top), min(rows, top + height)
    x0, x1 = max(0, left), min(columns, left + width)
    if y0 < y1 and x0 < x1:
        out[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
    return out
