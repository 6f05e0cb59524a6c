"""Where the log's entries are kept: the store's side of `ledger.protocol.EntryStore`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from custodes.ids import AccountId, AgencyId, CaseId, EntryId, RequestId
from custodes.store.database import in_transaction, transaction_of_its_own
from custodes.store.models import LogDetail, LogEntry, LogHead
from custodes.store.rows import insert
from custodes.store.vault import Vault
from custodes.types import Entry, Phase


class DatabaseEntryStore:
    """Entries in the database, at positions without gaps; private parts sealed beside them."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def own_transaction(self) -> AbstractContextManager[None]:
        return transaction_of_its_own()

    def in_transaction(self) -> bool:
        return in_transaction()

    def add(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        first = _take_positions(len(entries))
        insert(_row(entry, first + index) for index, entry in enumerate(entries))
        private = [(entry.id, entry.salt + entry.private) for entry in entries if entry.private]
        insert(
            LogDetail(entry=uid, key_uid=sealed.key, ciphertext=sealed.ciphertext)
            for (uid, _), sealed in zip(private, self._vault.seal_all(private), strict=True)
        )

    def open_intents(self) -> Iterator[Entry]:
        answers = LogEntry.objects.filter(intent=OuterRef("uid"))
        rows = LogEntry.objects.filter(~Exists(answers), phase=Phase.INTENDED).order_by("position")
        yield from (_entry(row) for row in rows.iterator())

    def newest(self, count: int, **criteria: str) -> list[Entry]:
        """Return the newest entries first; ``criteria`` are columns of the entry (actor, case, kind …)."""
        rows = LogEntry.objects.filter(**criteria).order_by("-position")[:count]
        return [_entry(row) for row in rows]

    def size(self) -> int:
        """Return how many entries there are."""
        return LogEntry.objects.count()


def _take_positions(count: int) -> int:
    """Return the first of ``count`` new positions; the head's row stays locked until the transaction ends."""
    # one statement of our own: the log is written by everything, and the ORM takes two, each slower than this
    with connection.cursor() as cursor:
        cursor.execute("UPDATE store_loghead SET size = size + %s WHERE id = 1 RETURNING size", [count])
        row = cursor.fetchone()
    if row is None:
        LogHead.objects.create(pk=1, size=count)
        return 0
    size: int = row[0]
    return size - count


def _row(entry: Entry, position: int) -> LogEntry:
    return LogEntry(
        position=position,
        uid=entry.id,
        at=entry.at,
        kind=entry.kind,
        phase=entry.phase,
        intent=entry.intent or "",
        actor=entry.actor or "",
        agency=entry.agency or "",
        case=entry.case or "",
        request=entry.request or "",
        body=entry.body,
    )


def _entry(row: LogEntry) -> Entry:
    def optional(kind: Any, value: str) -> Any:
        return kind(value) if value else None

    return Entry(
        id=EntryId(row.uid),
        at=row.at,
        kind=row.kind,
        phase=Phase(row.phase),
        body=bytes(row.body),
        actor=optional(AccountId, row.actor),
        agency=optional(AgencyId, row.agency),
        case=optional(CaseId, row.case),
        request=optional(RequestId, row.request),
        intent=optional(EntryId, row.intent),
        position=row.position,
    )
