"""The answer to "may this happen?", with its rule and its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from custodes.errors import Refused
from custodes.text import Text


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, by which rule, why, and what the person can do about it."""

    allowed: bool
    rule: str
    reason: Text = field(default_factory=lambda: Text(""))
    hint: Text = field(default_factory=lambda: Text(""))

    def require(self) -> None:
        """Raise :class:`Refused`, carrying the rule, unless allowed."""
        if not self.allowed:
            raise Refused(self.rule, self.reason.template, why="", hint=self.hint.template, **self.reason.values)


def allowed(rule: str) -> Decision:
    """Return a permission given by ``rule``."""
    return Decision(True, rule)


def refused(rule: str, reason: str, hint: str, /, **values: object) -> Decision:
    """Return a refusal; ``reason`` and ``hint`` are gettext templates over ``values``."""
    return Decision(False, rule, Text(reason, values), Text(hint, values))
