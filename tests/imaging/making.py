"""Image files and parts of them, made at test time by other programs' encoders or byte by byte."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

CORPUS = Path(__file__).parent / "corpus"
WIDTH, HEIGHT = 64, 48
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def gradient() -> np.ndarray:
    """The picture that every format stores: ``(48, 64, 3)`` uint8, the same as in the corpus."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 4, y * 5, 255 - x * 4], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(gradient()).convert(mode)


def distance(first: np.ndarray, second: np.ndarray) -> int:
    """The largest difference of any colour of any pixel."""
    assert first.shape == second.shape
    return int(np.abs(first.astype(int) - second.astype(int)).max())


# --- colour profiles, written by hand (ICC.1:2022) ----------------------------------------------------


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _curve(gamma: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _fixed(gamma)


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI", offset + len(body), b"none", 0x04200000) + kind + space + connection + bytes(12)
    header += b"acsp" + bytes(28) + _fixed(0.9642, 1.0, 0.8249) + bytes(48)
    return header + table + body


def rgb_profile(colorants: tuple[tuple[float, float, float], ...] = ADOBE_RGB, gamma: float = 2.2) -> bytes:
    """A display profile of three primaries and one gamma."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1.0, 0.8249)}
    for name, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True):
        tags[name] = b"XYZ " + bytes(4) + _fixed(*colorant)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = _curve(gamma)
    return _profile(b"RGB ", b"XYZ ", tags)


def srgb_profile() -> bytes:
    """sRGB as its standard states it: primaries, and the curve with its straight foot."""
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    plain = rgb_profile(SRGB, 2.4)
    tags = {b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1.0, 0.8249)}
    for name, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), SRGB, strict=True):
        tags[name] = b"XYZ " + bytes(4) + _fixed(*colorant)
    made = _profile(b"RGB ", b"XYZ ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})
    assert made[:4] != plain[:4]
    return made


def grey_profile(gamma: float = 1.0) -> bytes:
    return _profile(
        b"GRAY", b"XYZ ", {b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1.0, 0.8249), b"kTRC": _curve(gamma)}
    )


def cmyk_profile() -> bytes:
    """A press on which every ink is black: the more of any, the darker (a table of two points a side)."""
    identity = bytes(range(256))
    corners = b"".join(bytes([255 if not any(inks) else 0, 128, 128]) for inks in np.ndindex(2, 2, 2, 2))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    tags = {b"A2B0": table + identity * 4 + corners + identity * 3, b"wtpt": b"XYZ " + bytes(4) + _fixed(0.96, 1, 0.82)}
    return _profile(b"CMYK", b"Lab ", tags, b"prtr")


# --- TIFF, written by hand ----------------------------------------------------------------------------

_PACK = {1: "B", 3: "H", 4: "I", 16: "Q"}


def tiff(
    tags: dict[int, tuple[int, list[int]]],
    body: bytes = b"",
    *,
    order: str = "<",
    following: int = 0,
    big: bool = False,
) -> bytes:
    """A TIFF of one directory: ``tags`` to (type, values); ``body`` begins at byte 8 (16 in a BigTIFF)."""
    start = 16 if big else 8
    word, entry = ("Q", 20) if big else ("I", 12)
    at = start + len(body) + len(body) % 2
    values_at = at + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    directory, values = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)), b""
    for tag, (kind, numbers) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(numbers)}{_PACK[kind]}", *numbers)
        place = content.ljust(8 if big else 4, b"\x00")
        if len(place) > (8 if big else 4):
            place = struct.pack(f"{order}{word}", values_at + len(values))
            values += content + bytes(len(content) % 2)
        directory += struct.pack(f"{order}HH{word}", tag, kind, len(numbers)) + place
    directory += struct.pack(f"{order}{word}", following)
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, at) if big else struct.pack(f"{order}HI", 42, at)
    return mark + head + body + bytes(len(body) % 2) + directory + values


def rgb_tags(width: int = WIDTH, height: int = HEIGHT, start: int = 8) -> dict[int, tuple[int, list[int]]]:
    """The tags of an uncompressed RGB picture whose pixels begin at ``start``."""
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8, 8, 8]),
        259: (3, [1]),
        262: (3, [2]),
        273: (4, [start]),
        277: (3, [3]),
        278: (4, [height]),
        279: (4, [width * height * 3]),
    }
