"""The sealer: gives committed entries their places in the tree, writes their tiles, and signs what the log then is.

Writers never wait for it: an entry is committed without a position, and one that commits late only gets a later
position.  A round is: positions are given and committed; every folder of tiles is brought up to them; then, and only
then, a checkpoint of the new size is signed and published.  So a crash at any point is harmless: what was cut short is
done again from the committed entries and comes to the same bytes.

Several folders may be kept: the log's own, and copies off the host, which a restore needs.  A copy that cannot be
written delays nothing and catches up from the database later.

What it refuses: a database that holds fewer sealed entries than the published log (it was put back to an older state,
``ledger.database-behind``), and one that holds other entries (``ledger.tile-sealed``, ``ledger.history-differs``).

It asks no witness; that is `ledger.witnessing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custodes.errors import Conflict, CustodesError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.note import SignedNote
from custodes.ledger.protocol import EntryIndex
from custodes.ledger.tiles import ENTRIES, TILE_WIDTH, TilePath
from custodes.ledger.tree import EMPTY_ROOT
from custodes.text import N_

BATCH = 4096
"""Entries that one round seals at most: what is signed stays small, and a writer on SQLite waits for milliseconds."""
_READ_AT_ONCE = 4096

Sign = Callable[[Checkpoint], bytes]
"""Returns the signed note of a checkpoint."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: ``given`` entries got positions; the log now has ``size`` entries.

    ``copies_behind``: the codes of the errors that kept a copy off the host from being written.
    """

    given: int
    size: int
    copies_behind: tuple[str, ...] = ()


class SealedFolder:
    """A folder of tiles that grows with the index, to whatever size its checkpoint does not reach yet."""

    def __init__(self, store: FolderTileStore) -> None:
        self.store = store
        self._growth: Growth | None = None

    def published(self) -> Checkpoint | None:
        """Return the folder's last checkpoint, None before the first.

        Raises:
            InputError: ``ledger.note-malformed`` or ``ledger.checkpoint-malformed``.
        """
        note = self.store.read_checkpoint()
        return Checkpoint.parse(SignedNote.parse(note).text) if note else None

    def grow(self, index: EntryIndex, size: int) -> bytes:
        """Append the index's entries up to ``size``, and return the root of the tree over all of them.

        Raises:
            Conflict: ``ledger.database-behind``, ``ledger.history-differs`` or ``ledger.tile-sealed``.
            SetupError: the folder cannot be used, or lacks tiles that its checkpoint covers.
        """
        growth = self._growth
        if growth is None or not self._is_as_it_was_left(growth):
            growth = self._begun(index)
        self._growth = None  # after any error, what is in memory may be ahead of what is kept
        if size < growth.size:
            raise _behind(growth.size, size)
        while growth.size < size:
            entries = index.bodies(growth.size, min(_READ_AT_ONCE, size - growth.size))
            if not entries:
                raise _behind(size, growth.size)
            before = growth.size
            growth.append(entries)
            self._drop_partials(before, growth.size)
        self._growth = growth
        return growth.root() if size else EMPTY_ROOT

    def _begun(self, index: EntryIndex) -> Growth:
        """Return the tree as the folder's checkpoint has it, if the index still holds the entries it ends in."""
        checkpoint = self.published()
        size = checkpoint.size if checkpoint else 0
        growth = Growth(self.store, size)
        if checkpoint and size:
            if index.size() < size:
                raise _behind(size, index.size())
            if growth.root() != checkpoint.root:
                raise history_differs()
            if growth.last_entries() != index.bodies(size - len(growth.last_entries()), len(growth.last_entries())):
                raise history_differs()
        return growth

    def _is_as_it_was_left(self, growth: Growth) -> bool:
        """Return whether the folder ends where this process left it: a copy's disk may have been exchanged."""
        published = self.published()
        return published is not None and (published.size, published.root) == (growth.size, growth.root())

    def _drop_partials(self, before: int, after: int) -> None:
        """Remove partial tiles that full ones replaced: at every level whose count of full tiles rose."""
        self._drop(ENTRIES, before // TILE_WIDTH, after // TILE_WIDTH)
        level = 0
        while after := after // TILE_WIDTH:
            before //= TILE_WIDTH
            self._drop(level, before, after)
            level += 1

    def _drop(self, level: int, before: int, after: int) -> None:
        for number in range(before, after):
            self.store.drop_partials(TilePath(level, number))


class Sealer:
    """Seals what ``index`` holds into ``folder`` and its ``copies``, as the log called ``origin``.  One at a time."""

    def __init__(
        self, index: EntryIndex, folder: SealedFolder, origin: str, sign: Sign, *, copies: Sequence[SealedFolder] = ()
    ) -> None:
        self._index = index
        self._folder = folder
        self._origin = origin
        self._sign = sign
        self._copies = copies
        self._signed: int | None = None

    def seal(self) -> Round:
        """Do one round: at most :data:`BATCH` new entries; nothing new is nothing done.

        Raises:
            CustodesError: as :meth:`SealedFolder.grow`; what was sealed before stays as it is.
        """
        published = self._folder.published()
        if published and self._index.size() < published.size:
            # a position that is given is never taken back: those up to the published size are the restored entries'
            raise _behind(published.size, self._index.size())
        if self._signed is None:
            self._look_at_copies()
        given = self._index.give_positions(BATCH)
        if not given and self._signed is not None:
            return Round(0, self._signed)
        size = self._index.size()
        checkpoint = Checkpoint(self._origin, size, self._folder.grow(self._index, size))
        if checkpoint != self._folder.published():
            self._folder.store.write_checkpoint(self._sign(checkpoint))
        self._signed = size
        return Round(given, size, self._copy(size))

    def _look_at_copies(self) -> None:
        """Refuse to begin where a copy has more: folder and database may both have been put back together."""
        for copy in self._copies:
            try:
                published = copy.published()
            except CustodesError:
                continue  # as good as none
            if published and published.origin == self._origin and published.size > self._index.size():
                raise Conflict(
                    "ledger.copy-ahead",
                    N_("A copy of the log has more entries (%(published)d) than the database (%(held)d)."),
                    why=N_("The database was put back to an older state, and so was the log, or it was lost."),
                    hint=N_("Nothing is sealed until this is settled. Run “custodes ledger restore --from COPY”."),
                    published=published.size,
                    held=self._index.size(),
                )

    def seal_all(self) -> Round:
        """Do rounds until nothing is left that was committed before the last one began."""
        done = self.seal()
        given = done.given
        while done.given >= BATCH:
            done = self.seal()
            given += done.given
        return Round(given, done.size, done.copies_behind)

    def _copy(self, size: int) -> tuple[str, ...]:
        note = self._folder.store.read_checkpoint()
        behind = []
        for copy in self._copies:
            try:
                copy.grow(self._index, size)
                if note:
                    copy.store.write_checkpoint(note)
            except CustodesError as error:
                behind.append(error.code)
        return tuple(behind)


def _behind(published: int, held: int) -> Conflict:
    return Conflict(
        "ledger.database-behind",
        N_("The database holds fewer sealed entries (%(held)s) than the published log (%(published)s)."),
        why=N_("It was put back to an older state, or entries were taken out of it."),
        hint=N_("Nothing is sealed until this is settled. Follow “Restoring a backup” in docs/ledger.md."),
        published=published,
        held=held,
    )


def history_differs() -> Conflict:
    """Return the error for a database whose entries are not those that were sealed."""
    return Conflict(
        "ledger.history-differs",
        N_("The database does not hold the entries that the published log ends in."),
        why=N_("Database or log was altered, or they belong to two installations."),
        hint=N_("Nothing is sealed until this is settled. Keep both as they are, and tell oversight."),
    )
