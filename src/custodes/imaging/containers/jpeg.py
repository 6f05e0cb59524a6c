"""JPEG: segments and scans.  Source: ITU-T T.81 Annex B; ICC.1:2022 Annex B.4 (profiles in APP2)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from custodes.imaging import faults
from custodes.imaging.containers.base import MAX_PROFILE_BYTES, Container, check_size
from custodes.imaging.deadline import Deadline
from custodes.imaging.exif import orientation_of

MAX_SCANS = 100
"""Lawful progressive JPEGs have about ten scans; each further scan makes the decoder visit every block again."""

_FRAMES = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
_DRAWN = _FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xE0, 0xEE}
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCAN_WINDOW = 1 << 20
_END_OF_IMAGE = b"\xff\xd9"
# In place of the end-of-image marker, at which libjpeg would invent what a cut scan lacks and only warn.  Without it
# the decoder asks for more and is refused; a whole scan needs eight bytes more at most, for the decoder's read-ahead.
_READ_AHEAD = bytes(8)
_BITS = 8
_PROFILE_MARK = b"ICC_PROFILE\x00"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One segment, with the scan data after it: ``data[start:end]``, its content at ``body``."""

    kind: int
    start: int
    body: int
    content_end: int
    end: int


@dataclass(slots=True)
class _Profile:
    """The parts of a colour profile, by their number; each states how many there are."""

    parts: dict[int, bytes] = field(default_factory=dict)
    expected: int = 0
    is_odd: bool = False

    def add(self, content: bytes) -> None:
        number, count = content[12:14] if len(content) >= 14 else (0, 0)
        self.is_odd |= not 1 <= number <= count or number in self.parts or self.expected not in (0, count)
        self.expected = count
        self.parts[number] = content[14:]

    def joined(self) -> tuple[bytes, bool]:
        """Return the profile, and whether the file has one that cannot be put together."""
        if not self.parts:
            return b"", False
        size = sum(len(part) for part in self.parts.values())
        if self.is_odd or len(self.parts) != self.expected or size > MAX_PROFILE_BYTES:
            return b"", True
        return b"".join(self.parts[number] for number in sorted(self.parts)), False


def read_jpeg(data: bytes, deadline: Deadline) -> Container:
    """Walk a JPEG; see :func:`custodes.imaging.containers.read_container`."""
    size: tuple[int, int] | None = None
    orientation, scans, end = 1, 0, len(data)
    frame, samples = 0, 0
    drawn, profile = [b"\xff\xd8"], _Profile()
    for piece in _pieces(data, deadline):
        content = data[piece.body : piece.content_end]
        if piece.kind in _FRAMES:
            size = _frame_size(content, size)
            frame, samples = piece.kind, content[5]
            if content[0] != _BITS:
                raise faults.variant_not_accepted("JPEG")
        elif piece.kind == 0xE1 and content.startswith(b"Exif\x00\x00") and orientation == 1:
            orientation = orientation_of(content[6:])
        elif piece.kind == 0xE2 and content.startswith(_PROFILE_MARK):
            profile.add(content)
        elif piece.kind == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise faults.too_many_scans(MAX_SCANS)
        if piece.kind in _DRAWN:
            drawn.append(data[piece.start : piece.end])
        end = piece.end
    if size is None or not scans:
        raise faults.damaged()
    is_simple = scans == 1 and frame in (0xC0, 0xC1)
    drawn.append(_READ_AHEAD if is_simple else _END_OF_IMAGE)
    icc, has_odd_colours = profile.joined()
    return Container(
        "JPEG",
        *size,
        orientation,
        len(data) - end,
        b"".join(drawn),
        is_plain=is_simple and frame == 0xC0 and samples == 3,
        bytes_per_pixel=samples * (1 if is_simple else 2),
        profile=icc,
        has_odd_colours=has_odd_colours,
    )


def _pieces(data: bytes, deadline: Deadline) -> Iterator[_Piece]:
    position = 2
    while True:
        deadline.check()
        start = position
        if data[position : position + 1] not in (b"\xff", b""):
            raise faults.damaged()
        while data[position : position + 1] == b"\xff":
            position += 1
        if position >= len(data):
            raise faults.truncated()
        kind = data[position]
        if kind == 0xD9:
            yield _Piece(kind, start, position + 1, position + 1, position + 1)
            return
        if kind in (0x00, 0x01, 0xD8) or 0xD0 <= kind <= 0xD7:
            raise faults.damaged()
        if position + 3 > len(data):
            raise faults.truncated()
        (length,) = struct.unpack_from(">H", data, position + 1)
        content_end = position + 1 + length
        if length < 2:
            raise faults.damaged()
        if content_end > len(data):
            raise faults.truncated()
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
    raise faults.truncated()


def _frame_size(content: bytes, previous: tuple[int, int] | None) -> tuple[int, int]:
    if previous is not None or len(content) < 6:
        raise faults.damaged()
    height, width = struct.unpack_from(">HH", content, 1)
    return check_size(width, height)
