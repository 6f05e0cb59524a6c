"""WebP: RIFF chunks.  Source: RFC 9649 sections 2.3-2.7 (container) and 3 (lossless); RFC 6386 section 9.1 (lossy).

What is handed on is a file of the pixels alone: the simple layout, or the extended one with nothing but transparency,
or an animation of its first frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, bounded_profile, check_parts, check_size, unpack
from custodes.imaging.deadline import Deadline
from custodes.imaging.exif import orientation_of

_ANIMATED, _TRANSPARENT = 0x02, 0x10
_BITMAPS = frozenset({b"VP8 ", b"VP8L"})
# canvas twice and its copies, of four bytes each; lossless holds one more while it works
_LOSSY_BYTES, _LOSSLESS_BYTES = 12, 16


def read_webp(data: bytes, deadline: Deadline) -> Container:
    """Walk a WebP; see :func:`custodes.imaging.containers.read_container`."""
    (size,) = unpack("<4xI", data, 0)
    end = 8 + size
    if end > len(data):
        raise faults.truncated()
    chunks: dict[bytes, bytes] = {}
    frames = 0
    for kind, content in _chunks(data, 12, end, deadline):
        frames += kind == b"ANMF"
        check_parts(frames)
        chunks.setdefault(kind, content)
    drawn, width, height = _extended(chunks, frames) if b"VP8X" in chunks else _simple(chunks)
    profile, is_too_large = bounded_profile(chunks.get(b"ICCP", b""))
    return Container(
        "WebP",
        *check_size(width, height),
        orientation_of(chunks.get(b"EXIF", b"").removeprefix(b"Exif\x00\x00")),
        len(data) - end,
        _riff(drawn),
        bytes_per_pixel=_LOSSY_BYTES if b"VP8 " in chunks else _LOSSLESS_BYTES,
        frames=max(1, frames),
        profile=profile,
        has_odd_colours=is_too_large,
    )


def _chunks(data: bytes, position: int, end: int, deadline: Deadline) -> Iterator[tuple[bytes, bytes]]:
    while position < end:
        deadline.check()
        kind, length = unpack("<4sI", data, position)
        if position + 8 + length > end:
            raise faults.damaged()
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _simple(chunks: dict[bytes, bytes]) -> tuple[list[tuple[bytes, bytes]], int, int]:
    kind = next(iter(chunks), b"")
    if kind not in _BITMAPS:
        raise faults.damaged()
    content = chunks[kind]
    if len(content) < 10:
        raise faults.truncated()
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 6)
        return [(kind, content)], width & 0x3FFF, height & 0x3FFF
    (bits,) = struct.unpack_from("<I", content, 1)
    return [(kind, content)], (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _extended(chunks: dict[bytes, bytes], frames: int) -> tuple[list[tuple[bytes, bytes]], int, int]:
    header = chunks[b"VP8X"]
    if len(header) < 10:
        raise faults.damaged()
    width = int.from_bytes(header[4:7], "little") + 1
    height = int.from_bytes(header[7:10], "little") + 1
    kept = header[0] & (_TRANSPARENT | (_ANIMATED if frames else 0))
    drawn = [(b"VP8X", bytes([kept]) + bytes(3) + header[4:10])]
    if frames:
        drawn += [(kind, chunks[kind]) for kind in (b"ANIM", b"ANMF") if kind in chunks]
    else:
        drawn += [(kind, chunks[kind]) for kind in (b"ALPH", b"VP8 ", b"VP8L") if kind in chunks]
    return drawn, width, height


def _riff(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for kind, c in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
