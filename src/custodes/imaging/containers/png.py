"""PNG: chunks, each with its checksum.  Source: W3C PNG (Third Edition) sections 5 and 11."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from custodes.imaging import faults
from custodes.imaging.containers.base import MAX_PROFILE_BYTES, Container, check_parts, check_size
from custodes.imaging.deadline import Deadline
from custodes.imaging.exif import orientation_of

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DRAWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ORDINARY_PRIMARIES = (1,)
_WIDE_TRANSFERS = (16, 18)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One chunk: ``data[start:end]``, its content ``data[body:content_end]``."""

    kind: bytes
    start: int
    body: int
    content_end: int
    end: int


@dataclass(slots=True)
class _Extras:
    """What the chunks without pixels say."""

    orientation: int = 1
    animation_frames: int = 0
    profile: bytes = b""
    has_odd_colours: bool = False

    def read(self, kind: bytes, content: bytes) -> None:
        if kind == b"eXIf":
            self.orientation = orientation_of(content)
        elif kind == b"fcTL":
            self.animation_frames += 1
            check_parts(self.animation_frames)
        elif kind == b"iCCP" and not self.profile:
            self.profile = _profile(content)
            self.has_odd_colours |= not self.profile
        elif kind == b"cICP" and len(content) == 4:
            self.has_odd_colours |= content[0] not in _ORDINARY_PRIMARIES or content[1] in _WIDE_TRANSFERS


def read_png(data: bytes, deadline: Deadline) -> Container:
    """Walk a PNG; see :func:`custodes.imaging.containers.read_container`."""
    size: tuple[int, int] | None = None
    end, depth, colour = len(data), 8, 0
    drawn, extras = [_SIGNATURE], _Extras()
    for piece in _pieces(data, deadline):
        content = data[piece.body : piece.content_end]
        if (size is None) != (piece.kind == b"IHDR"):
            raise faults.damaged()
        if piece.kind == b"IHDR":
            size = _header_size(content)
            depth, colour = content[8], content[9]
        else:
            extras.read(piece.kind, content)
        if piece.kind in _DRAWN:
            _check_crc(data, piece)
            drawn.append(data[piece.start : piece.end])
        end = piece.end
    if size is None:
        raise faults.damaged()
    return Container(
        "PNG",
        *size,
        extras.orientation,
        len(data) - end,
        b"".join(drawn),
        bytes_per_pixel=_SAMPLES.get(colour, 4) * (2 if depth > 8 else 1),
        frames=max(1, extras.animation_frames),
        depth=depth,
        profile=extras.profile,
        has_odd_colours=extras.has_odd_colours,
    )


def _pieces(data: bytes, deadline: Deadline) -> Iterator[_Piece]:
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        deadline.check()
        if position + 12 > len(data):
            raise faults.truncated()
        length, kind = struct.unpack_from(">I4s", data, position)
        if not kind.isalpha():
            raise faults.damaged()
        end = position + 12 + length
        if end > len(data):
            raise faults.truncated()
        yield _Piece(kind, position, position + 8, end - 4, end)
        position = end


def _header_size(content: bytes) -> tuple[int, int]:
    if len(content) != 13:
        raise faults.damaged()
    return check_size(*struct.unpack_from(">II", content))


def _check_crc(data: bytes, piece: _Piece) -> None:
    (stated,) = struct.unpack_from(">I", data, piece.content_end)
    if zlib.crc32(memoryview(data)[piece.start + 4 : piece.content_end]) != stated:
        raise faults.damaged()


def _profile(content: bytes) -> bytes:
    """Return the decompressed profile; nothing if it is damaged or larger than a profile can be."""
    name, _, packed = content.partition(b"\x00")
    if not 1 <= len(name) <= 79 or packed[:1] != b"\x00":
        return b""
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if unpacking.eof else b""
