"""One whole generation, mapped: what a search reads from its first row to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from custodes.ids import AgencyId, PhotographId, SubjectId
from custodes.ranking.segments.encoding import subject_key
from custodes.ranking.segments.file import Numbers, SegmentFile
from custodes.ranking.segments.layout import ERASED
from custodes.ranking.segments.manifest import Living, Manifest


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Subjects whose rows are looked for: ``keys`` ``(n,)`` int64 and ``names`` ``(n,)`` bytes."""

    keys: Numbers
    names: npt.NDArray[np.bytes_]

    @classmethod
    def of(cls, subjects: Sequence[SubjectId]) -> Wanted:
        """Return what :meth:`Segment.places_of` looks for."""
        return cls(
            np.array([subject_key(subject) for subject in subjects], dtype=np.int64),
            np.array([subject.encode("ascii", "replace") for subject in subjects], dtype=np.bytes_),
        )


@dataclass(eq=False)
class Segment:
    """The first ``rows`` places of a file, as of the manifest's ``edition``; it never changes but for later deaths.

    Its attributes are the columns of `layout`, each ``(rows,)`` or ``(rows, width)``.
    """

    file: SegmentFile
    rows: int
    edition: int

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        columns = self.__dict__.get("file")
        if columns is None or name not in columns.columns:
            raise AttributeError(name)
        column: npt.NDArray[Any] = columns.columns[name][: self.rows]
        return column

    @property
    def died(self) -> Numbers:
        """``(rows,)``: generations of death, `NEVER` for the living."""
        deaths: Numbers = self.file.columns["death"][: self.rows, 0]
        return deaths

    @property
    def erased(self) -> npt.NDArray[np.bool_]:
        """``(rows,)``: the places in which nothing is left."""
        flags: npt.NDArray[np.bool_] = (self.file.columns["barriers"][: self.rows] & ERASED) != 0
        return flags

    @cached_property
    def _by_subject(self) -> tuple[Numbers, Numbers]:
        keys = np.array(self.file.columns["subject_key"][: self.rows])
        order: Numbers = np.argsort(keys, kind="stable").astype(np.int64)
        return keys[order], order

    def places_of(self, wanted: Wanted) -> tuple[Numbers, Numbers]:
        """Return the places of the subjects' rows, whether or not anybody may see them, and whose each of them is."""
        keys, order = self._by_subject
        first, last = np.searchsorted(keys, wanted.keys, "left"), np.searchsorted(keys, wanted.keys, "right")
        whose = np.repeat(np.arange(wanted.keys.size), last - first)
        places = order[np.concatenate([np.empty(0, np.int64), *map(np.arange, first, last)])]
        is_theirs = self.file.columns["subject"][places] == wanted.names[whose]
        return places[is_theirs], whose[is_theirs]

    def subjects(self, places: Numbers) -> list[SubjectId]:
        """Return the subject ids at ``places``."""
        return [SubjectId(raw.decode("ascii")) for raw in self.file.columns["subject"][places].tolist()]

    def photographs(self, places: Numbers) -> list[PhotographId]:
        """Return the photograph ids at ``places``."""
        return [PhotographId(raw.decode("ascii")) for raw in self.file.columns["photograph"][places].tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The segments of one manifest."""

    manifest: Manifest
    segments: tuple[Segment, ...]
    owner_codes: dict[AgencyId, int] = field(default_factory=dict)

    @property
    def generation(self) -> int:
        """The generation that this view shows; -1 for nothing."""
        return self.manifest.generation

    @property
    def rows(self) -> int:
        """How many rows it has, the dead and the erased included."""
        return self.manifest.rows

    def living(self) -> int:
        """Return how many rows live at this view's generation, counted."""
        return sum(int(np.count_nonzero(segment.died > self.generation)) for segment in self.segments)

    def commitments(self) -> Living:
        """Return which rows live at this view's generation, from the rows themselves."""
        found = Living()
        for segment in self.segments:
            found = found.with_born([row.tobytes() for row in segment.commitment[segment.died > self.generation]])
        return found

    def unverified(self) -> Iterator[tuple[Segment, int]]:
        """Yield each block that nobody in this process has verified."""
        for segment in self.segments:
            for block in segment.file.unverified(segment.rows):
                yield segment, block
