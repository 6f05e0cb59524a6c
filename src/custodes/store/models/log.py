"""The log's entries: appended, never changed but for the position each is given once (triggers see to both).

Their private part is kept apart.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from custodes.store.models.fields import choices, uid
from custodes.types import Phase


class LogEntry(models.Model):
    """One entry. ``body`` is the canonical JSON that is hashed; other columns repeat parts of it to look by.

    ``position``: its place in the tree, from 0, given by the sealer after the entry's transaction has committed.
    """

    position = models.PositiveBigIntegerField(unique=True, null=True)
    uid = uid()
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=40, db_index=True)
    phase = choices(Phase)
    intent = models.CharField(max_length=30, blank=True, db_index=True)
    actor = models.CharField(max_length=30, blank=True, db_index=True)
    agency = models.CharField(max_length=30, blank=True)
    case = models.CharField(max_length=30, blank=True, db_index=True)
    request = models.CharField(max_length=30, blank=True, db_index=True)
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            # AUD-09: no search in the log without a person, a case and a request.
            models.CheckConstraint(
                condition=~models.Q(kind="search") | ~(models.Q(actor="") | models.Q(case="") | models.Q(request="")),
                name="search_is_attributed",
            )
        ]
        indexes: ClassVar = [models.Index("id", condition=models.Q(position=None), name="waiting_to_be_sealed")]


class LogDetail(models.Model):
    """An entry's private part: sealed, destroyable; the entry holds only its salted commitment (AUD-05)."""

    entry = models.CharField(max_length=30, unique=True)
    key_uid = models.CharField(max_length=30)
    ciphertext = models.BinaryField()
