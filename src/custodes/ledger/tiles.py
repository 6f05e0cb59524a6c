"""A log as files: C2SP `tlog-tiles`, its paths, hash tiles, partial tiles and entry bundles.

A *tile* is a row of at most 256 hashes of one level of the tree; each hash of level L + 1 is the root of a full tile
of level L.  A *bundle* is the row of at most 256 entries under a tile of level 0, each after its length as two bytes,
big-endian.  The last tile of each level is mostly *partial*: ``tile/1/000.p/17`` holds the first 17 hashes.

What it is not: it decides nothing about order, time or who may read (bundles go to auditors and oversight only), and
it does not prune.  Where tiles lie is a :class:`TileStore`'s business: :class:`MemoryTileStore` here, files in
`ledger.folder`.  What grows a log is `ledger.growth`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from custodes.errors import Conflict, CustodesError, InputError, SetupError
from custodes.ledger.tree import HASH_BYTES, MAX_SIZE, perfect_root, range_root
from custodes.text import N_

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_ENTRY_BYTES: Final = 65_535
ENTRIES: Final = -1
"""The "level" of entry bundles, whose path says ``entries`` where a tile's says its level."""

_TOP_LEVEL = 63
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class TilePath:
    """Which tile or bundle: ``level`` 0 to 63 or :data:`ENTRIES`, ``index`` within the level, ``width`` 1 to 256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        number = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + ("" if self.width == TILE_WIDTH else f".p/{self.width}")

    @property
    def full(self) -> TilePath:
        """The full tile that this one is, or will be the beginning of."""
        return TilePath(self.level, self.index)

    @classmethod
    def parse(cls, text: str) -> TilePath:
        """Return the path that ``text`` spells; the one spelling of each is the one that :meth:`__str__` gives.

        Raises:
            InputError: ``ledger.tile-path-malformed``.
        """
        found = _PATH.fullmatch(text) if len(text) <= len("tile/entries/.p/255") + 7 * 4 else None
        if found:
            level = ENTRIES if found["level"] == "entries" else int(found["level"])
            index = int(found["index"].replace("/", "").replace("x", ""))
            path = cls(level, index, int(found["width"] or TILE_WIDTH))
            if level <= _TOP_LEVEL and index <= MAX_SIZE and str(path) == text:
                return path
        raise InputError(
            "ledger.tile-path-malformed",
            N_("This is not the path of a tile or an entry bundle."),
            why=N_("Paths look like tile/0/x001/x234/067, tile/entries/000 or tile/1/000.p/17 (C2SP tlog-tiles)."),
        )


def partial_widths(size: int) -> Iterator[TilePath]:
    """Yield the partial tiles, and the partial bundle first, that a tree of ``size`` leaves ends in."""
    if size % TILE_WIDTH:
        yield TilePath(ENTRIES, size // TILE_WIDTH, size % TILE_WIDTH)
    level = 0
    while size:
        if size % TILE_WIDTH:
            yield TilePath(level, size // TILE_WIDTH, size % TILE_WIDTH)
        size //= TILE_WIDTH
        level += 1


# --- what is in them --------------------------------------------------------------------------------


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as one bundle: each after its length as a big-endian uint16.

    Raises:
        InputError: ``ledger.entry-too-long``, over 65,535 bytes.
    """
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise InputError(
                "ledger.entry-too-long",
                N_("An entry of the log has %(bytes)d bytes; at most %(limit)d can be written."),
                bytes=len(entry),
                limit=MAX_ENTRY_BYTES,
            )
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the ``width`` entries of a bundle, which must end with the last of them.

    Raises:
        InputError: ``ledger.bundle-malformed``.
    """
    entries: list[bytes] = []
    at = 0
    while at + 2 <= len(data) and len(entries) < width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            break
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != width:
        raise InputError(
            "ledger.bundle-malformed",
            N_("An entry bundle does not hold exactly %(width)d entries."),
            why=N_("It was cut, lengthened or altered, or it is another file."),
            width=width,
        )
    return entries


def parse_hashes(data: bytes, width: int) -> list[bytes]:
    """Return the ``width`` hashes of a tile.

    Raises:
        InputError: ``ledger.tile-malformed``.
    """
    if len(data) != width * HASH_BYTES:
        raise InputError(
            "ledger.tile-malformed",
            N_("A hash tile of width %(width)d has %(bytes)d bytes."),
            why=N_("It was cut, lengthened or altered, or it is another file."),
            width=width,
            bytes=len(data),
        )
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


# --- where they are kept ----------------------------------------------------------------------------


class TileStore(Protocol):
    """Keeps tiles and bundles by path; never gives a path other bytes than it once had."""

    def read(self, path: TilePath) -> bytes | None:
        """Return the bytes at exactly this path, None if nothing is there."""
        ...

    def write(self, tiles: Mapping[TilePath, bytes]) -> None:
        """Keep all of ``tiles``; they survive a crash once this returns, and each is whole or absent before.

        Raises:
            Conflict: ``ledger.tile-sealed``, where other bytes are already kept.
        """
        ...


class MemoryTileStore:
    """A :class:`TileStore` in memory, for tests and for small logs."""

    def __init__(self) -> None:
        self.tiles: dict[TilePath, bytes] = {}

    def read(self, path: TilePath) -> bytes | None:
        return self.tiles.get(path)

    def write(self, tiles: Mapping[TilePath, bytes]) -> None:
        for path, data in tiles.items():
            if self.tiles.get(path, data) != data:
                raise sealed_already(path)
        self.tiles.update(tiles)


def sealed_already(path: TilePath) -> CustodesError:
    """Return the error for a tile that is about to get other bytes than it has."""
    return Conflict(
        "ledger.tile-sealed",
        N_("%(path)s is sealed and cannot be given other contents."),
        why=N_("The log on disk and the entries about to be sealed tell two histories."),
        hint=N_("Stop sealing, keep both, and compare the log with its last cosigned checkpoint."),
        path=str(path),
    )


def read_tile(store: TileStore, path: TilePath) -> bytes:
    """Return the bytes at ``path``; of a partial tile also from the full one, which may have replaced it.

    Raises:
        SetupError: ``ledger.tile-missing``.
        InputError: ``ledger.tile-malformed``, ``ledger.bundle-malformed``.
    """
    data = store.read(path)
    if data is None and path.width != TILE_WIDTH and (whole := store.read(path.full)) is not None:
        if path.level == ENTRIES:
            return encode_bundle(parse_bundle(whole, TILE_WIDTH)[: path.width])
        parse_hashes(whole, TILE_WIDTH)
        data = whole[: path.width * HASH_BYTES]
    if data is None:
        raise SetupError(
            "ledger.tile-missing",
            N_("%(path)s is missing from the log."),
            hint=N_("Fetch it from a copy of the log; every copy with the same checkpoint holds the same bytes."),
            path=str(path),
        )
    return data


class TileReader:
    """Reads a stored tree of ``size`` leaves: a `ledger.tree.NodeReader` for proofs, and its entries.

    Nothing read is trusted: a proof made of an altered tile does not verify.
    """

    def __init__(self, store: TileStore, size: int, *, cached_tiles: int = 64) -> None:
        self.size = size
        self._store = store
        self._hashes = lru_cache(cached_tiles)(self._read_hashes)

    def node(self, height: int, index: int) -> bytes:
        """Return the root of the perfect subtree over leaves [index·2^height, (index+1)·2^height)."""
        level, above = divmod(height, TILE_HEIGHT)
        tile, offset = divmod(index << above, TILE_WIDTH)
        row = self._hashes(level, tile)[offset : offset + (1 << above)]
        if len(row) != 1 << above:
            raise ValueError("the tree has no such perfect subtree")
        return perfect_root(row)

    def root(self) -> bytes:
        """Return the root that the tiles amount to."""
        return range_root(self, 0, self.size)

    def entry(self, index: int) -> bytes:
        """Return entry ``index`` (< size) as it is stored.

        Raises:
            InputError: ``ledger.bundle-malformed``.
            SetupError: ``ledger.tile-missing``.
        """
        if not 0 <= index < self.size:
            raise ValueError("the tree has no such entry")
        path = self._path(ENTRIES, index // TILE_WIDTH)
        return parse_bundle(read_tile(self._store, path), path.width)[index % TILE_WIDTH]

    def _path(self, level: int, tile: int) -> TilePath:
        width = (self.size >> TILE_HEIGHT * max(level, 0)) - tile * TILE_WIDTH
        if width <= 0:
            raise ValueError("the tree has no such tile")
        return TilePath(level, tile, min(width, TILE_WIDTH))

    def _read_hashes(self, level: int, tile: int) -> list[bytes]:
        path = self._path(level, tile)
        return parse_hashes(read_tile(self._store, path), path.width)
