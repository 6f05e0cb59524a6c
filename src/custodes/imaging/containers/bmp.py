"""BMP: one header, then rows.  Source: Microsoft, *Bitmap Storage* and BITMAPV5HEADER (Windows GDI).

A profile that is only linked to (a file's path) is never followed.
"""

from __future__ import annotations

import struct

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, bounded_profile, check_size, unpack
from custodes.imaging.deadline import Deadline

_FILE_HEADER = 14
_CORE, _V5 = 12, 124
_DEPTHS = frozenset({1, 4, 8, 16, 24, 32})
_PLAIN, _RLE8, _RLE4, _BITFIELDS = range(4)
_RUN_LENGTHS = {_RLE8: 8, _RLE4: 4}
_EMBEDDED = b"DEBM"


def read_bmp(data: bytes, deadline: Deadline) -> Container:
    """Walk a BMP; see :func:`custodes.imaging.containers.read_container`."""
    deadline.check()
    (stated_size, pixels_at, header_size) = unpack("<2xI4xII", data, 0)
    if header_size == _CORE:
        width, height, _planes, depth = unpack("<HHHH", data, _FILE_HEADER + 4)
        packing = _PLAIN
    else:
        width, height, _planes, depth, packing = unpack("<iiHHI", data, _FILE_HEADER + 4)
        unpack(f"{header_size}s", data, _FILE_HEADER)
    check_size(width, abs(height))
    _check_packing(depth, packing, is_top_down=height < 0)
    if pixels_at < _FILE_HEADER + header_size:
        raise faults.damaged()
    end = _end(data, pixels_at, stated_size, (width * depth + 31) // 32 * 4 * abs(height), packing)
    profile, profile_end = _profile(data, header_size)
    profile, is_too_large = bounded_profile(profile)
    return Container(
        "BMP",
        width,
        abs(height),
        1,
        len(data) - max(end, profile_end),
        data[:end],
        bytes_per_pixel=max(1, depth // 8),
        profile=profile,
        has_odd_colours=is_too_large,
    )


def _check_packing(depth: int, packing: int, *, is_top_down: bool) -> None:
    if depth not in _DEPTHS:
        raise faults.damaged()
    if packing in _RUN_LENGTHS:
        if _RUN_LENGTHS[packing] != depth or is_top_down:
            raise faults.damaged()
    elif packing not in (_PLAIN, _BITFIELDS):
        raise faults.variant_not_accepted("BMP")


def _end(data: bytes, pixels_at: int, stated_size: int, pixel_bytes: int, packing: int) -> int:
    """Return where the pixels end; runs have no length of their own, so that the file's stated size is believed."""
    if packing in _RUN_LENGTHS:
        return stated_size if pixels_at < stated_size <= len(data) else len(data)
    if pixels_at + pixel_bytes > len(data):
        raise faults.truncated()
    return pixels_at + pixel_bytes


def _profile(data: bytes, header_size: int) -> tuple[bytes, int]:
    if header_size != _V5 or data[_FILE_HEADER + 56 : _FILE_HEADER + 60] != _EMBEDDED:
        return b"", 0
    offset, size = struct.unpack_from("<II", data, _FILE_HEADER + 112)
    start = _FILE_HEADER + offset
    return data[start : start + size], min(start + size, len(data))
