"""What a segment file looks like: a header, a table of checksums, then one array after another.

Little-endian throughout.  ``places`` rows fit into a file; the file is as long as all of them need, with holes where
nothing was written yet.  Rows are in order of ``(born, commitment)`` from the first file to the last, which depends on
nothing but the gallery: so a bitmap over living rows means the same on every machine.

=================  =========================================================================================
array              one row of it
=================  =========================================================================================
sketches, rests    half a byte per dimension in words of uint16; float32 (`custodes.ranking.sketch`)
codes              int8 per dimension (`custodes.ranking.bound`)
scales, residuals, norms   float32: the factors of the bound
owner              index into the manifest's ``owners``
collection, sex    codes of `COLLECTION_CODES`, `SEX_CODES`
barriers           `custodes.types.Barrier`, or `ERASED`
searchable_from, searchable_until   microseconds UTC since 1970, `NEVER` for no end
birth_date, taken_on   proleptic ordinals, `UNSTATED`
born               generation
subject_key        int64 digest of the subject's id: equal for equal ids, and hardly ever for others
subject, template, photograph   ids, ASCII
commitment         32 bytes: what the log states of the row
vector_sum         CRC-32 of the row's float32 template
vectors            float32 per dimension
death              two int64: the generation of death or `NEVER`, and the same with every bit inverted
=================  =========================================================================================
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from custodes.ranking.sketch import WORD, width
from custodes.types import Collection, Sex

NEVER: Final = int(np.iinfo(np.int64).max)
"""A moment, or a generation, that does not come."""
UNSTATED: Final = int(np.iinfo(np.int32).min)
"""The ordinal of a date that the record does not state."""
ERASED: Final = 1 << 30
"""In ``barriers``: the row was destroyed, and nothing is left in its place."""
SEX_CODES: Final = {sex: code for code, sex in enumerate(Sex)}
COLLECTION_CODES: Final = {collection: code for code, collection in enumerate(Collection)}
ID_BYTES: Final = 30

HEADER_BYTES: Final = 4_096
MAGIC: Final = b"CUSTSEG1"
_HEADER: Final = struct.Struct("<8sIII32s16s")
_ALIGNMENT: Final = 4_096

UNCHECKED: Final = ("vectors", "death")
"""Arrays outside the blocks' checksums: one has a checksum for each row, the other changes in place."""
_ONE_EACH: Final = (
    ("rests", "<f4"),
    ("scales", "<f4"),
    ("residuals", "<f4"),
    ("norms", "<f4"),
    ("owner", "<i4"),
    ("collection", "i1"),
    ("sex", "i1"),
    ("barriers", "<i4"),
    ("searchable_from", "<i8"),
    ("searchable_until", "<i8"),
    ("birth_date", "<i4"),
    ("taken_on", "<i4"),
    ("born", "<i8"),
    ("subject_key", "<i8"),
    ("subject", f"S{ID_BYTES}"),
    ("template", f"S{ID_BYTES}"),
    ("photograph", f"S{ID_BYTES}"),
    ("vector_sum", "<u4"),
)


@dataclass(frozen=True, slots=True)
class Array:
    """Where an array lies: ``offset`` of its first row, ``step`` bytes a row, which is ``width`` items of ``dtype``."""

    name: str
    dtype: np.dtype[np.generic]
    width: int
    offset: int

    @property
    def step(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * self.width


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of one gallery's files: rows of ``dimension``, ``places`` to a file, ``block`` to a checksum."""

    dimension: int
    places: int
    block: int

    @property
    def blocks(self) -> int:
        """Blocks in a file."""
        return -(-self.places // self.block)

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays by name, in the order in which they lie in the file."""
        return _arrays(self)

    @property
    def nbytes(self) -> int:
        """The length of a file."""
        last = list(self.arrays.values())[-1]
        return last.offset + last.step * self.places

    @property
    def row_bytes(self) -> int:
        """What one row takes."""
        return sum(array.step for array in self.arrays.values())

    def header(self, contract: str, epoch: bytes) -> bytes:
        """Return a file's first bytes."""
        named = hashlib.sha256(contract.encode()).digest()
        return _HEADER.pack(MAGIC, self.dimension, self.places, self.block, named, epoch)


@lru_cache(maxsize=8)
def _arrays(layout: Layout) -> dict[str, Array]:
    wanted = [("sketches", "<u2", width(layout.dimension) // WORD), ("codes", "i1", layout.dimension)]
    wanted += [(name, dtype, 1) for name, dtype in _ONE_EACH]
    wanted += [("commitment", "u1", 32), ("vectors", "<f4", layout.dimension), ("death", "<i8", 2)]
    offset = HEADER_BYTES + layout.blocks * TABLE_ENTRY.itemsize
    found = {}
    for name, dtype, items in wanted:
        offset = -(-offset // _ALIGNMENT) * _ALIGNMENT
        found[name] = Array(name, np.dtype(dtype), items, offset)
        offset += found[name].step * layout.places
    return found


TABLE_ENTRY: Final = np.dtype([("rows", "<u4"), ("sum", "<u4")])
"""Of one block: how many of its rows the checksum covers, and the CRC-32 of every checked array's rows of the block."""
