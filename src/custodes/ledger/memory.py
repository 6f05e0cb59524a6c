"""An :class:`~custodes.ledger.protocol.EntryStore` in memory, for tests of anything that logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from custodes.types import Entry, Phase


class MemoryEntryStore:
    """Keeps entries in a list; a transaction that raises takes its entries with it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._open = False

    def in_transaction(self) -> bool:
        return self._open

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction as a workflow opens it."""
        kept = len(self.entries)
        self._open = True
        try:
            yield
        except BaseException:
            del self.entries[kept:]
            raise
        finally:
            self._open = False

    @contextmanager
    def own_transaction(self) -> Iterator[None]:
        if self._open:
            raise RuntimeError("a transaction is already open")
        with self.transaction():
            yield

    def add(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.entries.append(replace(entry, position=len(self.entries)))

    def open_intents(self) -> Iterator[Entry]:
        answered = {entry.intent for entry in self.entries if entry.intent}
        for entry in self.entries:
            if entry.phase is Phase.INTENDED and entry.id not in answered:
                yield entry
