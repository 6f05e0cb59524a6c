"""How an address becomes a connection: what it may say, what it may not, and that it is never repeated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from custodes.config import Config
from custodes.errors import SetupError
from custodes.store.connection import databases

SECRET = "s3cret-w0rd"


def _read(url: str) -> dict[str, Any]:
    return databases(url, Path("/nowhere/custodes.sqlite3"))["default"]


def test_without_an_address_the_database_is_a_file_locked_from_the_first_statement() -> None:
    sqlite = _read("")
    assert (sqlite["ENGINE"], str(sqlite["NAME"])) == ("django.db.backends.sqlite3", "/nowhere/custodes.sqlite3")
    assert sqlite["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "secure_delete=ON" in sqlite["OPTIONS"]["init_command"]


def test_an_address_is_read_as_libpq_reads_it() -> None:
    """PostgreSQL 18, 32.1.1.2: percent-encoding, a socket's folder as host, parameters."""
    read = _read(f"postgresql://a%40b:{SECRET}%2F%20x@/my%20db?host=%2Frun%2Fpg&port=5433&connect_timeout=3")
    assert {name: read[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "my db",
        "USER": "a@b",
        "PASSWORD": f"{SECRET}/ x",
        "HOST": "/run/pg",
        "PORT": "5433",
    }
    assert read["OPTIONS"]["connect_timeout"] == "3"
    assert "lock_timeout=30s" in read["OPTIONS"]["options"]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_both_schemes_of_libpq_are_known(scheme: str) -> None:
    assert _read(f"{scheme}://u@[::1]:5432/d")["HOST"] == "::1"


@pytest.mark.parametrize(
    "place",
    ["db.example", "192.0.2.7", "127.0.0.1.example", "localhost.example", "[2001:db8::1]", "localhost,db.example"],
)
def test_to_another_machine_the_servers_certificate_is_checked(place: str) -> None:
    """SEC-02: encrypted in transit."""
    assert _read(f"postgresql://u@{place}/d")["OPTIONS"]["sslmode"] == "verify-full"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", ""])
@pytest.mark.parametrize("address", ["postgresql://u@db.example/d?", "postgresql://u@localhost/d?hostaddr=192.0.2.7&"])
def test_no_weaker_way_to_another_machine_is_taken(address: str, mode: str) -> None:
    """SEC-02; ``hostaddr`` is where the connection really goes."""
    with pytest.raises(SetupError, match=r"database\.address.*encrypted"):
        _read(f"{address}sslmode={mode}")


@pytest.mark.parametrize("place", ["", "localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_on_this_machine_nothing_is_asked_of_the_way(place: str) -> None:
    assert "sslmode" not in _read(f"postgresql://u@{place}/d")["OPTIONS"]


@pytest.mark.parametrize(
    "parameter",
    [
        "options=-c%20custodes.agencies%3Dall",
        "options=-c%20row_security%3Doff",
        "service=elsewhere",
        "application_name=psql",
        "replication=database",
    ],
)
def test_an_address_does_not_reach_into_the_session(parameter: str) -> None:
    """Attack: state another service, or switch the fence off, by the address."""
    with pytest.raises(SetupError, match=r"database\.address"):
        _read(f"postgresql://u@/d?{parameter}")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}%zz@localhost/d",
        f"postgresql://u:{SECRET}@localhost/d?nonsense={SECRET}",
        f"postgresql://u:{SECRET}@[::1/d",
        f"postgresql://u:{SECRET}%00@localhost/d",
        f"postgresql://u:{SECRET}@localhost",
        f"postgresql://u:{SECRET}@localhost/d?options={SECRET}",
        f"postgresql://u:{SECRET}@db.example/d?sslmode=disable",
        "postgresql://",
    ],
)
def test_what_cannot_be_used_is_refused_and_never_repeated(url: str) -> None:
    """SEC-07: not in the error, not in what it was raised from, not in its values."""
    with pytest.raises(SetupError) as refusal:
        _read(url)
    error: BaseException | None = refusal.value
    assert refusal.value.code == "database.address"
    while error is not None:
        assert SECRET not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite:///x", "host=x dbname=d", "POSTGRESQL://u@h/d", SECRET])
def test_another_kind_of_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(SetupError, match=r"config\.malformed.*DATABASE_URL") as refusal:
        Config.from_environment({"DATABASE_URL": url})
    assert SECRET not in str(refusal.value)


def test_a_configuration_that_is_printed_holds_no_address() -> None:
    """SEC-07."""
    config = Config.from_environment({"DATABASE_URL": f"postgresql://u:{SECRET}@localhost/d"})
    assert SECRET in config.database_url
    assert SECRET not in repr(config)
    assert SECRET not in repr(dict(config.in_force()))
    assert dict(config.in_force())["DATABASE_URL"] == "postgresql://…"
    assert dict(Config.from_environment({}).in_force())["DATABASE_URL"] == ""


def test_without_the_driver_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupError, match=r"database\.no-driver.*custodes\[postgresql\]"):
        _read("postgresql:///d")
