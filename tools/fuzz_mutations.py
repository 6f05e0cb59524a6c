"""Ways to damage a file: blindly, and in the places that image formats are read by."""

from __future__ import annotations

import random
import struct
import zlib

_INTERESTING = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000)
_INTERESTING_LONG = (*_INTERESTING, 0xFFFFFFFE, 0xFFFFFFFF)
_LONGEST = 150_000
_PNG = b"\x89PNG\r\n\x1a\n"


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return ``data`` after a few mutations; ``others`` are what it may be spliced with."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        if not changed:
            break
        chance.choice(_WAYS)(changed, others, chance)
    del changed[_LONGEST:]
    whole = bytes(changed)
    return _with_checksums(whole) if whole.startswith(_PNG) and chance.random() < 0.9 else whole


def _byte(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _bit(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _near_the_start(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    data[chance.randrange(min(len(data), 128))] = chance.choice((0, 1, 2, 3, 4, 8, 16, 127, 128, 255))


def _number(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    layout = chance.choice(("<H", ">H", "<I", ">I", "<I", ">I"))
    values = _INTERESTING_LONG if layout[1] == "I" else tuple(v for v in _INTERESTING if v < 0x10000)
    packed = struct.pack(layout, chance.choice((*values, len(data), chance.randrange(0x10000))))
    where = chance.randrange(len(data))
    data[where : where + len(packed)] = packed


def _cut(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    where = chance.randrange(len(data))
    del data[where : where + chance.randrange(1, 40)]


def _insert(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    where = chance.randrange(len(data) + 1)
    data[where:where] = bytes(chance.choice((0, 255, chance.randrange(256))) for _ in range(chance.randrange(1, 20)))


def _repeat(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    start = chance.randrange(len(data))
    piece = bytes(data[start : start + chance.randrange(1, 400)])
    where = chance.choice((start, chance.randrange(len(data) + 1)))
    data[where:where] = piece * chance.choice((1, 1, 2, 3, 30))


def _move(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    start, length = chance.randrange(len(data)), chance.randrange(1, 60)
    piece = bytes(data[start : start + length])
    where = chance.randrange(len(data))
    data[where : where + len(piece)] = piece


def _splice(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    start = chance.randrange(len(other) + 1)
    where = chance.randrange(len(data) + 1)
    data[where:] = other[start : start + chance.choice((len(other), 60))] + (
        bytes(data[where:]) if chance.random() < 0.5 else b""
    )


_WAYS = (
    _byte,
    _bit,
    _near_the_start,
    _near_the_start,
    _number,
    _number,
    _cut,
    _remove,
    _insert,
    _repeat,
    _move,
    _splice,
)


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG whose chunks have the checksums that fit: otherwise the first of them would end every walk."""
    out, position = [_PNG], len(_PNG)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if position + 12 + length > len(data):
            break
        body = data[position + 4 : position + 8 + length]
        out.append(data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body)))
        position += 12 + length
    return b"".join([*out, data[position:]])
