"""Transactions and the two counters of the database: the gallery's generation and the log's size."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.db import connection, transaction
from django.db.models import F

from custodes.store.models import Generation


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
