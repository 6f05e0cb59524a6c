"""Appending entries to a stored log: which tiles and bundles that adds, and the root it leads to.

:class:`Growth` holds the unfinished edge of the tree (at most 255 hashes per level and 255 entries) and turns a batch
of entries into the files of `tlog-tiles`.  It signs nothing and writes no checkpoint.

Crashes are harmless in this order, which the caller keeps: give the entries their indices and commit that; append them
here; sign and publish the checkpoint.  Whatever was cut short is done again from the committed entries and comes to
the same bytes, which a store takes without complaint.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.ledger.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TilePath,
    TileStore,
    encode_bundle,
    parse_bundle,
    parse_hashes,
    partial_widths,
    read_tile,
)
from custodes.ledger.tree import CompactRange, leaf_hash, perfect_root


class Growth:
    """A stored tree of ``size`` leaves that entries can be appended to.

    Raises:
        SetupError: ``ledger.tile-missing``, when the tiles at the tree's edge are not there.
        InputError: ``ledger.tile-malformed`` or ``ledger.bundle-malformed``, when they are damaged.
    """

    def __init__(self, store: TileStore, size: int = 0) -> None:
        self.size = size
        self._store = store
        self._entries: list[bytes] = []
        self._rows: list[list[bytes]] = [[]]
        """By level: the hashes of the tile that is not full yet."""
        for path in partial_widths(size):
            data = read_tile(store, path)
            if path.level == ENTRIES:
                self._entries = parse_bundle(data, path.width)
                continue
            self._row(path.level).extend(parse_hashes(data, path.width))

    def append(self, entries: Sequence[bytes]) -> None:
        """Append a batch and write every tile and bundle that a checkpoint of the new size needs.

        Raises:
            InputError: ``ledger.entry-too-long``; nothing was appended.
            Conflict: ``ledger.tile-sealed``, the store holds another history.  After this, and after any error of
                the store, this object is ahead of what is kept: make a new one.
        """
        if not entries:
            return
        encode_bundle(entries)  # refuse the batch before any of it counts
        tiles: dict[TilePath, bytes] = {}
        for entry in entries:
            self._entries.append(entry)
            self._rows[0].append(leaf_hash(entry))
            self.size += 1
            if len(self._entries) == TILE_WIDTH:
                self._close(tiles)
        tiles.update(self._edge())
        self._store.write(tiles)

    def last_entries(self) -> list[bytes]:
        """Return the entries of the bundle that is not full yet."""
        return list(self._entries)

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        tree = CompactRange()
        for level in reversed(range(len(self._rows))):
            for digest in self._rows[level]:
                tree.append(digest, TILE_HEIGHT * level)
        return tree.root()

    def _row(self, level: int) -> list[bytes]:
        while len(self._rows) <= level:
            self._rows.append([])
        return self._rows[level]

    def _close(self, tiles: dict[TilePath, bytes]) -> None:
        """Finish the bundle and every tile that became full with it."""
        tiles[TilePath(ENTRIES, self.size // TILE_WIDTH - 1)] = encode_bundle(self._entries)
        self._entries = []
        level, covered = 0, self.size
        while len(row := self._row(level)) == TILE_WIDTH:
            covered //= TILE_WIDTH
            tiles[TilePath(level, covered - 1)] = b"".join(row)
            self._rows[level] = []
            self._row(level + 1).append(perfect_root(row))
            level += 1

    def _edge(self) -> dict[TilePath, bytes]:
        """Return the partial tiles and bundle that the tree of the present size ends in."""
        return {
            path: encode_bundle(self._entries) if path.level == ENTRIES else b"".join(self._rows[path.level])
            for path in partial_widths(self.size)
        }
