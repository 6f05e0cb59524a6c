"""Giving back the places of destroyed rows: what is left of neighbouring files is copied into a new one.

The copying happens beside the searches, without the folder's lock; only the exchange of the names takes it.  If one of
the files changed meanwhile, the copy is thrown away and made again another time.  The old files stay until nobody
reads them.  The last file is left alone, because rows are added to it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from custodes.ranking.segments.encoding import Columns
from custodes.ranking.segments.file import SegmentWriter
from custodes.ranking.segments.folder import SegmentFolder
from custodes.ranking.segments.manifest import Manifest, SegmentState
from custodes.ranking.segments.view import Segment, View

WORTHWHILE: Final = 0.1
"""The share of places of a run of files that must be empty before the run is copied."""


def compact(folder: SegmentFolder, *, worthwhile: float = WORTHWHILE) -> int:
    """Copy every run of files that is worth it; return how many places were given back.

    Raises:
        SetupError: ``gallery.folder-unusable``. Busy: ``gallery.busy``. Damaged: a file is not what was written.
    """
    view = folder.read()
    runs = list(_runs(view, folder.layout.places, worthwhile)) if view else []
    return sum(_replace(folder, view.manifest, run) for run in runs) if view else 0


def _runs(view: View, places: int, worthwhile: float) -> Iterator[list[Segment]]:
    """Yield neighbouring files, the last one excepted, whose kept rows fit into one and that waste enough."""
    run: list[Segment] = []
    for segment in view.segments[:-1]:
        if run and _kept([*run, segment]) > places:
            yield from _worth(run, places, worthwhile)
            run = []
        run.append(segment)
    if run:
        yield from _worth(run, places, worthwhile)


def _worth(run: list[Segment], places: int, worthwhile: float) -> Iterator[list[Segment]]:
    taken = run[0].rows if len(run) == 1 else len(run) * places
    if taken - _kept(run) > worthwhile * taken:
        yield run


def _kept(run: Sequence[Segment]) -> int:
    return sum(int(np.count_nonzero(~segment.erased)) for segment in run)


def _replace(folder: SegmentFolder, manifest: Manifest, run: Sequence[Segment]) -> int:
    """Copy what is kept of ``run`` into a new file and exchange the names; return the places given back."""
    layout, name, rows = folder.layout, folder.new_name(), 0
    header = layout.header(manifest.contract, bytes.fromhex(manifest.epoch))
    with SegmentWriter.create(folder.folder / name, layout, header) as writer:
        # a file that somebody has locked is not taken for one that was left behind
        fcntl.flock(writer.descriptor, fcntl.LOCK_SH)
        for segment in run:
            for columns in _kept_rows(segment):
                writer.put(rows, columns)
                rows += columns["born"].size
        writer.seal(0, rows)
        names = [segment.file.name for segment in run]
        before = [state for state in manifest.segments if state.name in names]
        done = folder.exchange(manifest.epoch, before, SegmentState(name, rows, 0))
    return sum(segment.rows for segment in run) - rows if done else 0


def _kept_rows(segment: Segment) -> Iterator[Columns]:
    """Yield what a file keeps, verified, a block at a time."""
    layout = segment.file.layout
    for first in range(0, segment.rows, layout.block):
        segment.file.verify(first // layout.block, segment.rows)
        last = min(first + layout.block, segment.rows)
        kept = first + np.flatnonzero(~segment.erased[first:last])
        segment.file.verify_vectors(kept)
        yield {name: segment.file.columns[name][kept] for name in layout.arrays}
