"""Events of what did not happen: refused by policy, or given in a form that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import Id
from custodes.ledger.events.base import Alone
from custodes.ledger.events.fields import Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class _NotDone(Alone):
    """What was asked, and why it was not done."""

    asked_of: Target[tuple[Id, ...]] = ()
    """what it was asked of"""
    action: Code
    """what was asked: policy's name of the action, or that of a page or a command"""
    code: Code
    """the rule that refused, or the error's code"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRefused(_NotDone):
    """Policy refused an action."""

    kind = EventKind.ACTION_REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRejected(_NotDone):
    """A file, field or row could not be used."""

    kind = EventKind.INPUT_REJECTED
