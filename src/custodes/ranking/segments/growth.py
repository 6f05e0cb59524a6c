"""Adding one span of generations to a folder, and the sum that shows that nothing was left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from custodes.errors import SetupError
from custodes.ids import AgencyId, TemplateId
from custodes.ranking.segments.encoding import damaged, encode
from custodes.ranking.segments.file import SegmentWriter
from custodes.ranking.segments.history import leaves
from custodes.ranking.segments.layout import Layout
from custodes.ranking.segments.manifest import Manifest, SegmentState
from custodes.ranking.segments.raw import RawSegment
from custodes.text import N_
from custodes.types import GalleryChange, GalleryRow

Death = tuple[TemplateId, int, int]


@dataclass
class Growth:
    """A manifest that is being added to; nothing of it is seen before it is published."""

    folder: Path
    layout: Layout
    manifest: Manifest
    upto: int

    def __post_init__(self) -> None:
        self._before = self.manifest.generation
        self._owners = {AgencyId(owner): code for code, owner in enumerate(self.manifest.owners)}
        self._segments = list(self.manifest.segments)
        self._living = self.manifest.living
        self._last: tuple[int, bytes] = (-1, b"")
        self._edition = self.manifest.edition + 1

    def add(self, rows: Sequence[GalleryRow], name: Iterator[str]) -> None:
        """Write rows, which come in order of ``(born, commitment)``; ``name`` yields names for new files.

        Raises:
            SetupError: ``gallery.row-damaged``. OSError: the disk is full.
        """
        for row in rows:
            here = (row.born, row.commitment)
            if here < self._last or not self._before < row.born <= self.upto:
                raise damaged(row)
            self._last = here
        columns = encode(rows, self.layout.dimension, self._owner_code)
        done = 0
        while done < len(rows):
            if not self._segments or self._segments[-1].rows == self.layout.places:
                self._segments.append(self._new(next(name)))
            state = self._segments[-1]
            count = min(len(rows) - done, self.layout.places - state.rows)
            with SegmentWriter.open(self.folder / state.name, self.layout) as writer:
                writer.put(state.rows, {key: array[done : done + count] for key, array in columns.items()})
                writer.seal(state.rows, count)
            self._segments[-1] = replace(state, rows=state.rows + count, edition=self._edition)
            done += count
        alive = [row.commitment for row in rows if row.died is None or row.died > self.upto]
        self._living = self._living.with_born(alive)

    def bury(self, deaths: Iterable[Death]) -> None:
        """Write deaths of rows that were there before this span began. Raises OSError."""
        found = {
            (template.encode("ascii", "replace"), born): died for template, born, died in deaths if born <= self._before
        }
        for index, state in enumerate(self._segments) if found else ():
            with SegmentWriter.open(self.folder / state.name, self.layout) as writer:
                raw = RawSegment(writer.descriptor, self.layout)
                places = raw.places(found, state.rows)
                for place in places:
                    if raw.died(place) > self._before:
                        self._living = self._living.with_died([raw.commitment(place)])
                    writer.bury(place, found[raw.name(place)])
            if places:
                self._segments[index] = replace(self._segments[index], edition=self._edition)

    def ended(self, changes: Iterable[GalleryChange]) -> Manifest:
        """Return the grown manifest, if what was written is what ``changes`` of the same span say.

        Raises:
            SetupError: ``gallery.incomplete``.
        """
        expected, stated = self.manifest.living, list(changes)
        expected = expected.with_born([change.commitment for change in stated if not change.is_death])
        expected = expected.with_died([change.commitment for change in stated if change.is_death])
        if expected != self._living:
            raise incomplete(self._living.count, expected.count)
        new = list(leaves(stated))
        return replace(
            self.manifest,
            generation=self.upto,
            segments=tuple(self._segments),
            owners=tuple(self._owners),
            living=self._living,
            history=self.manifest.history.grown(leaf.hash for leaf in new),
            last_leaf=(new[-1].generation, new[-1].hash.hex()) if new else self.manifest.last_leaf,
        )

    def _new(self, name: str) -> SegmentState:
        header = self.layout.header(self.manifest.contract, bytes.fromhex(self.manifest.epoch))
        with SegmentWriter.create(self.folder / name, self.layout, header):
            return SegmentState(name, 0, self._edition)

    def _owner_code(self, owner: AgencyId) -> int:
        return self._owners.setdefault(owner, len(self._owners))


def incomplete(loaded: int, kept: int) -> SetupError:
    """Return the error that stops every search while rows are missing, or are too many."""
    return SetupError(
        "gallery.incomplete",
        N_("The gallery in memory has %(loaded)s records, the store has %(kept)s."),
        why=N_("A search that left one out silently could not say that every eligible record was compared."),
        hint=N_("Start the service again; if it is still so, run custodes doctor."),
        loaded=loaded,
        kept=kept,
    )
