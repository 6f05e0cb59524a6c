"""A gallery's segment files: read by every process, changed by one at a time.

Whoever asks for the present generation and finds the published one older takes the folder's lock and adds what is
missing; everybody else sees it when it is published.  Nothing that is published ever changes, but for two things that
do not disturb a search under way: a death is written in place, as a generation later than any that is being searched,
and a destroyed row is written over.  A process that is killed leaves at most rows and files that no manifest names.

A folder that cannot be used, or that is another gallery's, is built again from the source, in new files.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from custodes.errors import Busy
from custodes.ids import AgencyId, TemplateId
from custodes.ranking.protocol import TemplateSource
from custodes.ranking.segments import manifest as manifests
from custodes.ranking.segments.file import Damaged, SegmentFile, SegmentWriter
from custodes.ranking.segments.growth import Growth
from custodes.ranking.segments.history import leaves
from custodes.ranking.segments.layout import Layout
from custodes.ranking.segments.manifest import Manifest, SegmentState
from custodes.ranking.segments.place import make_private, unusable
from custodes.ranking.segments.raw import Name, RawSegment
from custodes.ranking.segments.view import Segment, View
from custodes.text import N_
from custodes.types import Contract

PLACES: Final = 65_536
BLOCK: Final = 2_048
_AT_ONCE: Final = 2_048
_LOCK: Final = "writer.lock"
_WAIT_S: Final = 20.0
_STEP_S: Final = 0.005

Wait = Callable[[float], object]


@dataclass(frozen=True, slots=True)
class Shape:
    """How large files are: ``places`` rows each, a checksum for every ``block`` of them."""

    places: int = PLACES
    block: int = BLOCK


@dataclass(frozen=True, slots=True)
class _Erased:
    """What was written over in one file: ``count`` published rows, ``living`` of which lived at its generation."""

    count: int
    living: int


class SegmentFolder:
    """The files of one gallery in ``folder``.  Safe to share between threads and processes."""

    def __init__(
        self,
        folder: Path,
        contract: Contract,
        *,
        entropy: Callable[[int], bytes],
        wait: Wait,
        shape: Shape | None = None,
    ) -> None:
        chosen = shape or Shape()
        self.folder = folder
        self.layout = Layout(contract.dimension, chosen.places, chosen.block)
        self._contract = contract
        self._entropy = entropy
        self._wait = wait
        self._files: dict[tuple[str, str], SegmentFile] = {}

    # --- reading

    def signature(self) -> object:
        """Return what changes with every publication."""
        return manifests.signature(self.folder)

    def read(self) -> View | None:
        """Return the published state, mapped; None if there is none that can be used."""
        for _ in range(3):
            manifest = self._manifest()
            if manifest is None:
                return None
            try:
                return self._mapped(manifest)
            except Damaged:
                # a file that was replaced and removed since the manifest was read
                continue
        return None

    def _manifest(self) -> Manifest | None:
        found = manifests.read(self.folder)
        mine = (self._contract.id, self._contract.dimension)
        return found if found and (found.contract, found.dimension) == mine else None

    def _mapped(self, manifest: Manifest) -> View:
        header = self.layout.header(self._contract.id, bytes.fromhex(manifest.epoch))
        files = {}
        for state in manifest.segments:
            key = (manifest.epoch, state.name)
            files[key] = self._files.get(key) or SegmentFile(self.folder / state.name, self.layout, header)
        self._files = files
        segments = tuple(
            Segment(files[manifest.epoch, state.name], state.rows, state.edition) for state in manifest.segments
        )
        codes = {AgencyId(owner): code for code, owner in enumerate(manifest.owners)}
        return View(manifest, segments, codes)

    # --- changing

    def advance(self, source: TemplateSource, upto: int) -> View:
        """Bring the folder to generation ``upto`` of ``source``, and return it mapped.

        Raises:
            SetupError: ``gallery.row-damaged``, ``gallery.incomplete``, ``gallery.folder-unusable``.
            Busy: ``gallery.busy``, if another process takes too long.
        """
        with self._changing():
            manifest = self._manifest()
            if manifest is None or not (self._is_whole(manifest) and self._continues(source, manifest, upto)):
                manifest = self._begin(manifest)
            if manifest.generation < upto:
                manifest = self._grown(manifest, source, upto)
            self._publish(manifest)
        view = self.read()
        if view is None:
            raise Damaged(str(self.folder.name))
        return view

    def condemn(self, epoch: str) -> None:
        """Have the folder of ``epoch``, in which a file is damaged, built again by whoever needs it next."""
        with self._changing():
            manifest = self._manifest()
            if manifest and manifest.epoch == epoch:
                self._publish(self._begin(manifest))

    def erase(self, rows: Iterable[tuple[TemplateId, int]]) -> int:
        """Write zeros over rows named by template and birth, in every file there is; return how many there were.

        To be called once they have died, and before their destruction is acknowledged.

        Raises:
            SetupError: ``gallery.folder-unusable``. Busy: ``gallery.busy``.
        """
        wanted = {(template.encode("ascii", "replace"), born) for template, born in rows}
        with self._changing():
            manifest = self._manifest()
            if manifest is None:
                return 0
            erased = [
                self._erase_in(state.name, state.rows, wanted, manifest.generation) for state in manifest.segments
            ]
            for name in manifest.retired:
                with suppress(FileNotFoundError):
                    self._erase_in(name, 0, wanted, 0)
            if any(one.living for one in erased):
                # the source is ahead of the files, and could not be followed: build them without these rows
                manifest = self._begin(manifest)
            elif any(one.count for one in erased):
                edition = manifest.edition + 1
                states = zip(manifest.segments, erased, strict=True)
                new = tuple(replace(state, edition=edition) if one.count else state for state, one in states)
                manifest = replace(manifest, segments=new)
            self._publish(manifest)
            return sum(one.count for one in erased)

    def _erase_in(self, name: str, rows: int, wanted: Collection[Name], generation: int) -> _Erased:
        """Write over the rows ``wanted`` in one file, of which ``rows`` places are published."""
        with SegmentWriter.open(self.folder / name, self.layout) as writer:
            raw = RawSegment(writer.descriptor, self.layout)
            published = raw.places(wanted, rows)
            writer.erase([*published, *raw.beyond(wanted, rows)], raw.table)
            return _Erased(len(published), sum(raw.died(place) > generation for place in published))

    def exchange(self, epoch: str, before: Sequence[SegmentState], after: SegmentState) -> bool:
        """Put the file ``after`` in the place of neighbouring ones, unless they changed since; return whether it was.

        Raises:
            SetupError: ``gallery.folder-unusable``. Busy: ``gallery.busy``.
        """
        with self._changing():
            manifest = self._manifest()
            if manifest is None or manifest.epoch != epoch or not set(before) <= set(manifest.segments):
                return False
            first = manifest.segments.index(before[0])
            new = [replace(after, edition=manifest.edition + 1)] if after.rows else []
            left, right = manifest.segments[:first], manifest.segments[first + len(before) :]
            self._publish(replace(manifest, segments=(*left, *new, *right)))
            return True

    def new_name(self) -> str:
        """Return a name that no file has."""
        return f"{self._entropy(8).hex()}.seg"

    # --- inside the lock

    def _is_whole(self, manifest: Manifest) -> bool:
        """Return whether every file of ``manifest`` is there and can be mapped."""
        try:
            self._mapped(manifest)
        except Damaged:
            return False
        return True

    def _continues(self, source: TemplateSource, manifest: Manifest, upto: int) -> bool:
        """Return whether the folder holds an earlier state of the same history as ``source``."""
        if manifest.generation > upto:
            return False
        generation, digest = manifest.last_leaf
        if not generation:
            return True
        again = list(leaves(source.changes(self._contract, generation - 1, generation)))
        return [(leaf.generation, leaf.hash.hex()) for leaf in again] == [(generation, digest)]

    def _begin(self, before: Manifest | None) -> Manifest:
        """Return an empty state in whose place everything will be built; what was there is to be removed."""
        epoch = self._entropy(16).hex()
        edition = before.edition if before else 0
        return Manifest(self._contract.id, self._contract.dimension, epoch, edition, retired=tuple(self._present()))

    def _grown(self, manifest: Manifest, source: TemplateSource, upto: int) -> Manifest:
        after = manifest.generation
        growth = Growth(self.folder, self.layout, manifest, upto)
        rows = source.born(self._contract, after, upto)
        while batch := list(islice(rows, _AT_ONCE)):
            growth.add(batch, self._names())
        growth.bury(source.died(self._contract, after, upto))
        return growth.ended(source.changes(self._contract, max(after, 0), upto))

    def _names(self) -> Iterator[str]:
        while True:
            yield self.new_name()

    def _present(self) -> Iterator[str]:
        for path in sorted(self.folder.glob("*.seg")):
            yield path.name

    def _publish(self, manifest: Manifest) -> None:
        kept = {state.name for state in manifest.segments}
        left = [name for name in self._present() if name not in kept and not self._remove(name)]
        manifests.publish(self.folder, replace(manifest, edition=manifest.edition + 1, retired=tuple(left)))

    def _remove(self, name: str) -> bool:
        """Remove a file that no manifest needs, unless somebody reads or writes it; return whether it went."""
        path = self.folder / name
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            path.unlink()
            return True
        finally:
            os.close(descriptor)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one who changes the folder. Raises as :meth:`advance` for files that cannot be used."""
        try:
            make_private(self.folder)
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(error) from error
        try:
            self._lock(descriptor)
            yield
        except OSError as error:
            if error.errno is None:
                # not the file system's: the source's own
                raise
            raise unusable(error) from error
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        waited = 0.0
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waited >= _WAIT_S:
                    raise Busy(
                        "gallery.busy",
                        N_("The gallery is being brought up to date by another process."),
                        hint=N_("Try again in %(seconds)d s."),
                        seconds=int(_WAIT_S),
                    ) from None
                self._wait(_STEP_S)
                waited += _STEP_S
            else:
                return
