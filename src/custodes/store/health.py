"""Counts that show whether database, key store and log belong together."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Exists, OuterRef
from django.db.models.functions import Collate

from custodes.errors import SetupError
from custodes.store.database import readable_database
from custodes.store.fence import FENCED, examining
from custodes.store.keys import readable_key_store
from custodes.store.models import AlignedFaces, LogDetail, LogEntry, SealedImage, Search, TemplateRow
from custodes.text import N_
from custodes.types import Phase


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """``sealed`` records; ``missing``: those whose key is gone; ``spare``: keys that no record uses.

    A spare key is what a process leaves that dies between minting keys and storing what they seal; it opens nothing.
    """

    sealed: int
    missing: int
    spare: int


def pending_migrations() -> int:
    """Return how many changes of the database's structure have not been applied."""
    with readable_database():
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def is_intact() -> bool:
    """Return SQLite's own opinion of its file; other databases look after themselves."""
    if connection.vendor != "sqlite":
        return True
    with readable_database(), connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check")
        return bool(cursor.fetchone()[0] == "ok")


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a database server says of our connection.

    ``is_owner``: the role may change the tables themselves, or is a superuser.  ``is_private``: what is sent stays on
    this machine or is encrypted.  ``unfenced``: tables on which row-level security does not bind this role.
    """

    role: str
    is_superuser: bool
    is_owner: bool
    is_private: bool
    unfenced: tuple[str, ...]


_SERVER = """
SELECT current_user, rolsuper OR rolbypassrls, pg_has_role(relowner, 'USAGE'),
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
       OR inet_client_addr() IS NULL OR inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1',
       ARRAY(SELECT name FROM unnest(%s::text[]) AS name WHERE NOT row_security_active(name))
FROM pg_roles, pg_class WHERE rolname = current_user AND pg_class.oid = 'store_logentry'::regclass
"""


def server_state() -> ServerState | None:
    """Return what the server says, or None where the database is a file."""
    if connection.vendor == "sqlite":
        return None
    with readable_database(), connection.cursor() as cursor:
        cursor.execute(_SERVER, [[model._meta.db_table for model in FENCED]])
        role, is_superuser, is_owner, is_private, unfenced = cursor.fetchone()
    return ServerState(role, is_superuser, is_owner, is_private, tuple(unfenced))


def key_counts(path: Path) -> KeyCounts:
    """Compare the keys that records name with those the key store at ``path`` holds, holding neither list in memory.

    Raises:
        SetupError: ``keys.no-store``, ``keys.damaged`` or ``database.damaged``.
    """
    if not path.exists():
        raise SetupError(
            "keys.no-store", N_("There is no key store."), hint=N_("Put the key store's file back in its place.")
        )
    with readable_database(), readable_key_store(), examining():
        reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            held = (uid for (uid,) in reader.execute("SELECT uid FROM data_key ORDER BY uid"))
            return _compare(_named_keys(), held)
        finally:
            reader.close()


def _named_keys() -> Iterator[str]:
    """Yield the keys that records name, in order; a table's rows are sorted by the database, which may use its disk."""
    columns = (
        (SealedImage, "key_uid"),
        (TemplateRow, "key_uid"),
        (AlignedFaces, "key_uid"),
        (LogDetail, "key_uid"),
        (Search, "template_key_uid"),
    )
    return heapq.merge(
        *(model.objects.order_by(_bytewise(name)).values_list(name, flat=True).iterator() for model, name in columns)
    )


def _bytewise(column: str) -> Collate | str:
    """Return the order that Python and the key store know, whatever language a server sorts in."""
    return column if connection.vendor == "sqlite" else Collate(column, "C")


def _compare(named: Iterator[str], held: Iterator[str]) -> KeyCounts:
    sealed = missing = spare = 0
    marked = heapq.merge(((uid, True) for uid in named), ((uid, False) for uid in held))
    for _, group in groupby(marked, key=itemgetter(0)):
        sides = {is_named for _, is_named in group}
        sealed += True in sides
        missing += sides == {True}
        spare += sides == {False}
    return KeyCounts(sealed, missing, spare)


def log_size() -> int:
    """Return how many entries the log has."""
    with readable_database():
        return LogEntry.objects.count()


def open_intents(*, before: datetime) -> tuple[int, int]:
    """Return how many outside effects nobody has answered, and how many of them began earlier than ``before``."""
    answers = LogEntry.objects.filter(intent=OuterRef("uid"))
    unanswered = LogEntry.objects.filter(~Exists(answers), phase=Phase.INTENDED)
    with readable_database():
        return unanswered.count(), unanswered.filter(at__lt=before).count()
