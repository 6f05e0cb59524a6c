"""TIFF and BigTIFF: directories of tags.  Source: TIFF Revision 6.0; Aware Systems, *The BigTIFF File Format*.

The first directory is written anew at the file's end, with nothing in it but the tags that say how pixels are stored,
and the header points to that.  So neither further pages nor EXIF, sub-directories and makers' notes are reached by a
decoder, and a directory that points at itself is found here.

Not here: bytes after the picture are not counted, because the parts of a TIFF may lie anywhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, bounded_profile, check_parts, check_size, unpack
from custodes.imaging.deadline import Deadline

_SHORT, _LONG, _LONG8 = 3, 4, 16
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "u1", _SHORT: "u2", _LONG: "u4", 13: "u4", _LONG8: "u8"}

_KIND, _SUBFILE, _WIDTH, _HEIGHT, _BITS, _PACKING, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_COUNTS, _PLANES = 273, 274, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _SAMPLE_FORMAT = 322, 323, 324, 325, 338, 339
_PROFILE, _RAW_PHOTOGRAPH = 34675, 50706
_OTHERS_DRAWN = {266, 317, 320, 347, 529, 530, 531, 532}
_DRAWN = _OTHERS_DRAWN | {
    *(_WIDTH, _HEIGHT, _BITS, _PACKING, _PHOTOMETRIC, _STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_COUNTS, _PLANES),
    *(_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _SAMPLE_FORMAT),
}

_UNPACKED, _JPEG = 1, 7
_PACKINGS = {_UNPACKED, 5, _JPEG, 8, 32773, 32946}
"""None, LZW, JPEG, deflate, PackBits, deflate by its old number."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_LAYOUTS: dict[int, set[tuple[int, ...]]] = {
    _WHITE_IS_ZERO: {(1,), (2,), (4,), (8,), (16,)},
    _BLACK_IS_ZERO: {(1,), (2,), (4,), (8,), (16,), (8, 8)},
    _RGB: {(8,) * 3, (8,) * 4, (16,) * 3, (16,) * 4},
    _PALETTE: {(1,), (2,), (4,), (8,)},
    _CMYK: {(8,) * 4, (16,) * 4},
    _YCBCR: {(8,) * 3},
}
_LARGEST_SMALL_TILE = 1 << 22


@dataclass(frozen=True, slots=True)
class _Tag:
    """One entry: its type, how many values, and their bytes in the file's own order."""

    kind: int
    count: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Reader:
    """The file, its byte order (``<`` or ``>``), and whether it is a BigTIFF."""

    data: bytes
    order: str
    is_big: bool

    def directory(self, offset: int) -> tuple[dict[int, _Tag], int]:
        """Return the tags of the directory at ``offset`` and where the next one is (0: nowhere)."""
        count_size, entry_size, word = (8, 20, "Q") if self.is_big else (2, 12, "I")
        (count,) = unpack(f"{self.order}{'Q' if self.is_big else 'H'}", self.data, offset)
        after = offset + count_size + count * entry_size
        (following,) = unpack(f"{self.order}{word}", self.data, after)
        tags: dict[int, _Tag] = {}
        for position in range(offset + count_size, after, entry_size):
            tag, kind, values = unpack(f"{self.order}HH{word}", self.data, position)
            if tag not in tags and kind in _WIDTHS:
                tags[tag] = _Tag(kind, values, self._content(_WIDTHS[kind] * values, position + entry_size, word))
        return tags, following

    def _content(self, size: int, entry_end: int, word: str) -> bytes:
        inline = struct.calcsize(word)
        start = entry_end - inline
        if size > inline:
            (start,) = unpack(f"{self.order}{word}", self.data, start)
        return self.data[start : start + size] if start + size <= len(self.data) else b""

    def integers(self, tag: _Tag) -> list[int]:
        """Return the values of ``tag``; none if they are no integers or lie outside of the file."""
        if tag.kind not in _INTEGERS or not tag.content:
            return []
        return [int(number) for number in np.frombuffer(tag.content, f"{self.order}{_INTEGERS[tag.kind]}")]


def read_tiff(data: bytes, deadline: Deadline) -> Container:
    """Walk a TIFF; see :func:`custodes.imaging.containers.read_container`."""
    order = "<" if data.startswith(b"II") else ">"
    is_big = data[2:4] in (b"+\x00", b"\x00+")
    reader = _Reader(data, order, is_big)
    (first,) = unpack(f"{order}{'8xQ' if is_big else '4xI'}", data, 0)
    tags, following = reader.directory(first)
    if any(tag.count and not tag.content for number, tag in tags.items() if number in _DRAWN | {_PROFILE}):
        raise faults.truncated()
    page = _Page(reader, tags)
    page.check_layout()
    page.check_pieces()
    profile, is_too_large = bounded_profile(tags[_PROFILE].content if _PROFILE in tags else b"")
    is_inverted = page.photometric == _WHITE_IS_ZERO and page.bits == (16,)
    orientation = page.one(_ORIENTATION, 1)
    return Container(
        "TIFF",
        page.width,
        page.height,
        orientation if 1 <= orientation <= 8 else 1,
        0,
        _rewritten(reader, tags, is_inverted=is_inverted),
        bytes_per_pixel=max(1, sum(page.bits) // 8),
        frames=_pages(reader, first, following, deadline),
        depth=max(page.bits),
        is_inverted=is_inverted,
        profile=profile,
        has_odd_colours=is_too_large,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """What a directory says of how its pixels are stored, checked before any decoder reads it."""

    reader: _Reader
    tags: dict[int, _Tag]

    def all(self, tag: int) -> list[int]:
        return self.reader.integers(self.tags[tag]) if tag in self.tags else []

    def one(self, tag: int, default: int) -> int:
        values = self.all(tag)
        return values[0] if values else default

    @property
    def width(self) -> int:
        return self.one(_WIDTH, 0)

    @property
    def height(self) -> int:
        return self.one(_HEIGHT, 0)

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of each sample; one statement stands for all of them."""
        stated, samples = self.all(_BITS) or [1], self.one(_SAMPLES, 1)
        if not 1 <= samples <= 8:
            raise faults.variant_not_accepted("TIFF")
        return tuple(stated * samples if len(stated) == 1 else stated[:samples])

    @property
    def photometric(self) -> int:
        return self.one(_PHOTOMETRIC, -1)

    @property
    def packing(self) -> int:
        return self.one(_PACKING, _UNPACKED)

    def check_layout(self) -> None:
        """Refuse what is no picture, or is stored in a way whose decoders nobody needs."""
        check_size(self.width, self.height)
        is_known = (
            self.packing in _PACKINGS
            and self.bits in _LAYOUTS.get(self.photometric, set())
            and set(self.all(_SAMPLE_FORMAT)) <= {1}
            and self.one(_PLANES, 1) in (1, 2)
            and (self.photometric != _YCBCR or self.packing == _JPEG)
            and _RAW_PHOTOGRAPH not in self.tags
        )
        if not is_known:
            raise faults.variant_not_accepted("TIFF")

    def check_pieces(self) -> None:
        """Refuse strips or tiles that are missing, lie outside of the file, or are larger than the picture."""
        is_tiled = _TILE_OFFSETS in self.tags
        offsets = np.asarray(self.all(_TILE_OFFSETS if is_tiled else _STRIP_OFFSETS), np.float64)
        counts = np.asarray(self.all(_TILE_COUNTS if is_tiled else _STRIP_COUNTS), np.float64)
        expected, needed = self._tiles() if is_tiled else self._strips()
        if not len(offsets) or len(offsets) < expected or len(offsets) != len(counts):
            raise faults.damaged()
        if float((offsets + counts).max()) > len(self.reader.data):
            raise faults.truncated()
        if self.packing == _UNPACKED and float(counts[:expected].sum()) < needed:
            raise faults.damaged()

    def _strips(self) -> tuple[int, int]:
        """Return how many there must be, and the bytes of all of them together where nothing is packed."""
        rows = min(self.one(_ROWS, self.height), self.height) or self.height
        planes, bits = self._planes()
        return -(-self.height // rows) * planes, self.height * -(-self.width * bits // 8) * planes

    def _tiles(self) -> tuple[int, int]:
        width, height = check_size(self.one(_TILE_WIDTH, 0), self.one(_TILE_HEIGHT, 0))
        if width * height > max(self.width * self.height, _LARGEST_SMALL_TILE):
            raise faults.damaged()
        planes, bits = self._planes()
        tiles = -(-self.width // width) * -(-self.height // height) * planes
        return tiles, tiles * height * -(-width * bits // 8)

    def _planes(self) -> tuple[int, int]:
        """Return how many planes there are, and the bits of one pixel in each."""
        is_split = self.one(_PLANES, 1) == 2
        return (len(self.bits), self.bits[0]) if is_split else (1, sum(self.bits))


def _pages(reader: _Reader, first: int, following: int, deadline: Deadline) -> int:
    """Return how many pictures the chain of directories holds; smaller copies and masks are not counted."""
    seen, pages = {first}, 1
    while following:
        deadline.check()
        if following in seen:
            raise faults.damaged()
        seen.add(following)
        check_parts(len(seen))
        tags, following = reader.directory(following)
        kind = reader.integers(tags[_KIND]) if _KIND in tags else []
        pages += not (kind and kind[0] & 5)
    return pages


def _rewritten(reader: _Reader, tags: dict[int, _Tag], *, is_inverted: bool) -> bytes:
    """Return the file as a classic TIFF of one directory, with the tags that say how pixels are stored."""
    order = reader.order
    if is_inverted:
        tags = {**tags, _PHOTOMETRIC: _Tag(_SHORT, 1, struct.pack(f"{order}H", _BLACK_IS_ZERO))}
    kept = {tag: _classic(reader, tags[tag]) for tag in sorted(tags) if tag in _DRAWN}
    padding = bytes(len(reader.data) % 2)
    start = len(reader.data) + len(padding)
    values_at = start + 2 + 12 * len(kept) + 4
    entries, values = [struct.pack(f"{order}H", len(kept))], b""
    for number, tag in kept.items():
        place = tag.content.ljust(4, b"\x00")
        if len(place) > 4:
            place = struct.pack(f"{order}I", values_at + len(values))
            values += tag.content + bytes(len(tag.content) % 2)
        entries.append(struct.pack(f"{order}HHI", number, tag.kind, tag.count) + place)
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    header = mark + struct.pack(f"{order}I", start)
    return b"".join([header, reader.data[8:], padding, *entries, bytes(4), values])


def _classic(reader: _Reader, tag: _Tag) -> _Tag:
    """Return ``tag`` with numbers of eight bytes in four, which is enough inside of any file that is accepted."""
    if tag.kind != _LONG8:
        return tag
    return _Tag(
        _LONG, tag.count, struct.pack(f"{reader.order}{tag.count}I", *(v & 0xFFFFFFFF for v in reader.integers(tag)))
    )
