"""A segment file as the writer sees it: everything in it, published or not."""

from __future__ import annotations

import mmap
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from custodes.ranking.segments.layout import HEADER_BYTES, TABLE_ENTRY, Layout

Name = tuple[bytes, int]
"""A row's template id and the generation of its birth."""


class RawSegment:
    """Reads an open file through a mapping of its own."""

    def __init__(self, descriptor: int, layout: Layout) -> None:
        self._map = mmap.mmap(descriptor, layout.nbytes, prot=mmap.PROT_READ)
        self._layout = layout
        self.table: npt.NDArray[np.void] = np.frombuffer(self._map, TABLE_ENTRY, layout.blocks, HEADER_BYTES)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return ``(places,)`` or ``(places, width)``: one array of the file."""
        array = self._layout.arrays[name]
        flat = np.frombuffer(self._map, array.dtype, self._layout.places * array.width, array.offset)
        return flat if array.width == 1 else flat.reshape(-1, array.width)

    def places(self, wanted: Collection[Name], rows: int) -> list[int]:
        """Return the places among the first ``rows`` of the rows ``wanted``: births ascend with the places."""
        born, template = self.column("born")[:rows], self.column("template")
        found: list[int] = []
        if not rows:
            return found
        for birth in {birth for _, birth in wanted if born[0] <= birth <= born[-1]}:
            first, last = np.searchsorted(born, birth, "left"), np.searchsorted(born, birth, "right")
            names = np.array([name for name, at in wanted if at == birth])
            found += (first + np.flatnonzero(np.isin(template[first:last], names))).tolist()
        return sorted(found)

    def beyond(self, wanted: Collection[Name], rows: int) -> list[int]:
        """Return the places after the first ``rows`` where a broken addition has left the rows ``wanted``."""
        names = np.array(sorted({name for name, _ in wanted}), dtype=np.bytes_)
        places = rows + np.flatnonzero(np.isin(self.column("template")[rows:], names))
        return [place for place in places.tolist() if self.name(place) in wanted]

    def name(self, place: int) -> Name:
        """Return the template and birth of the row at ``place``."""
        return bytes(self.column("template")[place]), int(self.column("born")[place])

    def commitment(self, place: int) -> bytes:
        """Return the commitment of the row at ``place``."""
        return bytes(self.column("commitment")[place])

    def died(self, place: int) -> int:
        """Return the generation in which the row at ``place`` died."""
        return int(self.column("death")[place, 0])
