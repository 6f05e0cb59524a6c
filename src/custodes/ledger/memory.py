"""An :class:`~custodes.ledger.protocol.EntryStore` and ``EntryIndex`` in memory, for tests of anything that logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

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
            self.entries.append(entry)

    def give_positions(self, most: int) -> int:
        waiting = [place for place, entry in enumerate(self.entries) if entry.position is None][:most]
        first = self.size()
        for position, place in enumerate(waiting, start=first):
            self.entries[place] = replace(self.entries[place], position=position)
        return len(waiting)

    def size(self) -> int:
        return sum(entry.position is not None for entry in self.entries)

    def bodies(self, first: int, count: int) -> list[bytes]:
        sealed = [entry for entry in self.entries if entry.position is not None]
        sealed.sort(key=lambda entry: entry.position or 0)
        return [entry.body for entry in sealed[first : first + count]]

    def written_at(self, position: int) -> datetime | None:
        placed = [entry.at for entry in self.entries if entry.position == position]
        return placed[0] if placed else self.waiting()[1]

    def waiting(self) -> tuple[int, datetime | None]:
        waiting = [entry.at for entry in self.entries if entry.position is None]
        return len(waiting), min(waiting, default=None)

    def open_intents(self) -> Iterator[Entry]:
        answered = {entry.intent for entry in self.entries if entry.intent}
        for entry in self.entries:
            if entry.phase is Phase.INTENDED and entry.id not in answered:
                yield entry
