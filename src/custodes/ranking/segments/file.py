"""One segment file: written with plain writes by whoever holds the folder's lock, mapped read-only by everybody else.

Writes go through `os.pwrite`, so that a full disk is an error and never a signal; a mapping of the same file shows them
at once.  A reader that keeps a file open holds a shared lock on it, which is how the writer knows that a file that was
replaced is no longer read by anybody.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from custodes.ranking.segments.encoding import Columns
from custodes.ranking.segments.layout import ERASED, HEADER_BYTES, TABLE_ENTRY, UNCHECKED, Layout

Numbers = npt.NDArray[np.int64]


class Damaged(Exception):
    """A segment file is not what was written; the folder has to be built again."""


class SegmentFile:
    """The arrays of one file, mapped. ``columns``: name to ``(places,)`` or ``(places, width)``, read-only."""

    def __init__(self, path: Path, layout: Layout, header: bytes) -> None:
        """Map the file. Raises Damaged: it is missing, too short, or another gallery's."""
        self.name = path.name
        self.layout = layout
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise Damaged(self.name) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            if os.fstat(self._descriptor).st_size != layout.nbytes:
                raise Damaged(self.name)
            self._map = mmap.mmap(self._descriptor, layout.nbytes, prot=mmap.PROT_READ)
        except BaseException:
            os.close(self._descriptor)
            raise
        if self._map[: len(header)] != header:
            raise Damaged(self.name)
        self.columns: Columns = {
            name: _shaped(np.frombuffer(self._map, array.dtype, layout.places * array.width, array.offset), array.width)
            for name, array in layout.arrays.items()
        }
        self._table = np.frombuffer(self._map, TABLE_ENTRY, layout.blocks, HEADER_BYTES)
        self._covered = np.zeros(layout.blocks, dtype=np.int64)

    def __del__(self) -> None:
        # The arrays keep the mapping alive for as long as anybody uses one; the lock ends with the descriptor.
        with suppress(AttributeError, OSError):
            os.close(self._descriptor)

    def unverified(self, rows: int) -> list[int]:
        """Return the blocks of the first ``rows`` places that were not verified since they were written."""
        starts = np.arange(0, rows, self.layout.block)
        wanted = np.minimum(rows - starts, self.layout.block)
        return np.flatnonzero(self._covered[: starts.size] < wanted).tolist()

    def distrust(self) -> None:
        """Have every block verified again before its next use."""
        self._covered[:] = 0

    def verify(self, block: int, rows: int) -> None:
        """Read a block and compare its checksum. ``rows``: how many places of the file are filled.

        Raises:
            Damaged: it is not what was written.
        """
        covered, expected = self._table[block].tolist()
        first = block * self.layout.block
        if not min(rows - first, self.layout.block) <= covered <= self.layout.block:
            raise Damaged(self.name)
        if checksum(self.columns, self.layout, first, covered) != expected:
            raise Damaged(self.name)
        self._covered[block] = covered

    def verify_vectors(self, places: Numbers) -> None:
        """Compare the templates at ``places`` with their checksums. Raises Damaged."""
        vectors, sums = self.columns["vectors"], self.columns["vector_sum"]
        if any(zlib.crc32(vectors[place].data) != sums[place] for place in places.tolist()):
            raise Damaged(self.name)


def checksum(columns: Columns, layout: Layout, first: int, rows: int) -> int:
    """Return the CRC-32 of ``rows`` rows from ``first`` on of every checked array, one array after the other."""
    found = 0
    for name in layout.arrays:
        if name not in UNCHECKED:
            found = zlib.crc32(columns[name][first : first + rows].data, found)
    return found


@dataclass(frozen=True, slots=True)
class SegmentWriter:
    """An open file that may be changed; only whoever holds the folder's lock has one."""

    descriptor: int
    layout: Layout

    @classmethod
    def create(cls, path: Path, layout: Layout, header: bytes) -> Self:
        """Make an empty file, for its owner alone. Raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write(descriptor, header, 0)
            os.ftruncate(descriptor, layout.nbytes)
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(descriptor, layout)

    @classmethod
    def open(cls, path: Path, layout: Layout) -> Self:
        """Open a file that is there. Raises OSError."""
        return cls(os.open(path, os.O_RDWR), layout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def put(self, first: int, columns: Columns) -> None:
        """Write rows from place ``first`` on; nobody sees them before they are published. Raises OSError."""
        for name, array in self.layout.arrays.items():
            rows = np.ascontiguousarray(columns[name], dtype=array.dtype)
            _write(self.descriptor, rows.tobytes(), array.offset + first * array.step)

    def seal(self, first: int, rows: int) -> None:
        """Write the checksums of the blocks that hold the ``rows`` places from ``first`` on. Raises OSError."""
        block = self.layout.block
        for number in range(first // block, -(-(first + rows) // block)):
            start = number * block
            covered = min(first + rows - start, block)
            self._seal_block(number, covered)

    def _seal_block(self, number: int, covered: int) -> None:
        first, found = number * self.layout.block, 0
        for name, array in self.layout.arrays.items():
            if name not in UNCHECKED:
                part = os.pread(self.descriptor, covered * array.step, array.offset + first * array.step)
                found = zlib.crc32(part, found)
        entry = np.array([(covered, found)], dtype=TABLE_ENTRY)
        _write(self.descriptor, entry.tobytes(), HEADER_BYTES + number * TABLE_ENTRY.itemsize)

    def bury(self, place: int, died: int) -> None:
        """Write the generation in which a row died. Raises OSError."""
        array = self.layout.arrays["death"]
        _write(self.descriptor, np.array([died, ~died], dtype="<i8").tobytes(), array.offset + place * array.step)

    def erase(self, places: Iterable[int], table: npt.NDArray[np.void]) -> None:
        """Write zeros over everything that rows say, their generations excepted, and mark them erased. Raises OSError.

        ``table``: the checksums' table, for how many rows of each block are covered.
        """
        touched = set()
        for place in places:
            for name, array in self.layout.arrays.items():
                if name not in ("born", "death", "barriers"):
                    _write(self.descriptor, bytes(array.step), array.offset + place * array.step)
            barriers = self.layout.arrays["barriers"]
            _write(self.descriptor, ERASED.to_bytes(4, "little"), barriers.offset + place * barriers.step)
            touched.add(place // self.layout.block)
        for block in touched:
            self._seal_block(block, int(table["rows"][block]))


def _shaped(flat: npt.NDArray[np.generic], width: int) -> npt.NDArray[np.generic]:
    return flat if width == 1 else flat.reshape(-1, width)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
