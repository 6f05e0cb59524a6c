"""The gallery in memory, brought up to date while searches run.

State, in plain English.  A snapshot only grows.  Rows are written past the end of what any view shows, and become
visible all at once when a view with a higher row count and generation is published.  A death is written in place: a
view of generation ``g`` asks ``born <= g < died``, and a row that dies at a later generation gives the same answer
before and after the write.  So a view needs no copy, and always shows one whole generation.

It does not read a database, judge eligibility or score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from custodes.ids import TemplateId
from custodes.ranking.segment import SEGMENT_ROWS, Codebooks, Segment
from custodes.types import Contract, GalleryRow

EMPTY: Final = -1
"""The generation of a view that has loaded nothing."""
_LOAD_ROWS: Final = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One whole generation: the first ``rows`` places of ``segments``."""

    segments: tuple[Segment, ...]
    books: Codebooks
    rows: int
    generation: int

    def parts(self) -> Iterator[tuple[Segment, int]]:
        """Yield each segment with the number of its places that this view shows."""
        for index, segment in enumerate(self.segments):
            yield segment, min(SEGMENT_ROWS, self.rows - index * SEGMENT_ROWS)

    def living(self) -> int:
        """Return how many rows live at this view's generation."""
        return sum(
            int(np.count_nonzero((segment.born[:fill] <= self.generation) & (segment.died[:fill] > self.generation)))
            for segment, fill in self.parts()
        )


class Snapshot:
    """The one writer of segments; the caller sees to it that only one thread writes."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._segments: list[Segment] = []
        self._books = Codebooks()
        self._rows = 0
        self.view = View((), self._books, 0, EMPTY)

    @property
    def nbytes(self) -> int:
        """Bytes reserved by the segments (ids in the code books not counted)."""
        return sum(segment.nbytes for segment in self._segments)

    def advance(self, generation: int, born: Iterable[GalleryRow], died: Iterable[tuple[TemplateId, int, int]]) -> None:
        """Add ``born``, bury ``died``, and publish the view of ``generation``; on any error the old view stays.

        Raises:
            SetupError: ``gallery.row-damaged``.
        """
        # What a broken advance wrote was never shown: write over it.
        self._rows = self.view.rows
        del self._segments[len(self.view.segments) :]
        rows = iter(born)
        while block := list(islice(rows, self._room())):
            self._append(block)
        self._bury(died)
        self.view = View(tuple(self._segments), self._books, self._rows, generation)

    def _room(self) -> int:
        return min(_LOAD_ROWS, SEGMENT_ROWS - self._rows % SEGMENT_ROWS)

    def _append(self, rows: list[GalleryRow]) -> None:
        index, start = divmod(self._rows, SEGMENT_ROWS)
        if index == len(self._segments):
            self._segments.append(Segment(self._contract.dimension))
        self._segments[index].write(start, rows, self._books)
        self._rows += len(rows)

    def _bury(self, deaths: Iterable[tuple[TemplateId, int, int]]) -> None:
        found = {(template.encode("ascii", "replace"), born): died for template, born, died in deaths}
        if not found:
            return
        births = np.array(sorted({born for _, born in found}), dtype=np.int64)
        names = np.array(sorted({name for name, _ in found}), dtype=np.bytes_)
        written = View(tuple(self._segments), self._books, self._rows, EMPTY)
        for segment, fill in written.parts():
            places = np.flatnonzero(np.isin(segment.born[:fill], births))
            places = places[np.isin(segment.template[places], names)]
            rows = zip(places.tolist(), segment.template[places].tolist(), segment.born[places].tolist(), strict=True)
            for place, name, born in rows:
                # The pair decides: another birth of a dying template may be alive.
                if (name, born) in found:
                    segment.died[place] = found[name, born]
