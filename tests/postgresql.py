"""Which database the suite runs on, and its server: ``CUSTODES_TEST_DATABASE=postgresql`` asks for a real one.

One private server serves the whole run; the process that starts it tells the others (pytest-xdist's workers, children
of tests) where it is.  Tests connect as an ordinary role, neither superuser nor exempt from row-level security, so that
the fence between services stands in every test.  What a test itself asks of the tables is let through by a policy that
exists in test databases alone, and which :func:`as_the_product` lays down for as long as the product is at work.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

ROLE = "custodes_tests"
WANTED = os.environ.get("CUSTODES_TEST_DATABASE", "sqlite") == "postgresql"
_SOCKET = "CUSTODES_TEST_POSTGRESQL_SOCKET"
_LET_THROUGH = "current_setting('custodes.tests', true) = 'all'"

why_not = ""
"""Why there is no server although one is wanted."""


def server_socket() -> Path | None:
    """Return where the run's server listens, starting it in the first process that asks; None if there is none."""
    global why_not  # noqa: PLW0603 - one server per run is the point of this module
    if place := os.environ.get(_SOCKET):
        return Path(place)
    from tools.private_postgresql import SUPERUSER, NotAvailable, PrivatePostgres

    try:
        server = PrivatePostgres.start()
    except NotAvailable as error:
        why_not = str(error)
        return None
    atexit.register(server.stop)
    os.environ[_SOCKET] = str(server.socket)
    admin(f"CREATE ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS", url=server.url(SUPERUSER, SUPERUSER))
    return server.socket


def url(role: str, database: str) -> str:
    """Return the address of a database of the run's server."""
    return f"postgresql://{role}@/{database}?host={quote(os.environ[_SOCKET], safe='')}"


def new_database(copy_of: str = "") -> str:
    """Make a database for an installation of a test's own, empty or as another is now, and return its address."""
    name = f"installation_{uuid4().hex}"
    template = copy_of.partition("@/")[2].partition("?")[0] or "template1"
    admin(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}", url=url("postgres", "postgres"))
    return url(ROLE, name)


def past_the_fence(address: str) -> str:
    """Return the address of the same database for whoever looks at all of it: a superuser."""
    return address.replace(f"//{ROLE}@", "//postgres@")


def admin(*statements: str, url: str) -> list[tuple[Any, ...]]:
    """Run statements one by one, outside any transaction; return the rows of the last."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def database_files() -> list[Path]:
    """Return the files in which the server keeps the test database, everything written."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    ((folder,),) = admin(
        "CHECKPOINT", f"SELECT oid::text FROM pg_database WHERE datname = '{name}'", url=url("postgres", "postgres")
    )
    return [path for path in (Path(os.environ[_SOCKET]).parent / "data" / "base" / folder).iterdir() if path.is_file()]


def settings_url() -> str:
    """Return the ``DATABASE_URL`` for the suite's settings, empty for SQLite."""
    return url(ROLE, "custodes") if WANTED and server_socket() else ""


def let_tests_through() -> None:
    """Add to the test database the policy under which tests look at tables themselves."""
    from django.db import connection

    from custodes.store.fence import FENCED

    with connection.cursor() as cursor:
        for model in FENCED:
            table = model._meta.db_table
            cursor.execute(f"CREATE POLICY tests ON {table} USING ({_LET_THROUGH}) WITH CHECK ({_LET_THROUGH})")


@contextmanager
def as_the_product() -> Iterator[None]:
    """Show what follows only what the product itself would see."""
    from django.db import Error, connection

    if connection.vendor != "postgresql" or (connection.connection and connection.connection.closed):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('custodes.tests', true)")
        before = cursor.fetchone()[0]
    _let_through("")
    try:
        yield
    finally:
        # a transaction that was aborted takes the setting back with it
        with suppress(Error):
            _let_through(before or "")


def _let_through(what: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('custodes.tests', %s, false)", [what])


def fenced(acting_for: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands in for `acting_for` at the edge of every workflow: it also lays the tests' policy down."""

    @contextmanager
    def stricter(*arguments: Any) -> Iterator[None]:
        with as_the_product(), acting_for(*arguments):
            yield

    return stricter


@contextmanager
def log_that_may_be_emptied() -> Iterator[None]:
    """Lift what keeps the log's entries, for as long as a test's own traces are removed."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE store_logentry DISABLE TRIGGER log_entries_are_never_removed")
            yield
            cursor.execute("ALTER TABLE store_logentry ENABLE ALWAYS TRIGGER log_entries_are_never_removed")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            cursor.execute(sql)
