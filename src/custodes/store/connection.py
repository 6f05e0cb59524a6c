"""How the database is reached: a SQLite file of the installation's own, or a PostgreSQL server at an address.

`settings` asks here, before Django knows any model.  An address is read by libpq's own parser, so that it means here
what it means to every other tool (PostgreSQL 18, 32.1.1.2, *Connection URIs*); what it may say beyond place, person
and encryption is refused.  Nothing here repeats an address: it may hold a password.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from custodes.errors import SetupError
from custodes.text import N_

WAIT_SECONDS = 30
"""For how long one process waits for another that writes, on either database."""
_IDLE_SECONDS = 120
"""A transaction in which nothing happens for so long is ended: it keeps everybody else from writing."""
_DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
_ALLOWED = {
    *_DJANGO_NAMES,
    *("hostaddr", "passfile", "connect_timeout", "require_auth", "channel_binding", "target_session_attrs"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "gssencmode", "krbsrvname"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
}
_ENCRYPTED = {"require", "verify-ca", "verify-full"}
_SQLITE = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;PRAGMA foreign_keys=ON;"


def databases(url: str, file: Path) -> dict[str, dict[str, Any]]:
    """Return Django's ``DATABASES``: the PostgreSQL database at ``url`` or, if that is empty, the SQLite ``file``.

    Raises:
        SetupError: ``database.no-driver``, or ``database.address`` if ``url`` cannot be used.
    """
    return {"default": _postgresql(url) if url else _sqlite(file)}


def _sqlite(file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": WAIT_SECONDS, "init_command": _SQLITE},
    }


def _postgresql(url: str) -> dict[str, Any]:
    given = _parsed(url)
    from psycopg import IsolationLevel

    if unknown := sorted(given.keys() - _ALLOWED):
        raise _unusable(N_("It may not set %(name)s."), name=unknown[0])
    if not given.get("dbname"):
        raise _unusable(N_("It must name the database."))
    options: dict[str, Any] = {name: value for name, value in given.items() if name not in _DJANGO_NAMES}
    if _leaves_the_machine(given):
        options.setdefault("sslmode", "verify-full")
        if options["sslmode"] not in _ENCRYPTED:
            raise _unusable(N_("A server on another machine is reached encrypted: sslmode must not be weaker."))
    options.setdefault("connect_timeout", "10")
    # whatever the server's own default is: ADR 0013 says why this level is enough
    options["isolation_level"] = IsolationLevel.READ_COMMITTED
    options["options"] = f"-c lock_timeout={WAIT_SECONDS}s -c idle_in_transaction_session_timeout={_IDLE_SECONDS}s"
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{django: given.get(name, "") for name, django in _DJANGO_NAMES.items()},
        "OPTIONS": {**options, "application_name": "custodes"},
        # a page's thread keeps its connection, and tries it before it is used again
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _parsed(url: str) -> dict[str, str]:
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise SetupError(
            "database.no-driver",
            N_("DATABASE_URL names a PostgreSQL database, but the driver for it is not installed."),
            hint=N_("Install it with “pip install custodes[postgresql]”, or unset DATABASE_URL."),
        ) from error
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        pass  # libpq's own message repeats what it could not read, so it is let go
    raise _unusable(N_("It is not an address as libpq reads one."))


def _leaves_the_machine(given: dict[str, str]) -> bool:
    places = [*given.get("host", "").split(","), *given.get("hostaddr", "").split(",")]
    return any(place and not place.startswith(("/", "@")) and not _is_loopback(place) for place in places)


def _is_loopback(place: str) -> bool:
    try:
        return place == "localhost" or ip_address(place).is_loopback
    except ValueError:
        return False


def _unusable(why: str, **values: object) -> SetupError:
    return SetupError(
        "database.address",
        N_("DATABASE_URL cannot be used."),
        why=why,
        hint=N_("It looks like postgresql://USER@HOST/DATABASE?sslmode=verify-full; docs/postgresql.md explains it."),
        **values,
    )
