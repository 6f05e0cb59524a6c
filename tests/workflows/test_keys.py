"""Keys are seen, protected and replaced by administrators, and each change is in the log before a file is touched."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from tests.workflows.conftest import World

from custodes.app import build_services
from custodes.engine.fake import FakeEngine
from custodes.errors import CustodesError, InputError, Refused, SetupError
from custodes.imaging import LocalDecoder
from custodes.keyfile import is_protected, no_passphrase, protect, read_secret
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.events import KeyName
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.key_folder import create_log_keys, open_log_keys, read_log_keys
from custodes.ledger.keyring import Keyring
from custodes.store import rotation
from custodes.store.keys import create_master_key
from custodes.workflows import search as searching
from custodes.workflows.keys import keys, protect_key, rotate_log, rotate_master
from custodes.workflows.replay import replay

ORIGIN = "log.police.example/custodes"


@pytest.fixture
def log_keys(world: World) -> Keyring:
    return create_log_keys(world.services.config.log_key_dir, ORIGIN, os.urandom, at=1)


def _entries(world: World, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(entry["phase"], entry["facts"]) for entry in reversed(world.log(50)) if entry["kind"] == kind]


def _text(size: int) -> str:
    return str(Checkpoint(ORIGIN, size, bytes(32)))


# --- the master key ----------------------------------------------------------------------------------


def test_after_a_rotation_every_record_is_read_and_written_as_before(world: World) -> None:
    world.enrol(1)
    record = searching.search(world.services, world.as_("searcher"), request=world.approved(1))
    before = world.services.config.master_key_file.read_bytes()
    done = rotate_master(world.services, world.as_("administrator"), passphrase=no_passphrase)
    assert done.keys > 0
    assert world.services.config.master_key_file.read_bytes() != before
    world.enrol(2)
    assert replay(world.services, world.as_("auditor"), request=record.request).same
    again = build_services(world.services.config, make_engine=FakeEngine, make_decoder=LocalDecoder, threshold=0.5)
    again.vault.keys.close()  # type: ignore[attr-defined]
    assert _entries(world, "key.rotated") == [
        ("intended", {"key": "master"}),
        ("done", {"key": "master", "wrapped": done.keys, "finished_earlier": False, "begun": [], "ended": []}),
    ]


def test_an_interrupted_rotation_is_shown_and_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, "take_place", crash)
    with pytest.raises(KeyboardInterrupt):
        rotate_master(world.services, world.as_("administrator"), passphrase=no_passphrase)
    monkeypatch.undo()
    assert keys(world.services, world.as_("auditor"))[0].unfinished
    with pytest.raises(SetupError, match=r"keys\.rotation-unfinished"):
        protect_key(
            world.services,
            world.as_("administrator"),
            key=KeyName.MASTER,
            passphrase=no_passphrase,
            new_passphrase=b"word",
        )
    assert rotate_master(world.services, world.as_("administrator"), passphrase=no_passphrase).was_begun
    assert not keys(world.services, world.as_("auditor"))[0].unfinished


def test_the_master_key_is_put_under_a_passphrase_and_freed_of_it(world: World) -> None:
    boss, file = world.as_("administrator"), world.services.config.master_key_file
    before = read_secret(file)
    for word, new in ((None, b"one"), (b"one", b"two"), (b"two", None)):
        protect_key(world.services, boss, key=KeyName.MASTER, passphrase=lambda word=word: word, new_passphrase=new)
        assert is_protected(file) is (new is not None)
        assert keys(world.services, boss)[0].protected is (new is not None)
        assert read_secret(file, lambda new=new: new) == before
    assert [facts["protected"] for phase, facts in _entries(world, "key.protected") if phase == "done"] == [
        True,
        True,
        False,
    ]


def test_a_wrong_passphrase_changes_nothing_and_leaves_a_failed_entry(world: World) -> None:
    file = world.services.config.master_key_file
    protect(file, no_passphrase, b"word", os.urandom)
    kept = file.read_bytes()
    with pytest.raises(SetupError, match=r"key-file\.passphrase-wrong"):
        protect_key(
            world.services,
            world.as_("administrator"),
            key=KeyName.MASTER,
            passphrase=lambda: b"wrong",
            new_passphrase=None,
        )
    assert file.read_bytes() == kept
    phase, facts = _entries(world, "key.protected")[-1]
    assert (phase, facts["error"]) == ("failed", "key-file.passphrase-wrong")


# --- the log's keys ----------------------------------------------------------------------------------


def test_the_logs_keys_are_replaced_at_its_newest_checkpoint_and_old_ones_still_verify(
    world: World, log_keys: Keyring
) -> None:
    """Replacing a log's key invalidates no checkpoint that it signed."""
    config = world.services.config
    old = log_keys.sign(_text(7), 10)
    FolderTileStore(config.log_dir).write_checkpoint(old)
    new = rotate_log(world.services, world.as_("administrator"), passphrase=no_passphrase, overlap=timedelta(days=7))
    assert [use.since for use in new.uses] == [0, 0, 7, 7]
    published = read_log_keys(config.log_key_dir)
    at = int(world.clock.now().timestamp()) + 1
    assert published.open(old).size == 7
    assert published.open(new.sign(_text(8), at)).size == 8
    assert log_keys.open(new.sign(_text(8), at)).size == 8
    phase, facts = _entries(world, "key.rotated")[-1]
    assert phase == "done"
    assert (facts["size"], facts["overlap_s"], len(facts["ended"]), len(facts["begun"])) == (7, 604_800, 2, 2)


def test_new_log_keys_are_under_the_passphrase_of_the_old_ones(world: World, log_keys: Keyring) -> None:
    boss, folder = world.as_("administrator"), world.services.config.log_key_dir
    protect_key(world.services, boss, key=KeyName.LOG, passphrase=no_passphrase, new_passphrase=b"word")
    rotate_log(world.services, boss, passphrase=lambda: b"word")
    assert all(is_protected(path) for path in folder.glob("*.key"))
    assert len(open_log_keys(folder, lambda: b"word").signers) == 2
    states = keys(world.services, boss)
    assert [key.protected for key in states] == [False, None, None, True, True]


@pytest.mark.parametrize("days", [-1, 367])
def test_an_overlap_of_no_sense_is_refused(days: int, world: World, log_keys: Keyring) -> None:
    with pytest.raises(InputError, match=r"keys\.overlap"):
        rotate_log(world.services, world.as_("administrator"), passphrase=no_passphrase, overlap=timedelta(days=days))
    assert read_log_keys(world.services.config.log_key_dir).uses == log_keys.uses


def test_without_log_keys_only_the_master_key_is_shown(world: World) -> None:
    (only,) = keys(world.services, world.as_("auditor"))
    assert (only.name, only.use, only.protected) == (KeyName.MASTER, None, False)
    with pytest.raises(SetupError, match=r"ledger\.no-log-keys"):
        rotate_log(world.services, world.as_("administrator"), passphrase=no_passphrase)


# --- who may, and what the log says ------------------------------------------------------------------


@pytest.mark.parametrize("who", ["auditor", "supervisor", "searcher", "records officer"])
def test_only_administrators_change_keys(who: str, world: World) -> None:
    before = world.services.config.master_key_file.read_bytes()
    with pytest.raises(Refused):
        rotate_master(world.services, world.as_(who), passphrase=no_passphrase)
    with pytest.raises(Refused):
        rotate_log(world.services, world.as_(who), passphrase=no_passphrase)
    with pytest.raises(Refused):
        protect_key(world.services, world.as_(who), key=KeyName.MASTER, passphrase=no_passphrase, new_passphrase=None)
    assert world.services.config.master_key_file.read_bytes() == before


def test_a_process_that_was_not_kept_out_cannot_write_a_record_that_nobody_could_read(world: World) -> None:
    other = build_services(world.services.config, make_engine=FakeEngine, make_decoder=LocalDecoder, threshold=0.5)
    rotate_master(world.services, world.as_("administrator"), passphrase=no_passphrase)
    with pytest.raises(CustodesError, match=r"keys\.rotated"):
        other.vault.seal("uid", b"x")
    other.vault.keys.close()  # type: ignore[attr-defined]


def test_no_secret_reaches_the_log(world: World, log_keys: Keyring) -> None:
    """SEC-07."""
    boss = world.as_("administrator")
    protect_key(world.services, boss, key=KeyName.LOG, passphrase=no_passphrase, new_passphrase=b"a long passphrase")
    rotate_master(world.services, boss, passphrase=no_passphrase)
    secret = read_secret(world.services.config.master_key_file)
    text = str(world.log(50))
    assert "a long passphrase" not in text
    assert secret.hex() not in text


def test_a_planted_second_master_key_is_no_rotation_of_ours(world: World) -> None:
    """Attack: lay a key beside the master key and wait."""
    create_master_key(rotation.next_master_file(world.services.config.master_key_file), os.urandom)
    assert keys(world.services, world.as_("auditor"))[0].unfinished
