"""Small copies for people to look at: never compared, never stored as evidence, without any metadata."""

from __future__ import annotations

import io

import numpy as np

from custodes.types import Pixels

_QUALITY = 85


def encode_preview(pixels: Pixels, longest_side: int) -> bytes:
    """Return ``pixels`` as a JPEG without metadata whose longer side is at most ``longest_side`` pixels."""
    return encode_jpeg(shrink(pixels, longest_side))


def shrink(pixels: Pixels, longest_side: int) -> Pixels:
    """Return ``pixels``, ``(h, w, 3)`` uint8, so small that no side is longer than ``longest_side`` pixels."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return np.array(image)


def encode_jpeg(pixels: Pixels) -> bytes:
    """Return ``pixels``, ``(h, w, 3)`` uint8, as a JPEG without metadata."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
