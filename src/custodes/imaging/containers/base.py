"""What a walk through an image file gives, and the few rules that all walks share."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from custodes.imaging import faults

MAX_PARTS = 10_000
"""Pictures that one file may hold, and pieces that one picture may be cut into where each piece costs memory."""
MAX_PROFILE_BYTES = 4_000_000
"""The largest colour profiles in use, for printing presses, have about 3 MB."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a file says of itself, and its pixel-carrying bytes.

    ``width``, ``height``: pixels as stored; ``orientation``: EXIF 1-8 (1 when unstated);
    ``trailing_bytes``: bytes after the picture's end; ``drawn``: a file of the same format without metadata.
    ``is_plain``: a baseline JPEG of one scan and three components, which takes time in proportion to its size.
    ``bytes_per_pixel``: what a decoder must hold for each pixel, as the header tells (16 bits count double, a JPEG
    of several passes is held as coefficients of two bytes).
    ``frames``: pictures in the file.  ``depth``: bits of one colour.  ``is_inverted``: 16-bit grey whose zero is
    white.  ``is_deep_colour``: a JPEG 2000 of several components of more than 8 bits.  ``profile``: an ICC profile,
    not yet looked into.  ``has_odd_colours``: the file describes its colours in a way that is not applied.
    """

    format: str
    width: int
    height: int
    orientation: int
    trailing_bytes: int
    drawn: bytes
    is_plain: bool = False
    bytes_per_pixel: int = 4
    frames: int = 1
    depth: int = 8
    is_inverted: bool = False
    is_deep_colour: bool = False
    profile: bytes = b""
    has_odd_colours: bool = False


def unpack(layout: str, data: bytes, position: int) -> tuple[Any, ...]:
    """Return what ``struct`` reads at ``position``.

    Raises:
        ImageError: ``image.truncated`` if ``data`` ends before it.
    """
    if position < 0 or position + struct.calcsize(layout) > len(data):
        raise faults.truncated()
    return struct.unpack_from(layout, data, position)


def check_size(width: int, height: int) -> tuple[int, int]:
    """Return both.

    Raises:
        ImageError: ``image.damaged`` for a picture without any pixel.
    """
    if width <= 0 or height <= 0:
        raise faults.damaged()
    return width, height


def check_parts(count: int) -> None:
    """Do nothing up to :data:`MAX_PARTS`.

    Raises:
        ImageError: ``image.too-many-parts``.
    """
    if count > MAX_PARTS:
        raise faults.too_many_parts(MAX_PARTS)


def bounded_profile(profile: bytes) -> tuple[bytes, bool]:
    """Return ``profile`` and whether it had to be left out for its size."""
    return (profile, False) if len(profile) <= MAX_PROFILE_BYTES else (b"", True)
