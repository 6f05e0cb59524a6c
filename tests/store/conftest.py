"""A vault of a test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.postgresql import WANTED
from tests.workflows.conftest import committed, config, services, world

from custodes.store.keys import SqliteKeyStore
from custodes.store.vault import Vault

__all__ = ["committed", "config", "services", "world"]

# what only a server can do; `make test` has a pass on one
collect_ignore_glob = [] if WANTED else ["test_postgresql*.py"]

MASTER = bytes(range(32))


@pytest.fixture
def key_store(tmp_path: Path) -> Iterator[SqliteKeyStore]:
    keys = SqliteKeyStore(tmp_path / "k" / "keys.sqlite3", MASTER, os.urandom, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    yield keys
    keys.close()


@pytest.fixture
def vault(key_store: SqliteKeyStore) -> Vault:
    return Vault(key_store, os.urandom)
