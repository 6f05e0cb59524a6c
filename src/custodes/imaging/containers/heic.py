"""HEIC: boxes of the ISO base media format; what they hold is read by libheif, through pi-heif, an extra.

Source: ISO/IEC 14496-12 section 4.2 (boxes) and ISO/IEC 23008-12 (HEIF).  Which way is up is stated by the boxes and
applied by libheif; the EXIF orientation of a HEIC file must not be applied again (ISO/IEC 23008-12 section A.2.1).

pi-heif's own classes are not used: of version 1.4.0 our fuzzer found that they crash over metadata whose type is no
text, and write beyond a grey picture whose header claims more bits than its pixels have.  Its C module is called
directly, without metadata, thumbnails, depth and auxiliary pictures, and told to leave pixels as libheif gives them.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, bounded_profile, check_parts, check_size, unpack
from custodes.imaging.deadline import Deadline

if TYPE_CHECKING:
    from PIL.Image import Image

_ORDINARY_PRIMARIES = (1, 2, 5, 6)
_WIDE_TRANSFERS = (16, 18)
_LENGTHS_BYTES = 8
_KNOWN = frozenset(b"ftyp meta mdat idat free skip moov moof mfra uuid styp sidx pdin wide mpvd".split())
_WIDE_GREY = "I;16"
_SAMPLES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4, _WIDE_GREY: 2}
"""Bytes of a pixel, for each mode in which pixels may come."""


@cache
def is_installed() -> bool:
    """Return whether the extra that decodes HEIC is there, as it was when this was first asked."""
    try:
        import _pi_heif  # noqa: F401 - the question is whether it can be imported
    except ImportError:
        return False
    return True


def read_heic(data: bytes, deadline: Deadline) -> Container:
    """Walk a HEIC; see :func:`custodes.imaging.containers.read_container`."""
    if not is_installed():
        raise faults.format_not_installed("HEIC")
    end = _end_of_boxes(data, deadline)
    image, frames = _main_picture(data[:end])
    deadline.check()
    (width, height), mode = image.size_mode
    depth, channels = image.bit_depth, len(mode.partition(";")[0])
    profile, has_odd_colours = _colours(image)
    return Container(
        "HEIC",
        *check_size(width, height),
        1,
        len(data) - end,
        data[:end],
        bytes_per_pixel=channels * (4 if depth > 8 else 2) + channels,
        frames=frames,
        depth=depth,
        profile=profile,
        has_odd_colours=has_odd_colours,
    )


def open_heic(drawn: bytes) -> Image:
    """Return the main picture of ``drawn``, decoded.

    Raises:
        ImageError: ``image.damaged`` if the pixels are fewer than, or others than, the header promised.
    """
    from PIL.Image import fromarray, frombytes

    image, _ = _main_picture(drawn)
    stated, depth = image.size_mode, image.bit_depth
    pixels, stride = image.data, image.stride
    (width, height), mode = image.size_mode
    row = width * _SAMPLES.get(mode, 0)
    if image.size_mode != stated or not row or stride < row or len(pixels) < stride * height:
        raise faults.damaged()
    if mode == _WIDE_GREY:
        if not 8 < depth <= 16:
            raise faults.damaged()
        wide = np.frombuffer(pixels, "<u2", stride // 2 * height).reshape(height, stride // 2)[:, :width]
        return fromarray(np.ascontiguousarray(wide << (16 - depth)))
    return frombytes(mode, (width, height), bytes(pixels), "raw", mode, stride)


def _end_of_boxes(data: bytes, deadline: Deadline) -> int:
    position = parts = 0
    while position + _LENGTHS_BYTES <= len(data):
        deadline.check()
        parts += 1
        check_parts(parts)
        length, kind = struct.unpack_from(">I4s", data, position)
        if length == 1:
            (length,) = unpack(">Q", data, position + _LENGTHS_BYTES)
        end = len(data) if length == 0 else position + length
        is_box = all(32 <= byte < 127 for byte in kind) and end >= position + _LENGTHS_BYTES
        if not is_box or (position and kind == b"ftyp"):
            return position
        if end > len(data):
            if kind in _KNOWN:
                raise faults.truncated()
            return position
        position = end
    return position


def _main_picture(data: bytes) -> tuple[Any, int]:
    """Return the main picture, not yet decoded, and how many there are; libheif's own limits stay in force."""
    from _pi_heif import load_file

    threads, to_8_bits, as_bgr, packed_rows, to_16_bits, without_limits = 1, True, False, False, False, False
    try:
        loaded = load_file(data, threads, to_8_bits, as_bgr, packed_rows, to_16_bits, "", without_limits)
        pictures = [picture for picture in loaded if picture is not None]
    except MemoryError:
        raise
    except Exception as error:
        raise faults.damaged() from error
    main = next((picture for picture in pictures if picture.primary), None)
    if main is None:
        raise faults.damaged()
    return main, len(pictures)


def _colours(image: Any) -> tuple[bytes, bool]:
    """Return the ICC profile, and whether the colours are described in a way that is not applied."""
    try:
        described = image.color_profile or {}
    except ValueError:
        return b"", True
    if described.get("type") in ("rICC", "prof"):
        return bounded_profile(described["data"])
    nclx = described.get("data", {})
    is_wide = nclx.get("transfer_characteristics", 1) in _WIDE_TRANSFERS
    return b"", is_wide or nclx.get("color_primaries", 1) not in _ORDINARY_PRIMARIES
