"""Every value of a closed list in words, in the active language; the words are those of `workflows.labels`."""

from __future__ import annotations

import enum
from typing import TypeVar

from django.utils.translation import gettext

from custodes.types import Barrier
from custodes.workflows.labels import action_words, barrier_words, event_words, member_words

E = TypeVar("E", bound=enum.StrEnum)


def label(member: enum.StrEnum) -> str:
    """Return a member of a closed list in words, in the active language."""
    return gettext(member_words(member))


def choices(kind: type[E]) -> list[tuple[str, str]]:
    """Return ``(value, words)`` of every member, in the list's order."""
    return [(member.value, label(member)) for member in kind]


def barrier_labels(barriers: Barrier) -> list[str]:
    """Return every reason for a quarantine in words; none if the photograph may be searched."""
    return [gettext(text) for text in barrier_words(barriers)]


def action_label(action: str) -> str:
    """Return what a person tried to do, in words."""
    return gettext(action_words(action))


def event_label(kind: str) -> str:
    """Return the kind of a log entry in words; a kind without words is shown as it is."""
    return gettext(event_words(kind))
