"""The outside of an image file, read before any decoder sees it.

A decoder is handed only what carries pixels: each walk drops metadata (EXIF, text, thumbnails, further pages) after
taking the orientation and the colour profile from it.  So a compressed text chunk, a second picture, a looping
directory or a damaged EXIF block never reaches a decoder.  Nothing is decompressed here but a colour profile, and of
that no more than :data:`custodes.imaging.containers.base.MAX_PROFILE_BYTES`.

Not here: whether the pixels themselves were altered.  A PNG is checked by its own checksums; the others have none.
"""

from __future__ import annotations

from collections.abc import Callable

from custodes.imaging.containers.base import Container
from custodes.imaging.containers.bmp import read_bmp
from custodes.imaging.containers.gif import read_gif
from custodes.imaging.containers.heic import read_heic
from custodes.imaging.containers.jp2 import read_jpeg_2000
from custodes.imaging.containers.jpeg import read_jpeg
from custodes.imaging.containers.png import read_png
from custodes.imaging.containers.tiff import read_tiff
from custodes.imaging.containers.webp import read_webp
from custodes.imaging.deadline import Deadline

__all__ = ["Container", "read_container"]

_READERS: dict[str, Callable[[bytes, Deadline], Container]] = {
    "JPEG": read_jpeg,
    "PNG": read_png,
    "TIFF": read_tiff,
    "BMP": read_bmp,
    "GIF": read_gif,
    "WebP": read_webp,
    "JPEG 2000": read_jpeg_2000,
    "HEIC": read_heic,
}


def read_container(data: bytes, format: str, deadline: Deadline) -> Container:  # noqa: A002 - the field's own name
    """Walk ``data``, which begins as ``format`` does, from its first byte to the picture's end.

    Raises:
        ImageError: ``image.truncated``, ``image.damaged``, ``image.variant-not-accepted``,
            ``image.format-not-installed``, ``image.too-many-scans``, ``image.too-many-parts`` or ``image.too-slow``.
    """
    return _READERS[format](data, deadline)
