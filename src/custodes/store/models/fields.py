"""Columns that every table shares."""

from __future__ import annotations

from typing import Any

from django.db import models


def uid() -> models.CharField[str, str]:
    """Return the column of a random public id (see `custodes.ids`): the only name a row has outside the store."""
    return models.CharField(max_length=30, unique=True, editable=False)


def choices(kind: Any, **options: Any) -> models.CharField[str, str]:
    """Return a column that holds one member of a closed enumeration."""
    longest = max(len(member.value) for member in kind)
    return models.CharField(max_length=longest + 8, choices=[(m.value, m.name) for m in kind], **options)
