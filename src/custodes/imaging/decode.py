"""Untrusted image bytes to upright sRGB pixels, within limits of bytes, pixels, memory and time.

Every limit is checked before the work it limits: bytes before anything, pixels and memory from the file's own header
before decoding, time at every step of the walk and every block the decoder reads.  The container is walked by
:mod:`custodes.imaging.containers`; then the decoder of the one format that the first bytes name is called directly,
so that no other format's code can be reached.  The original bytes and their SHA-256 are kept whatever is done to the
pixels, and what is done is said (:class:`custodes.imaging.picture.Note`).

This is the whole of decoding, in this process.  The product runs it in a worker process
(:class:`custodes.imaging.pool.DecodingPool`), because a decoder in C may crash, hang or be taken over.

A JPEG of one scan whose data run out before the picture is full is refused.  Other damage inside a JPEG's scan is not
detected: the format has no checksum, and its decoders draw on over altered bytes.  The same holds for a scan cut short
in a JPEG of several.

Not here: video, and any improvement of the picture.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import PurePath

from custodes.imaging import faults
from custodes.imaging.containers import Container, read_container
from custodes.imaging.deadline import Deadline, Monotonic
from custodes.imaging.draw import draw
from custodes.imaging.picture import Drawn, Limits, Picture
from custodes.imaging.room import ROOM
from custodes.imaging.sniff import EXTENSIONS, sniff

TakeRoom = Callable[[int], AbstractContextManager[None]]
"""Waits until so many pixels may be decoded, and holds the room for them."""


def decode(data: bytes, *, name: str | None, limits: Limits, clock: Monotonic = time.monotonic) -> Picture:
    """Return the picture in ``data``, a whole image file; ``name`` is its file name, if it has one.

    Raises:
        ImageError: any of :data:`custodes.imaging.faults.CODES` but ``image.decoder-died``.
    """
    drawn = decode_pixels(data, suffix=suffix_of(name), limits=limits, clock=clock)
    return Picture.of(drawn, original=data, sha256=hashlib.sha256(data).hexdigest())


def decode_pixels(
    data: bytes,
    *,
    suffix: str,
    limits: Limits,
    clock: Monotonic = time.monotonic,
    take_room: TakeRoom = ROOM.taken,
) -> Drawn:
    """Return the pixels in ``data``; ``suffix`` is what its name ends in, in lower case, without the dot.

    Raises:
        ImageError: as :func:`decode`.
    """
    check_bytes(data, limits)
    deadline = Deadline.after(limits.max_seconds, clock)
    found = sniff(data)
    if suffix[:1].isalpha() and suffix not in EXTENSIONS[found]:
        raise faults.wrong_extension(found)
    container = read_container(data, found, deadline)
    _check_pixels(container, limits)
    with take_room(container.width * container.height):
        # what was spent on waiting for others is not this file's
        return draw(container, Deadline.after(limits.max_seconds, clock), limits.max_decoded_bytes)


def suffix_of(name: str | None) -> str:
    """Return what ``name`` ends in: ``jpg`` of ``A.JPG``."""
    return PurePath(name).suffix.lower().removeprefix(".") if name else ""


def check_bytes(data: bytes, limits: Limits) -> None:
    """Do nothing if ``data`` may be looked at.

    Raises:
        ImageError: ``image.empty`` or ``image.too-many-bytes``.
    """
    if not data:
        raise faults.empty()
    if len(data) > limits.max_bytes:
        raise faults.too_many_bytes(limits.max_bytes)


def _check_pixels(container: Container, limits: Limits) -> None:
    pixels = container.width * container.height
    if pixels > limits.max_pixels:
        raise faults.too_many_pixels(container.width, container.height, limits.max_pixels)
    if pixels * container.bytes_per_pixel > limits.max_decoded_bytes:
        raise faults.too_much_memory(limits.max_decoded_bytes)
