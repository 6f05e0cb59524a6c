"""Transactions, what a database says of itself, and the gallery's generation.

Whoever changes the same things stands in one queue (:class:`Queue`): a transaction takes its turn when it begins and
holds it until it commits, so what it reads of these things still holds then, without any isolation level above READ
COMMITTED.  On PostgreSQL a turn is an advisory lock, and other queues do not wait; SQLite has one writer for all.  What
writes a log entry alone stands in no queue, so that nobody's long transaction keeps a refusal or a view from being
logged.  Readers never wait (ADR 0020).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError, connection, transaction

from custodes.errors import InputError, SetupError
from custodes.ids import Id
from custodes.store.models import Generation
from custodes.store.statements import Statement
from custodes.text import N_

_RAISE = """
INSERT INTO store_generation (id, number, stated) VALUES (1, 1, 0)
ON CONFLICT (id) DO UPDATE SET number = store_generation.number + 1 RETURNING number
"""
# PostgreSQL 18, Appendix A: lock not available, deadlock, serialization, query cancelled
_BUSY = ("55P03", "40P01", "40001", "57014")
# connection exceptions, wrong password or role, no such database, resources, server stopped or stopping, idle too long
_UNREACHABLE = ("08", "28", "3D", "53", "57P", "25P03")
_NOT_ALLOWED = "42501"


@contextmanager
def readable_database() -> Iterator[None]:
    """Turn what the database says into our error; what it says of a row that contradicts another passes.

    Raises:
        SetupError: ``database.busy``, ``database.unreachable``, ``database.not-allowed`` or ``database.damaged``.
        InputError: ``input.not-storable``, which only a server says: SQLite holds no value to its column.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DataError as error:
        raise InputError(
            "input.not-storable",
            N_("A text is too long, or holds a character that cannot be kept."),
            hint=N_("Shorten it, or type it anew instead of pasting it."),
        ) from error
    except Error as error:
        raise _explained(error) from error


def _explained(error: Error) -> SetupError:
    state = _state(error)
    if state.startswith(_BUSY):
        return SetupError(
            "database.busy",
            N_("Another process has kept the database to itself for too long."),
            hint=N_("Try again; if it lasts, find the process that hangs."),
        )
    if state.startswith(_UNREACHABLE):
        return SetupError(
            "database.unreachable",
            N_("The database server cannot be reached, or has ended the connection."),
            why=N_("What was not finished was not written."),
            hint=N_("Check that it runs and that DATABASE_URL is right, then try again."),
        )
    if state == _NOT_ALLOWED:
        return SetupError(
            "database.not-allowed",
            N_("The database server does not allow this to the role that DATABASE_URL names."),
            hint=N_("Tables are made and changed by their owner: docs/postgresql.md says which role does what."),
        )
    return SetupError(
        "database.damaged",
        N_("The database cannot be read."),
        hint=N_("Restore it from the last backup; its keys are kept apart and are still there."),
    )


def _state(error: Error) -> str:
    """Return the SQLSTATE of an error, made up where the server could not send one or SQLite has none."""
    if connection.vendor == "sqlite":
        return _BUSY[0] if "locked" in str(error) else ""
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    # what the driver says without the server is that there is no server to ask
    return state or (_UNREACHABLE[0] if isinstance(error, OperationalError | InterfaceError) else "")


def check_readable() -> None:
    """Read one row. Raises SetupError as :func:`readable_database`."""
    with readable_database():
        Generation.objects.first()


def is_there(file: Path) -> bool:
    """Return whether there is a database of ours: the SQLite ``file``, or tables of ours on a server.

    Raises:
        SetupError: as :func:`readable_database`.
    """
    if connection.vendor == "sqlite":
        return file.exists()
    with readable_database():
        return Generation._meta.db_table in connection.introspection.table_names()


@dataclass(frozen=True, slots=True)
class Queue:
    """Those who change the same things, one at a time; ``of`` narrows it to one thing, such as one case."""

    name: str
    of: str = ""

    def number(self) -> int:
        """Return the 64-bit number of the queue's advisory lock."""
        return int.from_bytes(hashlib.sha256(f"{self.name}\0{self.of}".encode()).digest()[:8], "big", signed=True)


PEOPLE = Queue("people")
"""Services, agreements, accounts, roles, sign-ins."""
GALLERY = Queue("gallery")
"""Records, photographs, corrections, and jobs, which change them; generations commit in their order."""
PACKS = Queue("packs")
SEALING = Queue("sealing")
"""Positions in the log."""


def case_queue(case: Id | None) -> Queue:
    """Return the queue of those who change one case, its probes, requests and searches."""
    return Queue("case", str(case))


def openings(agency: Id) -> Queue:
    """Return the queue of those who open a case of one service."""
    return Queue("openings", str(agency))


@contextmanager
def transaction_of_its_own(queue: Queue) -> Iterator[None]:
    """Open a transaction that commits by itself, when its turn has come; an error if one is already open.

    Every workflow that changes rows opens one, so that its changes and its log entries stand or fall together.
    """
    with transaction.atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [queue.number()])
        yield
        if queue == GALLERY:
            _require_stated()


def transaction_without_queue() -> AbstractContextManager[None]:
    """Open a transaction that commits by itself and only adds: what it adds hangs on nothing that others change."""
    return transaction.atomic(durable=True)


def in_transaction() -> bool:
    """Return whether a transaction is open."""
    return connection.in_atomic_block


def raise_generation() -> int:
    """Raise the gallery's generation by one inside the open transaction and return it."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISE)
        number: int = cursor.fetchone()[0]
    return number


def _require_stated() -> None:
    """Refuse to commit a change of the gallery that the log does not state (AUD-01).

    Raises:
        RuntimeError: a workflow forgot `store.balance.changes`.
    """
    row = Generation.objects.first()
    if row and row.number != row.stated:
        raise RuntimeError("the gallery was changed without an entry in the log")


def present_generation() -> int:
    """Return the gallery's generation; 0 before anything was enrolled."""
    found = _GENERATION.first()
    return int(found[0]) if found else 0


_GENERATION = Statement(lambda: Generation.objects.filter(pk=1).values_list("number"))
