"""Counts that show whether database, key store and log belong together."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from custodes.errors import SetupError
from custodes.store.models import LogDetail, LogEntry, SealedImage, Search, TemplateRow
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
    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        raise SetupError(
            "database.damaged",
            N_("The database cannot be read."),
            hint=N_("Restore it from the last backup; its keys are kept apart and are still there."),
        ) from error


def is_intact() -> bool:
    """Return SQLite's own opinion of its file; other databases look after themselves."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check")
        return bool(cursor.fetchone()[0] == "ok")


def key_counts(path: Path) -> KeyCounts:
    """Compare the keys that records name with those the key store at ``path`` holds."""
    if not path.exists():
        raise SetupError(
            "keys.no-store", N_("There is no key store."), hint=N_("Put the key store's file back in its place.")
        )
    named: set[str] = set()
    for model, column in (
        (SealedImage, "key_uid"),
        (TemplateRow, "key_uid"),
        (LogDetail, "key_uid"),
        (Search, "template_key_uid"),
    ):
        named.update(model.objects.values_list(column, flat=True))
    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        held = {row[0] for row in reader.execute("SELECT uid FROM data_key")}
    finally:
        reader.close()
    return KeyCounts(sealed=len(named), missing=len(named - held), spare=len(held - named))


def log_size() -> int:
    """Return how many entries the log has."""
    return LogEntry.objects.count()


def open_intents() -> int:
    """Return how many outside effects are under way, or were interrupted and not yet noted."""
    answered = LogEntry.objects.exclude(intent="").values("intent")
    return LogEntry.objects.filter(phase=Phase.INTENDED).exclude(uid__in=answered).count()
