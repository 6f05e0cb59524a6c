"""Sentences for people, kept apart from the language they will be read in.

The rooms that know no web and no database still have to explain themselves.  They do so with a
:class:`Text`: an English template and its values.  `web` and `cli` translate the template (gettext)
just before showing it.  This module translates nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def N_(template: str) -> str:  # noqa: N802 - the conventional gettext marker for "extract, do not translate yet"
    """Mark ``template`` for extraction into the message catalogue and return it unchanged."""
    return template


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence: a ``%(name)s`` template in English, and the values it is filled with."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def render(self, translate: Callable[[str], str] = str) -> str:
        """Return the sentence, its template passed through ``translate`` first."""
        template = translate(self.template) if self.template else ""
        return template % self.values if self.values else template

    def __str__(self) -> str:
        return self.render()
