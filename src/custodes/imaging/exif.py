"""Which way is up: the one EXIF value that changes pixels.

The rest of EXIF (place, device, time) is evidence; it stays in the original bytes and is not read here.
Source: CIPA DC-008 (EXIF 2.32) section 4.6.4 A, tag ``Orientation`` (0x0112) of the 0th IFD.
"""

from __future__ import annotations

import struct

import numpy as np

from custodes.types import Pixels

_ORIENTATION_TAG = 0x0112
_SHORT = 3


def orientation_of(tiff: bytes) -> int:
    """Return the orientation 1-8 that the TIFF structure ``tiff`` states; 1 if it states none or is damaged."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(entries):
            tag, kind, _count, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * index)
            if tag == _ORIENTATION_TAG:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def make_upright(stored: Pixels, orientation: int) -> Pixels:
    """Return ``stored`` turned and mirrored as ``orientation`` (1-8) asks; shape (h, w, 3) or (w, h, 3)."""
    pixels = stored.transpose(1, 0, 2) if orientation >= 5 else stored
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])
