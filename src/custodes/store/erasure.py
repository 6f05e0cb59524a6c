"""Leaving nothing of a template in the database and the key store: its key, its ciphertext, and what journals hold."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from custodes.errors import Busy
from custodes.ids import KeyId, TemplateId
from custodes.store.database import raise_generation
from custodes.store.models import GalleryEntry, TemplateRow
from custodes.text import N_


def end_rows(templates: Sequence[TemplateId]) -> list[tuple[TemplateId, int]]:
    """End the living gallery rows of ``templates`` inside the open transaction; return every row they ever had.

    A row is named by its template and the generation of its birth.
    """
    rows = GalleryEntry.objects.filter(template__uid__in=templates)
    if rows.filter(died__isnull=True).exists():
        rows.filter(died__isnull=True).update(died=raise_generation())
    named = rows.order_by("pk").values_list("template__uid", "born")
    return [(TemplateId(uid), born) for uid, born in named]


def keys_of(templates: Sequence[TemplateId]) -> list[KeyId]:
    """Return the ids of the data keys of ``templates``."""
    rows = TemplateRow.objects.filter(uid__in=templates).order_by("pk")
    return [KeyId(key) for key in rows.values_list("key_uid", flat=True)]


def empty(templates: Sequence[TemplateId]) -> int:
    """Take the ciphertexts out of ``templates``, whose rows stay: old lists name them. Return how many there were."""
    return TemplateRow.objects.filter(uid__in=templates).update(ciphertext=b"")


def truncate_journal() -> None:
    """Bring what was changed into the database file, and leave nothing of what was there before in its journal.

    SQLite's pages are written over (``secure_delete``), but its write-ahead log still holds the old ones.  PostgreSQL
    keeps old rows until it vacuums, and its archive longer: there the destroyed key is all that counts.

    Raises:
        Busy: ``database.journal-in-use``: somebody has been reading for too long. What was changed stays changed.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, *_ = cursor.fetchone()
    if is_busy:
        raise Busy(
            "database.journal-in-use",
            N_("The database's journal could not be emptied, because another process is reading."),
            why=N_("It may still hold what was destroyed, as ciphertext whose key is gone."),
            hint=N_("Try again in %(seconds)d s."),
            seconds=5,
        )
