"""The key store (SEC-02): one wrapped key per record, in a file of its own, under a master key of its own."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.store.conftest import MASTER

from custodes.errors import Busy, SetupError
from custodes.ids import KeyId
from custodes.store import keys
from custodes.store.health import KeyCounts, _compare
from custodes.store.keys import SqliteKeyStore, create_master_key, read_master_key, readable_key_store


def _open(path: Path, master: bytes) -> SqliteKeyStore:
    return SqliteKeyStore(path, master, os.urandom, lambda: datetime(2026, 1, 1, tzinfo=UTC))


def _file(key_store: SqliteKeyStore) -> Path:
    return key_store._path


# --- the master key ---------------------------------------------------------------------------------


def test_a_new_master_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "master.key"
    before = os.umask(0)
    try:
        create_master_key(path, os.urandom)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(read_master_key(path)) == 32


def test_an_existing_master_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_master_key(path, os.urandom)
    kept = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_master_key(path, os.urandom)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o601])
def test_a_master_key_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_master_key(path, os.urandom)
    path.chmod(mode)
    with pytest.raises(SetupError, match=r"key-file\.exposed"):
        read_master_key(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31, b"x" * 33, b"ab" * 32])
def test_a_master_key_of_another_length_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(SetupError, match=r"key-file\.malformed"):
        read_master_key(path)


def test_a_missing_master_key_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        read_master_key(tmp_path / "nowhere")
    assert refusal.value.code == "keys.no-master-key"
    assert "No such file" in str(refusal.value)


def test_another_master_key_is_refused_before_anything_is_minted(key_store: SqliteKeyStore) -> None:
    key_store.mint(1)
    with pytest.raises(SetupError, match=r"keys\.wrong-master-key"):
        _open(_file(key_store), bytes(32))
    assert key_store.count() == 1


def test_an_altered_proof_is_refused(key_store: SqliteKeyStore) -> None:
    with sqlite3.connect(_file(key_store)) as connection:
        connection.execute("UPDATE proof SET wrapped = zeroblob(40)")
    connection.close()
    with pytest.raises(SetupError, match=r"keys\.wrong-master-key"):
        _open(_file(key_store), MASTER)


# --- data keys --------------------------------------------------------------------------------------


def test_minted_keys_are_found_again_by_another_process(key_store: SqliteKeyStore) -> None:
    minted = dict(key_store.mint(3))
    again = _open(_file(key_store), MASTER)
    assert again.fetch(list(minted)) == minted
    again.close()
    assert all(len(key) == 32 for key in minted.values())
    assert len(set(minted.values())) == 3


def test_more_keys_than_one_query_can_name_are_found(key_store: SqliteKeyStore) -> None:
    minted = dict(key_store.mint(1201))
    assert key_store.fetch(list(minted)) == minted


def test_keys_that_never_were_are_not_found(key_store: SqliteKeyStore) -> None:
    assert key_store.fetch([]) == {}
    assert key_store.fetch([KeyId("key_x")]) == {}


@pytest.mark.parametrize("wrapped", ["zeroblob(40)", "zeroblob(39)", "x''", "substr(wrapped, 2)"])
def test_an_altered_key_is_noticed(wrapped: str, key_store: SqliteKeyStore) -> None:
    ((uid, _),) = key_store.mint(1)
    with sqlite3.connect(_file(key_store)) as connection:
        connection.execute(f"UPDATE data_key SET wrapped = {wrapped}")
    connection.close()
    with pytest.raises(SetupError, match=r"keys\.altered"):
        key_store.fetch([uid])


def test_no_key_lies_in_the_file_unwrapped(key_store: SqliteKeyStore) -> None:
    minted = dict(key_store.mint(20))
    raw = b"".join(path.read_bytes() for path in _file(key_store).parent.iterdir())
    assert all(uid.encode() in raw for uid in minted)
    assert not any(key in raw for key in minted.values())
    assert MASTER not in raw


def test_a_destroyed_key_is_gone_from_every_file_of_the_store(key_store: SqliteKeyStore) -> None:
    """What destroys a record: its wrapped key may remain in no page and in no write-ahead log."""
    (kept, _), (gone, _) = key_store.mint(2)
    with sqlite3.connect(_file(key_store)) as connection:
        (wrapped,) = connection.execute("SELECT wrapped FROM data_key WHERE uid = ?", (gone,)).fetchone()
    connection.close()
    assert key_store.destroy([gone, KeyId("key_x")]) == 1
    assert key_store.fetch([kept, gone]).keys() == {kept}
    raw = b"".join(path.read_bytes() for path in _file(key_store).parent.iterdir())
    assert wrapped not in raw
    assert gone.encode() not in raw


def test_a_journal_that_somebody_reads_is_said_and_the_key_is_gone_all_the_same(
    key_store: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RET-06: a destruction is not acknowledged while an old page may still hold the key."""
    ((key, _),) = key_store.mint(1)
    monkeypatch.setattr(keys, "_PRAGMAS", keys._PRAGMAS.replace("30000", "50"))
    key_store.close()
    with closing(sqlite3.connect(key_store._path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM data_key").fetchone()
        with pytest.raises(Busy) as caught:
            key_store.destroy([key])
    assert caught.value.code == "keys.journal-in-use"
    assert key_store.fetch([key]) == {}
    assert key_store.destroy([key]) == 0


def test_the_file_is_for_its_owner_alone(key_store: SqliteKeyStore) -> None:
    assert stat.S_IMODE(_file(key_store).stat().st_mode) == 0o600


def test_threads_mint_without_losing_a_key(key_store: SqliteKeyStore) -> None:
    minted: list[KeyId] = []

    def work() -> None:
        for _ in range(10):
            minted.extend(uid for uid, _ in key_store.mint(2))
        key_store.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(key_store.fetch(minted)) == key_store.count() == 80


# --- damage -----------------------------------------------------------------------------------------


def test_a_crash_while_a_key_is_written_leaves_nothing_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "master.key"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupError, match=r"keys\.not-written"):
        create_master_key(path, os.urandom)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    create_master_key(path, os.urandom)
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_random_bytes_in_place_of_the_key_store_are_explained(tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite3").write_bytes(os.urandom(4096))
    with pytest.raises(SetupError, match=r"keys\.damaged"):
        _open(tmp_path / "keys.sqlite3", MASTER)


def test_a_key_store_that_is_kept_locked_is_not_called_damaged() -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    with pytest.raises(SetupError, match=r"keys\.busy"), readable_key_store():
        raise busy


def test_keys_and_records_are_compared_in_order() -> None:
    counts = _compare(iter(["a", "a", "b", "d"]), iter(["b", "c", "d", "e"]))
    assert counts == KeyCounts(sealed=3, missing=1, spare=2)
