"""What the log needs of a store: implemented by `store.log` and, for tests, by `ledger.memory`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from custodes.types import Entry


class EntryStore(Protocol):
    """Keeps entries; never changes or removes one."""

    def own_transaction(self) -> AbstractContextManager[None]:
        """A transaction that commits by itself; an error if one is already open."""
        ...

    def in_transaction(self) -> bool:
        """Whether a transaction is open, in which an entry and its effect commit together."""
        ...

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries; their positions are given later. Must be called inside a transaction."""
        ...

    def open_intents(self) -> Iterable[Entry]:
        """Entries of phase ``intended`` that no later entry answers, oldest first."""
        ...


class EntryIndex(Protocol):
    """What the sealer needs: committed entries by their position in the tree."""

    def give_positions(self, most: int) -> int:
        """Give the next positions to at most ``most`` committed entries that have none; return to how many."""
        ...

    def size(self) -> int:
        """Return how many entries have a position."""
        ...

    def bodies(self, first: int, count: int) -> list[bytes]:
        """Return the bodies at ``count`` positions from ``first`` on, fewer at the end."""
        ...

    def written_at(self, position: int) -> datetime | None:
        """Return when the entry at ``position`` was written; without it, the oldest that waits for one; or None."""
        ...

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many entries wait for a position, and since when the oldest does."""
        ...
