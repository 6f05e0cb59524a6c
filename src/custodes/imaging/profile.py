"""Colour profiles: from the colours of a camera or a printing press to sRGB, the colours of a screen.

Source: ICC.1:2022 section 7.2 (header); IEC 61966-2-1 (sRGB).  The conversion is Little CMS's, with the perceptual
intent.  A profile that is sRGB in effect converts nothing, so that such pictures keep their stored values.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from custodes.types import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageCms import ImageCmsTransform

_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
_SAME = 2
"""Levels of 255 by which a profile may differ from sRGB and count as the same: the rounding of small tables."""


class UnusableProfileError(Exception):
    """The profile is damaged, or is for other colours than the picture has."""


@lru_cache(maxsize=8)
def conversion(profile: bytes, mode: str) -> ImageCmsTransform | None:
    """Return how colours of ``mode`` (``RGB``, ``L`` or ``CMYK``) become sRGB; ``None`` if they already are.

    Raises:
        UnusableProfileError: the profile is damaged or does not fit.
    """
    from PIL import ImageCms

    if len(profile) < 132 or profile[36:40] != b"acsp" or profile[12:16] not in _CLASSES:
        raise UnusableProfileError
    if _SPACES.get(profile[16:20]) != mode:
        raise UnusableProfileError
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        return None if mode != "CMYK" and _changes_little(transform, mode) else transform
    except MemoryError:
        raise
    except Exception as error:
        raise UnusableProfileError from error


def convert(image: Image, transform: ImageCmsTransform) -> Image:
    """Return ``image`` in sRGB."""
    converted = transform.apply(image)
    # Pillow would hang the output profile onto it, and the caller needs pixels alone
    converted.info.clear()
    return converted


def _changes_little(transform: ImageCmsTransform, mode: str) -> bool:
    from PIL import Image

    if mode == "L":
        colours: Pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
        expected = np.repeat(colours[:, :, None], 3, axis=2)
    else:
        levels = np.linspace(0, 255, 9).astype(np.uint8)
        colours = expected = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    converted = np.asarray(transform.apply(Image.fromarray(colours)))
    return int(np.abs(converted.astype(np.int16) - expected).max()) <= _SAME
