"""Where the log's entries are kept: the store's side of `ledger.protocol.EntryStore`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q

from custodes.errors import InputError, NotFound
from custodes.ids import AccountId, AgencyId, CaseId, EntryId, KeyId, RequestId
from custodes.store.database import SEALING, in_transaction, transaction_of_its_own, transaction_without_queue
from custodes.store.models import LogDetail, LogEntry
from custodes.store.rows import insert
from custodes.store.statements import Statement
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import Entry, Phase


class DatabaseEntryStore:
    """Entries in the database, private parts sealed beside them; positions are given later (:class:`SealedEntries`)."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def own_transaction(self) -> AbstractContextManager[None]:
        return transaction_without_queue()

    def in_transaction(self) -> bool:
        return in_transaction()

    def add(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        for start in range(0, len(entries), _AT_ONCE):
            rows = [_row(entry) for entry in entries[start : start + _AT_ONCE]]
            with connection.cursor() as cursor:
                cursor.execute(f"{_ADD} {', '.join([_MARKS] * len(rows))}", [value for row in rows for value in row])
        private = [(entry.id, entry.salt + entry.private) for entry in entries if entry.private]
        if not private:
            return
        insert(
            LogDetail(entry=uid, key_uid=sealed.key, ciphertext=sealed.ciphertext)
            for (uid, _), sealed in zip(private, self._vault.seal_all(private), strict=True)
        )

    def open_intents(self) -> Iterator[Entry]:
        answers = LogEntry.objects.filter(intent=OuterRef("uid"))
        rows = LogEntry.objects.filter(~Exists(answers), phase=Phase.INTENDED).order_by("pk")
        yield from (_entry(row) for row in rows.iterator())

    def newest(self, count: int, **criteria: str) -> list[Entry]:
        """Return the newest entries first; ``criteria`` are columns of the entry (actor, case, kind …)."""
        rows = LogEntry.objects.filter(**criteria).order_by("-pk")[:count]
        return [_entry(row) for row in rows]

    def last_of(self, kind: str) -> Entry | None:
        """Return the newest entry of one kind, None without any."""
        row = _LAST_OF.first(kind)
        return _entry(row) if row else None

    def get(self, entry: EntryId) -> Entry:
        """Return one entry. Raises NotFound ``log.no-entry``."""
        row = LogEntry.objects.filter(uid=entry).first()
        if row is None:
            raise NotFound("log.no-entry", N_("The log holds no such entry."), hint=N_("Its id begins with “ent”."))
        return _entry(row)

    def private_of(self, entry: EntryId) -> dict[str, str]:
        """Return the private part of an entry, as far as it is what the log committed to; nothing if it is gone."""
        opened = self.opening_of(entry)
        found: dict[str, str] = json.loads(opened[SALT_BYTES:]) if opened else {}
        return found

    def opening_of(self, entry: EntryId) -> bytes | None:
        """Return the salt and private part that an entry commits to; None if it has none or they are gone."""
        row, body = LogDetail.objects.filter(entry=entry).first(), LogEntry.objects.filter(uid=entry).first()
        if row is None or body is None:
            return None
        sealed = Sealed(KeyId(row.key_uid), bytes(row.ciphertext))
        opened = dict(self._vault.open_remaining([(entry, sealed)])).get(entry, b"")
        return opened if hashlib.sha256(opened).hexdigest() == json.loads(bytes(body.body)).get("private") else None

    def of_request(self, request: RequestId, case: CaseId) -> list[Entry]:
        """Return every entry about a request, and those of its case that are about none, in order."""
        of_case = Q(case=case, request="")
        return [_entry(row) for row in LogEntry.objects.filter(of_case | Q(request=request)).order_by("pk")]

    def of_kind(self, *kinds: str) -> Iterator[Entry]:
        """Yield every entry of these kinds, in the order in which they were written."""
        yield from map(_entry, LogEntry.objects.filter(kind__in=kinds).order_by("pk").iterator(chunk_size=1000))

    def size(self) -> int:
        """Return how many entries there are."""
        return LogEntry.objects.count()


# written out, because the log is written by everything: Django's models would take half as long again
_COLUMNS = ("uid", "at", "kind", "phase", "intent", "actor", "agency", "case", "request", "body")
_ADD = f"""INSERT INTO store_logentry ({", ".join(f'"{column}"' for column in _COLUMNS)}) VALUES"""
_MARKS = f"({', '.join(['%s'] * len(_COLUMNS))})"
_AT_ONCE = 500
SALT_BYTES = 16
"""Bytes of salt before an entry's private part (`ledger.log`)."""
_GIVE = """
UPDATE store_logentry SET position = given.place FROM (
    SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1
        + (SELECT COALESCE(MAX(position) + 1, 0) FROM store_logentry) AS place
    FROM store_logentry WHERE position IS NULL ORDER BY id LIMIT %s
) AS given WHERE store_logentry.id = given.id
"""
# asked before every search, hence without Django's models
_PLACED = "SELECT at FROM store_logentry WHERE position = %s"
_WAITING = "SELECT COUNT(*), MIN(at) FROM store_logentry WHERE position IS NULL"
_LAST_OF = Statement(lambda kind: LogEntry.objects.filter(kind=kind).order_by("-pk")[:1])
_SUCCESSION = "log.succeeded"
_BASES = "SELECT position FROM store_logentry WHERE kind = %s AND position IS NOT NULL ORDER BY position"
_BEGIN = """
UPDATE store_logentry SET position = (SELECT COALESCE(MAX(position) + 1, 0) FROM store_logentry) WHERE uid = %s
"""
_BODIES = "SELECT body FROM store_logentry WHERE position >= %s ORDER BY position LIMIT %s"


class SealedEntries:
    """Entries by their position in the tree: the store's side of `ledger.protocol.EntryIndex`.

    One sealer at a time gives positions; an entry whose transaction commits late gets a later one, and nobody waits.
    """

    def base(self) -> int:
        """Return the position of the present log's first entry: not 0 once a log has a successor."""
        return self.bases()[-1]

    def bases(self) -> list[int]:
        """Return the position of the first entry of each log that this installation had, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(_BASES, [_SUCCESSION])
            return [0, *(int(position) for (position,) in cursor.fetchall())]

    def begin_log(self, entry: EntryId) -> int:
        """Give the entry that declares a successor the first position of the new log, in the open transaction."""
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [entry])
        return self.base()

    def give_positions(self, most: int) -> int:
        """Give positions, without gaps, to at most ``most`` committed entries; return to how many."""
        with transaction_of_its_own(SEALING), connection.cursor() as cursor:
            cursor.execute(_GIVE, [most])
            return int(cursor.rowcount)

    def put_back(self, first: int, bodies: Sequence[bytes]) -> int:
        """Give the log its entries from position ``first`` on again, in the open transaction.

        One that the database still has without a position gets it.  Private parts do not come back.  Returns how many
        entries the database lacked.
        """
        entries, base = [_entry_of(body) for body in bodies], self.base()
        ids = [entry.id for entry in entries]
        held: set[str] = set()
        for start in range(0, len(ids), _AT_ONCE):
            part = LogEntry.objects.filter(uid__in=ids[start : start + _AT_ONCE])
            held.update(part.values_list("uid", flat=True))
        with connection.cursor() as cursor:
            for position, entry in enumerate(entries, start=first + base):
                if entry.id not in held:
                    cursor.execute(f"{_ADD} {_MARKS}", _row(entry))
                cursor.execute("UPDATE store_logentry SET position = %s WHERE uid = %s", [position, entry.id])
        return len(entries) - len(held)

    def size(self) -> int:
        """Return how many entries of the present log have a position."""
        return int(LogEntry.objects.aggregate(last=Max("position", default=-1))["last"]) + 1 - self.base()

    def bodies(self, first: int, count: int) -> list[bytes]:
        """Return the bodies at ``count`` places of the present log from ``first`` on, fewer at the end."""
        return self.bodies_from(self.base() + first, count)

    def bodies_from(self, position: int, count: int) -> list[bytes]:
        """Return the bodies at ``count`` positions from ``position`` on, of whichever logs."""
        with connection.cursor() as cursor:
            cursor.execute(_BODIES, [position, count])
            return [bytes(body) for (body,) in cursor.fetchall()]

    def written_at(self, position: int) -> datetime | None:
        """Return when the entry at ``position`` was written; without it, the oldest that waits for one; or None."""
        with connection.cursor() as cursor:
            cursor.execute(_PLACED, [position + self.base()])
            placed = cursor.fetchone()
        return _moment(placed[0]) if placed else self.waiting()[1]

    def misfiled(self) -> Iterator[int | None]:
        """Yield the positions of entries that are found under something else than their bodies state.

        The columns repeat the body to look by; one that was changed hides an entry from whoever looks.  None is
        yielded for an entry without a position.
        """
        for row in LogEntry.objects.order_by("pk").iterator(chunk_size=1000):
            try:
                is_so = _entry(row) == replace(_entry_of(bytes(row.body)), position=row.position)
            except (ValueError, InputError):
                is_so = False
            if not is_so:
                yield row.position

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many entries wait for a position, and since when the oldest does."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            count, since = cursor.fetchone()
        return count, _moment(since)


def _moment(value: Any) -> datetime | None:
    """Return a moment as a cursor gives it: SQLite has none, and keeps a text."""
    convert = getattr(connection.ops, "convert_datetimefield_value", None)
    found: datetime | None = convert(value, None, connection) if convert else value
    return found


def _row(entry: Entry) -> tuple[Any, ...]:
    """Return an entry's values in the order of the columns."""
    return (
        entry.id,
        connection.ops.adapt_datetimefield_value(entry.at),
        entry.kind,
        entry.phase,
        entry.intent or "",
        entry.actor or "",
        entry.agency or "",
        entry.case or "",
        entry.request or "",
        entry.body,
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


def _entry_of(body: bytes) -> Entry:
    """Return the entry that a sealed body states, its private part excepted.

    Raises:
        InputError: ``log.entry-malformed``.
    """
    try:
        said = json.loads(body)
        return Entry(
            id=EntryId(said["id"]),
            at=datetime.fromisoformat(said["at"]),
            kind=str(said["kind"]),
            phase=Phase(said["phase"]),
            body=body,
            actor=said.get("actor"),
            agency=said.get("agency"),
            case=said.get("case"),
            request=said.get("request"),
            intent=said.get("intent"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("log.entry-malformed", N_("The sealed log holds what is no entry of a log.")) from error
