"""Untrusted image bytes to upright RGB pixels, within limits of bytes, pixels and time.

JPEG and PNG only.  Every limit is checked before the work it limits: bytes before anything, pixels and memory from
the file's own header before decoding, time at every segment and every block the decoder reads.  The container is
walked by :mod:`custodes.imaging.container`; the two formats' decoders are called directly, so that no other
format's code can be reached: OpenCV's for plain JPEGs, Pillow's, which can be interrupted, for all else.  The
original bytes and their SHA-256 are kept whatever is done to the pixels.

A JPEG of one scan whose data run out before the picture is full is refused.  Other damage inside a JPEG's scan is not
detected: the format has no checksum, and its decoders draw on over altered bytes.  The same holds for a scan cut short
in a JPEG of several.

Not here: other formats, video, and any improvement of the picture.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Self, cast

import numpy as np

from custodes.config import Config
from custodes.errors import ImageError
from custodes.imaging.container import Container, damaged, read_container
from custodes.imaging.deadline import Deadline, Monotonic, TimedReader
from custodes.imaging.exif import make_upright
from custodes.imaging.rgb import to_rgb
from custodes.imaging.room import ROOM
from custodes.imaging.sniff import sniff
from custodes.text import N_
from custodes.types import Pixels

_EXTENSIONS = {"JPEG": frozenset({"jpg", "jpeg", "jpe", "jfif"}), "PNG": frozenset({"png"})}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one image may cost: file size in bytes, width times height in pixels, decoding in seconds.

    ``max_decoded_bytes``: what its decoder must hold, as the file's own header tells.
    """

    max_bytes: int = 40_000_000
    max_pixels: int = 40_000_000
    max_seconds: float = 10.0
    max_decoded_bytes: int = 256_000_000

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return the limits this installation is set to."""
        return cls(config.max_image_bytes, config.max_image_pixels, config.max_decode_seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image and where it came from.

    ``pixels``: ``(height, width, 3)`` uint8 RGB, EXIF orientation applied.  ``sha256``: hex digest of
    ``original``, the bytes as they were given.  ``stored_width``/``stored_height``: before orientation.
    ``orientation``: EXIF 1-8.  ``trailing_bytes``: bytes after the picture's end, which phones and editors
    lawfully add and which are not looked into.
    """

    pixels: Pixels
    sha256: str
    format: str
    width: int
    height: int
    stored_width: int
    stored_height: int
    orientation: int
    trailing_bytes: int
    original: bytes = field(repr=False)


def decode(data: bytes, *, name: str | None, limits: Limits, clock: Monotonic = time.monotonic) -> Picture:
    """Return the picture in ``data``, a whole JPEG or PNG file; ``name`` is its file name, if it has one.

    Raises:
        ImageError: ``image.empty``, ``image.too-many-bytes``, ``image.not-an-image``,
            ``image.format-not-accepted``, ``image.wrong-extension``, ``image.truncated``, ``image.damaged``,
            ``image.too-many-pixels``, ``image.too-much-memory``, ``image.too-many-scans`` or ``image.too-slow``.
    """
    _check_bytes(data, limits)
    deadline = Deadline.after(limits.max_seconds, clock)
    _check_extension(sniff(data), name)
    container = read_container(data, deadline)
    _check_pixels(container, limits)
    with ROOM.taken(container.width * container.height):
        # what was spent on waiting for others is not this file's
        drawing = Deadline.after(limits.max_seconds, clock)
        pixels = make_upright(_draw(container, drawing), container.orientation)
    height, width = pixels.shape[:2]
    return Picture(
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        format=container.format,
        width=width,
        height=height,
        stored_width=container.width,
        stored_height=container.height,
        orientation=container.orientation,
        trailing_bytes=container.trailing_bytes,
        original=data,
    )


def _check_bytes(data: bytes, limits: Limits) -> None:
    if not data:
        raise ImageError(
            "image.empty",
            N_("This file is empty."),
            hint=N_("Copy it again from its source."),
        )
    if len(data) > limits.max_bytes:
        raise ImageError(
            "image.too-many-bytes",
            N_("This file has more than %(limit)s bytes, which is the most that an image may have."),
            hint=N_("Crop it around the person, or ask the administrator to raise CUSTODES_MAX_IMAGE_BYTES."),
            limit=limits.max_bytes,
        )


def _check_extension(found: str, name: str | None) -> None:
    extension = PurePath(name).suffix.lower().removeprefix(".") if name else ""
    if extension[:1].isalpha() and extension not in _EXTENSIONS[found]:
        raise ImageError(
            "image.wrong-extension",
            N_("This file is a %(format)s image, but its name ends in something else."),
            why=N_("A name that hides what a file is may be a mistake or a trick."),
            hint=N_("Check where the file came from; if it is the right one, correct its name."),
            format=found,
        )


def _check_pixels(container: Container, limits: Limits) -> None:
    if container.width * container.height > limits.max_pixels:
        raise ImageError(
            "image.too-many-pixels",
            N_("This image is %(width)s × %(height)s pixels; together it may have at most %(limit)s."),
            hint=N_("Crop it around the person, or ask the administrator to raise CUSTODES_MAX_IMAGE_PIXELS."),
            width=container.width,
            height=container.height,
            limit=limits.max_pixels,
        )
    if container.width * container.height * container.bytes_per_pixel > limits.max_decoded_bytes:
        raise ImageError(
            "image.too-much-memory",
            N_("Decoding this image takes more than %(limit)s bytes of memory."),
            why=N_("Transparency, 16 bits a colour and several passes each multiply what its pixels need."),
            hint=N_(
                "Crop it around the person, or save it as a plain PNG of 8 bits and keep the original as evidence."
            ),
            limit=limits.max_decoded_bytes,
        )


def _draw(container: Container, deadline: Deadline) -> Pixels:
    """Return the stored pixels as RGB; whatever a decoder raises on bad bytes becomes ``image.damaged``."""
    if container.is_plain:
        pixels = _draw_plain(container)
        deadline.check()
        return pixels
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    opener = {"JPEG": JpegImageFile, "PNG": PngImageFile}[container.format]
    try:
        with opener(TimedReader(container.drawn, deadline)) as image:
            if image.size != (container.width, container.height):
                raise damaged()
            image.load()
            deadline.check()
            return to_rgb(image)
    except ImageError:
        raise
    except Exception as error:
        raise damaged() from error


def _draw_plain(container: Container) -> Pixels:
    """Return a plain JPEG's pixels by OpenCV: the same ones as Pillow's (both are libjpeg-turbo), in half the time.

    It cannot be interrupted, which a plain JPEG within the limits need not be.
    """
    import cv2

    stored = np.frombuffer(container.drawn, np.uint8)
    try:
        pixels = cv2.imdecode(stored, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise damaged() from error
    if pixels is None or pixels.shape != (container.height, container.width, 3):
        raise damaged()
    return cast("Pixels", pixels)
