"""The log's three patterns: who may rely on what, and when.

*Row effects* (:meth:`Ledger.with_rows`): the effect is rows of the same database.  Entry and change commit in one
transaction, or neither does.

*Alone* (:meth:`Ledger.alone`): refusals, views, failed sign-ins.  There is nothing to change, so the entry commits
by itself, before the response; a workflow that was rolled back still leaves its refusal behind.

*Outside effects* (:meth:`Ledger.outside`): a file, a key, a list that is shown.  No transaction spans them, so an
``intended`` entry commits first, then the effect happens (it must be idempotent), then a ``done`` entry commits.  An
intent that was never answered (the process died) is found at the next start and closed as ``interrupted``.

This module is not yet a tamper-evident log: the tree, its tiles and witnesses are built over these entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from custodes.errors import CustodesError, InputError
from custodes.ids import EntryId
from custodes.ledger.canonical import canonical
from custodes.ledger.events import Alone, Deed, Event, OutsideEffect, Result, RowEffect
from custodes.ledger.protocol import EntryStore
from custodes.ledger.tiles import MAX_ENTRY_BYTES
from custodes.text import N_
from custodes.types import Context, Entry, Phase

_SALT_BYTES = 16
R = TypeVar("R", bound=Result)


class Outcome(Generic[R]):
    """What an outside effect came to, filled in while it happens and written into the ``done`` entry."""

    def __init__(self, ledger: Ledger, event: Event[OutsideEffect[R]], intent: EntryId) -> None:
        self._ledger = ledger
        self.event = event
        self.intent = intent
        self.answered = False

    def state(self, result: R) -> None:
        """Say what the effect came to, in the entry that will close the intent."""
        self.event = self.event.came_to(result)

    def done_with_rows(self) -> EntryId:
        """Close the intent inside the open transaction that stores its result, not after it."""
        done = self._ledger.answer(self.event, Phase.DONE, self.intent)
        self.answered = True
        return done


class Ledger:
    """Writes events to an :class:`EntryStore`."""

    def __init__(self, entries: EntryStore) -> None:
        self._entries = entries

    def with_rows(self, *events: Event[RowEffect]) -> list[EntryId]:
        """Pattern *row effects*: add the entries to the transaction that is open.

        Raises:
            RuntimeError: no transaction is open, so entry and effect could part.
        """
        if not self._entries.in_transaction():
            raise RuntimeError("a row effect must be logged inside the transaction that makes it")
        return self._add([_entry(event, Phase.EFFECT) for event in events])

    def alone(self, *events: Event[Alone]) -> list[EntryId]:
        """Pattern *alone*: commit the entries by themselves, before anything is shown."""
        with self._entries.own_transaction():
            return self._add([_entry(event, Phase.ALONE) for event in events])

    @contextmanager
    def outside(self, event: Event[OutsideEffect[R]]) -> Iterator[Outcome[R]]:
        """Pattern *outside effects*: ``intended`` is committed on entry, ``done`` on leaving.

        An error inside closes the intent as ``failed`` with the error's code, which is its one entry, and is raised
        again.
        """
        intent = _entry(event, Phase.INTENDED)
        with self._entries.own_transaction():
            self._add([intent])
        outcome = Outcome(self, event, intent.id)
        try:
            yield outcome
        except Exception as error:
            code = error.code if isinstance(error, CustodesError) else type(error).__name__
            with self._entries.own_transaction():
                self.answer(event.failed(code), Phase.FAILED, intent.id)
            if isinstance(error, CustodesError):
                error.is_logged = True
            raise
        if not outcome.answered:
            with self._entries.own_transaction():
                self.answer(outcome.event, Phase.DONE, intent.id)

    def answer(self, event: Event[Deed], phase: Phase, intent: EntryId) -> EntryId:
        """Add the entry that closes ``intent`` to the transaction that is open."""
        return self._add([_entry(event, phase, intent)])[0]

    def close_interrupted(self, context: Context, *, before: datetime | None = None) -> int:
        """Close every intent that nobody answered as ``interrupted``; return how many there were.

        Called when an installation starts, before anything else is done with it. With ``before`` only intents that
        were written earlier are closed: the others may be another process's, still at work.
        """
        intents = [intent for intent in self._entries.open_intents() if before is None or intent.at < before]
        if not intents:
            return 0
        with self._entries.own_transaction():
            self._add([_interruption(intent, context) for intent in intents])
        return len(intents)

    def _add(self, entries: Sequence[Entry]) -> list[EntryId]:
        self._entries.add(entries)
        return [entry.id for entry in entries]


def commitment(salt: bytes, private: bytes) -> str:
    """Return SHA-256(salt ‖ private) in hex: binds the log to a text that can later be destroyed."""
    return hashlib.sha256(salt + private).hexdigest()


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _private(event: Event[Deed]) -> bytes:
    """Return the private part as canonical JSON; what is not Unicode (a file name can be anything) is escaped."""
    texts = {key: text.encode("utf-8", "backslashreplace").decode() for key, text in event.private.items()}
    return canonical(texts) if texts else b""


def _entry(event: Event[Deed], phase: Phase, intent: EntryId | None = None) -> Entry:
    event.check(phase)
    context = event.context
    entry_id = EntryId.new(context.entropy)
    now = context.now()
    private = _private(event)
    salt = context.entropy(_SALT_BYTES) if private else b""
    body: dict[str, object] = {
        "id": entry_id,
        "at": _timestamp(now),
        "kind": event.kind,
        "phase": phase,
        "intent": intent,
        "actor": context.actor,
        "agency": context.agency,
        "role": context.role,
        "case": context.case,
        "request": context.request,
        "trace": context.trace,
        "targets": list(event.targets),
        "facts": dict(event.facts),
        "private": commitment(salt, private) if private else None,
    }
    return Entry(
        id=entry_id,
        at=now,
        kind=event.kind,
        phase=phase,
        body=_leaf(body),
        actor=context.actor,
        agency=context.agency,
        case=context.case,
        request=context.request,
        intent=intent,
        salt=salt,
        private=private,
    )


def _interruption(intent: Entry, context: Context) -> Entry:
    """Return the entry that closes an intent nobody answered; its private part stays with the intent alone."""
    entry_id = EntryId.new(context.entropy)
    now = context.now()
    body: dict[str, object] = json.loads(intent.body)
    body.update(id=entry_id, at=_timestamp(now), phase=Phase.INTERRUPTED, intent=intent.id, private=None)
    return replace(
        intent,
        id=entry_id,
        at=now,
        phase=Phase.INTERRUPTED,
        body=_leaf(body),
        intent=intent.id,
        salt=b"",
        private=b"",
        position=None,
    )


def _leaf(body: Mapping[str, object]) -> bytes:
    """Return the leaf that states ``body``.

    Raises:
        InputError: ``log.entry-too-long``.
    """
    leaf = canonical(body)
    if len(leaf) > MAX_ENTRY_BYTES:
        raise InputError(
            "log.entry-too-long",
            N_("This cannot be done at once: its log entry would be too long."),
            hint=N_("Do it in several parts."),
        )
    return leaf
