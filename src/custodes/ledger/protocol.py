"""What the log needs of a store: implemented by `store.log` and, for tests, by `ledger.memory`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from custodes.types import Entry


class EntryStore(Protocol):
    """Keeps entries in the order of their adding; never changes or removes one."""

    def own_transaction(self) -> AbstractContextManager[None]:
        """A transaction that commits by itself; an error if one is already open."""
        ...

    def in_transaction(self) -> bool:
        """Whether a transaction is open, in which an entry and its effect commit together."""
        ...

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries at the next positions. Must be called inside a transaction."""
        ...

    def open_intents(self) -> Iterable[Entry]:
        """Entries of phase ``intended`` that no later entry answers, oldest first."""
        ...
