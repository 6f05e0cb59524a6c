"""Sentences for people as JSON keeps them: templates and values, to be read in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from custodes.text import Text


def to_json(texts: Iterable[Text]) -> list[list[object]]:
    """Return texts as lists of a template and its values, which become numbers or text."""
    return [[text.template, {k: v if type(v) is int else str(v) for k, v in text.values.items()}] for text in texts]


def from_json(stored: Sequence[Sequence[Any]]) -> tuple[Text, ...]:
    """Return the texts that :func:`to_json` made."""
    return tuple(Text(template, values) for template, values in stored)
