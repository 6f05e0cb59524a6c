"""Transactions and the two counters of the database: the gallery's generation and the log's size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.models import F

from custodes.errors import SetupError
from custodes.store.models import Generation, LogHead
from custodes.text import N_


@contextmanager
def readable_database() -> Iterator[None]:
    """Turn what the database says of itself into our error; what it says of a row it was given passes.

    Raises:
        SetupError: ``database.busy`` or ``database.damaged``.
    """
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except DatabaseError as error:
        if "locked" in str(error):
            raise SetupError(
                "database.busy",
                N_("Another process has kept the database to itself for too long."),
                hint=N_("Try again; if it lasts, find the process that hangs."),
            ) from error
        raise SetupError(
            "database.damaged",
            N_("The database cannot be read."),
            hint=N_("Restore it from the last backup; its keys are kept apart and are still there."),
        ) from error


def check_readable() -> None:
    """Read one row. Raises SetupError ``database.damaged`` or ``database.busy``."""
    with readable_database():
        LogHead.objects.first()


def transaction_of_its_own() -> AbstractContextManager[None]:
    """Return a transaction that commits by itself; an error if one is already open.

    Every workflow that changes rows opens one, so that its changes and its log entries stand or fall together.
    """
    return transaction.atomic(durable=True)


def in_transaction() -> bool:
    """Return whether a transaction is open."""
    return connection.in_atomic_block


def raise_generation() -> int:
    """Raise the gallery's generation by one inside the open transaction and return it."""
    Generation.objects.get_or_create(pk=1)
    Generation.objects.filter(pk=1).update(number=F("number") + 1)
    return Generation.objects.values_list("number", flat=True).get(pk=1)


def present_generation() -> int:
    """Return the gallery's generation; 0 before anything was enrolled."""
    return Generation.objects.filter(pk=1).values_list("number", flat=True).first() or 0
