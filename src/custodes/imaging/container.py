"""The outside of a JPEG or PNG file, read before any decoder sees it.

A decoder is handed only what carries pixels: the walk drops metadata (EXIF, text, colour profiles, thumbnails)
after taking the orientation from it.  So a compressed text chunk, a second picture, or a damaged EXIF block
never reaches a decoder.  Nothing is decompressed here.

Not here: whether the pixels themselves were altered.  A PNG is checked by its own checksums; a JPEG has none.

Sources: ITU-T T.81 (JPEG) Annex B; W3C PNG (Third Edition) section 5.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from custodes.errors import ImageError
from custodes.imaging.deadline import Deadline
from custodes.imaging.exif import orientation_of
from custodes.text import N_

MAX_SCANS = 100
"""Lawful progressive JPEGs have about ten scans; each further scan makes the decoder visit every block again."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DRAWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_JPEG_FRAMES = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
_JPEG_DRAWN = _JPEG_FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xE0, 0xEE}
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCAN_WINDOW = 1 << 20
_END_OF_IMAGE = b"\xff\xd9"
# In place of the end-of-image marker, at which libjpeg would invent what a cut scan lacks and only warn.  Without it
# the decoder asks for more and is refused; a whole scan needs eight bytes more at most, for the decoder's read-ahead.
_READ_AHEAD = bytes(8)
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True, slots=True)
class Container:
    """What a file says of itself, and its pixel-carrying bytes.

    ``width``, ``height``: pixels as stored; ``orientation``: EXIF 1-8 (1 when unstated);
    ``trailing_bytes``: bytes after the picture's end; ``drawn``: a file of the same format without metadata.
    ``is_plain``: a baseline JPEG of one scan and three components, which takes time in proportion to its size.
    ``bytes_per_pixel``: what a decoder must hold for each pixel, as the header tells (16 bits count double, a JPEG
    of several passes is held as coefficients of two bytes).
    """

    format: str
    width: int
    height: int
    orientation: int
    trailing_bytes: int
    drawn: bytes
    is_plain: bool = False
    bytes_per_pixel: int = 4


def damaged() -> ImageError:
    """Return the error for a file whose inside contradicts itself."""
    return ImageError(
        "image.damaged",
        N_("This image is damaged, or of a rare kind that Custodes does not decode."),
        hint=N_("Ask for the file again from where it came, or open it in an image viewer and save it as PNG."),
    )


def truncated() -> ImageError:
    """Return the error for a file that stops before the picture does."""
    return ImageError(
        "image.truncated",
        N_("This image is incomplete: the file ends before the picture does."),
        why=N_("Copying or downloading it was probably interrupted."),
        hint=N_("Copy it again from its source."),
    )


def read_container(data: bytes, deadline: Deadline) -> Container:
    """Walk the JPEG or PNG ``data`` from its first byte to the picture's end.

    Raises:
        ImageError: ``image.truncated``, ``image.damaged``, ``image.too-many-scans`` or ``image.too-slow``.
    """
    return _read_png(data, deadline) if data.startswith(_PNG_SIGNATURE) else _read_jpeg(data, deadline)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One JPEG segment (with the scan data after it) or PNG chunk: ``data[start:end]``, its content at ``body``."""

    kind: int | bytes
    start: int
    body: int
    content_end: int
    end: int


def _read_jpeg(data: bytes, deadline: Deadline) -> Container:
    size: tuple[int, int] | None = None
    orientation, scans, end = 1, 0, len(data)
    frame, samples = 0, 0
    drawn = [b"\xff\xd8"]
    for piece in _jpeg_pieces(data, deadline):
        content = data[piece.body : piece.content_end]
        if piece.kind in _JPEG_FRAMES:
            size = _frame_size(content, size)
            frame, samples = int(piece.kind), content[5]
        elif piece.kind == 0xE1 and content.startswith(b"Exif\x00\x00") and orientation == 1:
            orientation = orientation_of(content[6:])
        elif piece.kind == 0xDA:
            scans += 1
            _check_scans(scans)
        if piece.kind in _JPEG_DRAWN:
            drawn.append(data[piece.start : piece.end])
        end = piece.end
    if size is None or not scans:
        raise damaged()
    is_simple = scans == 1 and frame in (0xC0, 0xC1)
    drawn.append(_READ_AHEAD if is_simple else _END_OF_IMAGE)
    is_plain = is_simple and frame == 0xC0 and samples == 3
    return Container(
        "JPEG", *size, orientation, len(data) - end, b"".join(drawn), is_plain, samples * (1 if is_simple else 2)
    )


def _jpeg_pieces(data: bytes, deadline: Deadline) -> Iterator[_Piece]:
    position = 2
    while True:
        deadline.check()
        start = position
        if data[position : position + 1] not in (b"\xff", b""):
            raise damaged()
        while data[position : position + 1] == b"\xff":
            position += 1
        if position >= len(data):
            raise truncated()
        kind = data[position]
        if kind == 0xD9:
            yield _Piece(kind, start, position + 1, position + 1, position + 1)
            return
        if kind in (0x00, 0x01, 0xD8) or 0xD0 <= kind <= 0xD7:
            raise damaged()
        if position + 3 > len(data):
            raise truncated()
        (length,) = struct.unpack_from(">H", data, position + 1)
        content_end = position + 1 + length
        if length < 2:
            raise damaged()
        if content_end > len(data):
            raise truncated()
        end = _end_of_scan(data, content_end, deadline) if kind == 0xDA else content_end
        yield _Piece(kind, position - 1, position + 3, content_end, end)
        position = end


def _end_of_scan(data: bytes, start: int, deadline: Deadline) -> int:
    """Return where the next marker begins that does not belong to a scan; the windows overlap by one byte."""
    for window in range(start, len(data), _SCAN_WINDOW):
        deadline.check()
        found = _MARKER.search(data, window, window + _SCAN_WINDOW + 1)
        if found:
            return found.start()
    raise truncated()


def _frame_size(content: bytes, previous: tuple[int, int] | None) -> tuple[int, int]:
    if previous is not None or len(content) < 6:
        raise damaged()
    height, width = struct.unpack_from(">HH", content, 1)
    if not height or not width:
        raise damaged()
    return width, height


def _check_scans(scans: int) -> None:
    if scans > MAX_SCANS:
        raise ImageError(
            "image.too-many-scans",
            N_("This JPEG draws its picture in more than %(limit)s passes."),
            why=N_("A lawful file needs about ten; files like this are built to keep a computer busy."),
            hint=N_("Save it again as a plain JPEG or PNG and keep the original as evidence."),
            limit=MAX_SCANS,
        )


def _read_png(data: bytes, deadline: Deadline) -> Container:
    size: tuple[int, int] | None = None
    orientation, end, bytes_per_pixel = 1, len(data), 0
    drawn = [_PNG_SIGNATURE]
    for piece in _png_pieces(data, deadline):
        content = data[piece.body : piece.content_end]
        if (size is None) != (piece.kind == b"IHDR"):
            raise damaged()
        if piece.kind == b"IHDR":
            size = _header_size(content)
            bytes_per_pixel = _SAMPLES.get(content[9], 4) * (2 if content[8] > 8 else 1)
        elif piece.kind == b"eXIf":
            orientation = orientation_of(content)
        if piece.kind in _PNG_DRAWN:
            _check_crc(data, piece)
            drawn.append(data[piece.start : piece.end])
        end = piece.end
    if size is None:
        raise damaged()
    return Container("PNG", *size, orientation, len(data) - end, b"".join(drawn), bytes_per_pixel=bytes_per_pixel)


def _png_pieces(data: bytes, deadline: Deadline) -> Iterator[_Piece]:
    position = len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        deadline.check()
        if position + 12 > len(data):
            raise truncated()
        length, kind = struct.unpack_from(">I4s", data, position)
        if not kind.isalpha():
            raise damaged()
        end = position + 12 + length
        if end > len(data):
            raise truncated()
        yield _Piece(kind, position, position + 8, end - 4, end)
        position = end


def _header_size(content: bytes) -> tuple[int, int]:
    if len(content) != 13:
        raise damaged()
    width, height = struct.unpack_from(">II", content)
    if not width or not height:
        raise damaged()
    return width, height


def _check_crc(data: bytes, piece: _Piece) -> None:
    (stated,) = struct.unpack_from(">I", data, piece.content_end)
    if zlib.crc32(memoryview(data)[piece.start + 4 : piece.content_end]) != stated:
        raise damaged()
