"""A new master key in the old one's place: whole, at whatever moment it is interrupted (SEC-02)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from custodes.errors import SetupError
from custodes.ids import KeyId
from custodes.keyfile import is_protected, no_passphrase, protect, read_secret
from custodes.store import keys, rotation
from custodes.store.keys import SqliteKeyStore, create_master_key
from custodes.store.rotation import Rotation, next_master_file, open_key_store, rotate_master_key


class Place:
    """A key store with its master key, opened as a process opens it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.master = folder / "keys.sqlite3", folder / "master.key"
        self.opened: list[SqliteKeyStore] = []
        create_master_key(self.master, os.urandom)

    def open(self, word: bytes | None = None) -> SqliteKeyStore:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        self.opened.append(open_key_store(self.store, self.master, lambda: word, os.urandom, lambda: now))
        return self.opened[-1]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "k")
    yield made
    for store in made.opened:
        store.close()


def _everything(store: SqliteKeyStore, minted: dict[KeyId, bytes]) -> bool:
    return store.fetch(list(minted)) == minted


def test_every_data_key_is_wrapped_anew_and_the_old_master_key_opens_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_KEYS_AT_ONCE", 3)
    store = place.open()
    minted, old = dict(store.mint(10)), place.master.read_bytes()
    wrapped = {row[0] for row in sqlite3.connect(place.store).execute("SELECT wrapped FROM data_key")}
    assert rotate_master_key(store, place.master, no_passphrase, os.urandom) == Rotation(10, was_begun=False)
    assert place.master.read_bytes() != old
    assert not next_master_file(place.master).exists()
    assert _everything(store, minted)
    assert _everything(place.open(), minted)
    with pytest.raises(SetupError, match=r"keys\.wrong-master-key"):
        SqliteKeyStore(place.store, old, os.urandom, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    raw = b"".join(path.read_bytes() for path in place.store.parent.iterdir())
    assert not [key for key in wrapped if key in raw]
    assert old not in raw


def test_a_process_that_still_has_the_old_key_neither_reads_nor_writes(place: Place) -> None:
    """Attack on oneself: a key minted under the old master key could never be read again."""
    running, store = place.open(), place.open()
    minted = dict(running.mint(2))
    rotate_master_key(store, place.master, no_passphrase, os.urandom)
    with pytest.raises(SetupError, match=r"keys\.rotated"):
        running.mint(1)
    with pytest.raises(SetupError, match=r"keys\.rotated"):
        running.fetch(list(minted))
    with pytest.raises(SetupError, match=r"keys\.rotated"):
        rotate_master_key(running, place.master, no_passphrase, os.urandom)
    assert store.count() == 2


@pytest.mark.parametrize("moment", ["before the new key", "before the store", "within the store", "before the file"])
def test_a_crash_at_any_moment_leaves_a_store_that_opens_and_a_rotation_that_can_be_finished(
    moment: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.open()
    minted = dict(store.mint(7))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    target = {
        "before the new key": (rotation, "write_new_file"),
        "before the store": (SqliteKeyStore, "rewrap"),
        "within the store": (SqliteKeyStore, "_unwrap"),
        "before the file": (rotation, "take_place"),
    }[moment]
    monkeypatch.setattr(*target, crash)
    with pytest.raises(KeyboardInterrupt):
        rotate_master_key(store, place.master, no_passphrase, os.urandom)
    monkeypatch.undo()

    again = place.open()
    assert _everything(again, minted)
    minted |= dict(again.mint(1))
    done = rotate_master_key(again, place.master, no_passphrase, os.urandom)
    assert done == Rotation(8, was_begun=moment != "before the new key")
    assert not next_master_file(place.master).exists()
    assert _everything(place.open(), minted)


def test_a_protected_master_key_is_followed_by_one_under_the_same_passphrase(place: Place) -> None:
    protect(place.master, no_passphrase, b"word", os.urandom)
    store = place.open(b"word")
    minted = dict(store.mint(2))
    rotate_master_key(store, place.master, lambda: b"word", os.urandom)
    assert is_protected(place.master)
    assert len(read_secret(place.master, lambda: b"word")) == 32
    assert _everything(place.open(b"word"), minted)
    with pytest.raises(SetupError, match=r"key-file\.passphrase-wrong"):
        place.open(b"other")


def test_another_key_beside_the_master_key_opens_nothing(place: Place) -> None:
    place.open().mint(1)
    create_master_key(next_master_file(place.master), os.urandom)
    place.master.write_bytes(bytes(32))
    with pytest.raises(SetupError, match=r"keys\.wrong-master-key"):
        place.open()


def test_a_planted_next_key_without_the_passphrase_is_not_taken(place: Place) -> None:
    """Attack: lay a key of one's own there, so that the owner's rotation puts the store under it unasked."""
    protect(place.master, no_passphrase, b"word", os.urandom)
    store = place.open(b"word")
    create_master_key(next_master_file(place.master), os.urandom)
    with pytest.raises(SetupError, match=r"keys\.next-not-protected"):
        rotate_master_key(store, place.master, lambda: b"word", os.urandom)
    assert store.works_with(read_secret(place.master, lambda: b"word"))
