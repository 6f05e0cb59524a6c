"""What one check of `custodes doctor` found."""

from __future__ import annotations

from dataclasses import dataclass, field

from custodes.text import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and if not what to do.

    ``points``: what the detail is made of, a sentence each.  A hint may come with what is well: it could be better.
    """

    name: Text
    is_well: bool
    detail: Text = field(default_factory=lambda: Text(""))
    hint: Text = field(default_factory=lambda: Text(""))
    points: tuple[Text, ...] = ()
