"""JPEG 2000: the boxes of a JP2 file, or a bare codestream.

Source: ISO/IEC 15444-1 (ITU-T T.800) Annex A (codestream) and Annex I (JP2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, bounded_profile, check_parts, check_size, unpack
from custodes.imaging.deadline import Deadline

_CODESTREAM = b"\xff\x4f\xff\x51"
_ONCE = (b"jP  ", b"ftyp")
"""What begins a file: a second one begins another file, of which nothing is wanted."""
_TO_THE_END = bytes(4)
_CMYK = b"\x00\x00\x00\x0c"
_TILE_PART, _END = 0xFF90, 0xFFD9
_DRAWN = frozenset({b"jP  ", b"ftyp", b"jp2h", b"jp2c"})
_KNOWN = _DRAWN | {b"jp2i", b"xml ", b"uuid", b"uinf", b"rreq", b"asoc", b"jumb", b"free"}
_HELD_PER_SAMPLE, _HELD_PER_DEEP_SAMPLE = 5, 8
"""OpenJPEG holds each sample as an integer of four bytes, and the program that calls it one copy or two."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """A codestream: size in pixels, components, bits of the deepest one, and where it ends in the file."""

    width: int
    height: int
    components: int
    depth: int
    end: int


def read_jpeg_2000(data: bytes, deadline: Deadline) -> Container:
    """Walk a JPEG 2000 file; see :func:`custodes.imaging.containers.read_container`."""
    if data.startswith(_CODESTREAM):
        return _container(_codestream(data, 0, len(data), deadline), data, len(data))
    drawn: dict[bytes, bytes] = {}
    stream, picture_end = None, 0
    for kind, start, body, end in _boxes(data, 0, deadline):
        if kind in _ONCE and kind in drawn:
            break
        picture_end = end
        if kind == b"jp2c" and b"jp2h" in drawn and stream is None:
            stream = _codestream(data, body, end, deadline)
            if data[start : start + 4] == _TO_THE_END:
                picture_end = stream.end
        elif kind not in _DRAWN or kind in drawn:
            continue
        drawn[kind] = data[start:picture_end]
    if stream is None:
        raise faults.damaged()
    header = drawn[b"jp2h"][8:]
    _check_header(header, stream, deadline)
    if stream.depth > 8 and stream.components == 4 and _is_cmyk(header, deadline):
        raise faults.variant_not_accepted("JPEG 2000")
    profile, is_odd = _profile(header, deadline)
    return _container(stream, b"".join(drawn.values()), len(data) - picture_end, profile=profile, is_odd=is_odd)


def _container(
    stream: _Stream, drawn: bytes, trailing: int, *, profile: bytes = b"", is_odd: bool = False
) -> Container:
    bare = drawn.startswith(_CODESTREAM)
    is_deep = stream.depth > 8 and stream.components > 1
    return Container(
        "JPEG 2000",
        stream.width,
        stream.height,
        1,
        trailing - stream.end if bare else trailing,
        drawn[: stream.end] if bare else drawn,
        bytes_per_pixel=stream.components * (_HELD_PER_DEEP_SAMPLE if is_deep else _HELD_PER_SAMPLE),
        depth=stream.depth,
        is_deep_colour=is_deep,
        profile=profile,
        has_odd_colours=is_odd,
    )


def _boxes(data: bytes, position: int, deadline: Deadline) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield type, start, start of the content and end of each box; what no longer looks like one is left over."""
    while position + 8 <= len(data):
        deadline.check()
        length, kind = struct.unpack_from(">I4s", data, position)
        body = position + 8
        if length == 1:
            (length,) = unpack(">Q", data, body)
            body += 8
        end = len(data) if length == 0 else position + length
        if not all(32 <= byte < 127 for byte in kind) or end < body:
            return
        if end > len(data):
            if kind in _KNOWN:
                raise faults.truncated()
            return
        yield kind, position, body, end
        position = end


def _codestream(data: bytes, start: int, limit: int, deadline: Deadline) -> _Stream:
    if data[start : start + 4] != _CODESTREAM:
        raise faults.damaged()
    length, x1, y1, x0, y0, tile_w, tile_h, tile_x, tile_y, components = unpack(">H2xIIIIIIIIH", data, start + 4)
    if not 1 <= components <= 4:
        raise faults.variant_not_accepted("JPEG 2000")
    if length != 38 + 3 * components or not tile_w or not tile_h:
        raise faults.damaged()
    width, height = check_size(x1 - x0, y1 - y0)
    check_parts(-(-(x1 - tile_x) // tile_w) * -(-(y1 - tile_y) // tile_h))
    sampling = unpack(f"{3 * components}B", data, start + 42)
    depth = max((byte & 0x7F) + 1 for byte in sampling[::3])
    is_deep_alike = depth <= 8 or (components != 2 and len(set(sampling[::3])) == 1)
    if depth > 16 or set(sampling[1::3]) | set(sampling[2::3]) != {1} or not is_deep_alike:
        raise faults.variant_not_accepted("JPEG 2000")
    return _Stream(width, height, components, depth, _end_of_stream(data, start + 4 + length, limit, deadline))


def _end_of_stream(data: bytes, position: int, limit: int, deadline: Deadline) -> int:
    """Walk the main header and every tile part; each states its length, and zero means up to the end."""
    parts = 0
    while True:
        deadline.check()
        if position + 2 > limit:
            raise faults.truncated()
        (marker,) = unpack(">H", data, position)
        if marker == _END:
            return position + 2
        if marker >> 8 != 0xFF:
            raise faults.damaged()
        (length,) = unpack(">H", data, position + 2)
        if marker == _TILE_PART:
            parts += 1
            check_parts(parts)
            (length,) = unpack(">I", data, position + 6)
            if length == 0:
                return _end_after_last_part(data, limit)
            length -= 2
        if length < 2:
            raise faults.damaged()
        position += 2 + length


def _end_after_last_part(data: bytes, limit: int) -> int:
    end = data.rfind(b"\xff\xd9", 0, limit)
    if end < 0:
        raise faults.truncated()
    return end + 2


def _check_header(header: bytes, stream: _Stream, deadline: Deadline) -> None:
    """The boxes must not promise another picture than the codestream holds: decoders believe one or the other."""
    stated = next((header[body:end] for kind, _, body, end in _boxes(header, 0, deadline) if kind == b"ihdr"), b"")
    if len(stated) != 14:
        raise faults.damaged()
    height, width, components = struct.unpack_from(">IIH", stated)
    if (width, height, components) != (stream.width, stream.height, stream.components):
        raise faults.damaged()


def _profile(header: bytes, deadline: Deadline) -> tuple[bytes, bool]:
    """Return the ICC profile, and whether colours are described in a way that is not applied."""
    for kind, _, body, end in _boxes(header, 0, deadline):
        if kind == b"colr" and header[body : body + 1] in (b"\x02", b"\x03"):
            return bounded_profile(header[body + 3 : end])
    return b"", False


def _is_cmyk(header: bytes, deadline: Deadline) -> bool:
    stated = (header[body:end] for kind, _, body, end in _boxes(header, 0, deadline) if kind == b"colr")
    return any(colours[:1] == b"\x01" and colours[3:7] == _CMYK for colours in stated)
