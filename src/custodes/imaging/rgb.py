"""Every way a JPEG or PNG may store colour, brought to 8-bit RGB.

Grey and palette are expanded, transparency is laid over neutral grey, 16 bits keep their upper 8 (scaled,
not clipped).  Large pictures are converted in strips, so that the conversion holds little beside its result.
Colour profiles are not applied: faces are compared on the stored values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from custodes.types import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

_NEUTRAL = (128, 128, 128, 255)
_STRIP_PIXELS = 2_000_000


def to_rgb(image: Image) -> Pixels:
    """Return the loaded ``image`` as ``(height, width, 3)`` uint8 RGB."""
    rows = max(1, _STRIP_PIXELS // image.width)
    if rows >= image.height:
        return _strip_to_rgb(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _strip_to_rgb(image.crop((0, top, image.width, bottom)))
    return pixels


def _strip_to_rgb(image: Image) -> Pixels:
    if image.mode in ("I;16", "I;16B", "I"):
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _over_grey(image.convert("RGBA"))
    return cast("Pixels", np.asarray(image if image.mode == "RGB" else image.convert("RGB")))


def _over_grey(image: Image) -> Image:
    from PIL.Image import alpha_composite, new

    return alpha_composite(new("RGBA", image.size, _NEUTRAL), image)
