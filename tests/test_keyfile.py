"""Secret files: plain or under a passphrase, for their owner alone, one clear error for everything else (SEC-02)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.errors import SetupError
from custodes.keyfile import (
    destroy_file,
    is_protected,
    no_passphrase,
    passphrase_bytes,
    passphrase_file,
    protect,
    read_secret,
    replace_file,
    secret_file,
    take_place,
    write_new_file,
)
from custodes.protected import Cost

SECRET = bytes(range(32))
CHEAP = Cost(memory=64, passes=1, lanes=1)
WORD = b"correct horse"


def _word() -> bytes:
    return WORD


def _file(tmp_path: Path, passphrase: bytes | None = WORD) -> Path:
    path = tmp_path / "a.key"
    write_new_file(path, secret_file(SECRET, passphrase, os.urandom, cost=CHEAP))
    return path


def _code(path: Path, word: bytes | None = WORD) -> str:
    with pytest.raises(SetupError) as caught:
        read_secret(path, lambda: word)
    assert caught.value.what.template
    assert caught.value.hint.template
    assert WORD.decode() not in str(caught.value)
    return caught.value.code


def test_a_plain_secret_is_its_32_bytes(tmp_path: Path) -> None:
    path = _file(tmp_path, None)
    assert path.read_bytes() == SECRET
    assert read_secret(path, lambda: pytest.fail("asked for a passphrase")) == SECRET
    assert not is_protected(path)


def test_a_protected_secret_comes_back_with_its_passphrase(tmp_path: Path) -> None:
    path = _file(tmp_path)
    assert is_protected(path)
    assert read_secret(path, _word) == SECRET
    assert SECRET not in path.read_bytes()
    assert path.read_bytes().splitlines()[1] == b"argon2id 64 1 1"


def test_the_default_cost_is_that_of_the_rfc(tmp_path: Path) -> None:
    """RFC 9106, section 4: the second recommended option."""
    path = tmp_path / "a.key"
    write_new_file(path, secret_file(SECRET, WORD, os.urandom))
    assert path.read_bytes().splitlines()[1] == b"argon2id 65536 3 4"
    assert read_secret(path, _word) == SECRET


def test_two_files_of_one_secret_and_passphrase_have_nothing_in_common() -> None:
    one, other = (secret_file(SECRET, WORD, os.urandom, cost=CHEAP).splitlines()[2:] for _ in range(2))
    assert not set(one) & set(other)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(_file(tmp_path).stat().st_mode) == 0o600


def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    assert _code(_file(tmp_path), b"wrong") == "key-file.passphrase-wrong"


def test_without_a_passphrase_one_is_asked_for(tmp_path: Path) -> None:
    assert _code(_file(tmp_path), None) == "key-file.passphrase-needed"
    with pytest.raises(SetupError, match=r"key-file\.passphrase-needed"):
        read_secret(tmp_path / "a.key", no_passphrase)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = _file(tmp_path)
    path.chmod(mode)
    assert _code(path) == "key-file.exposed"


def test_a_missing_file_a_folder_and_a_pipe_are_each_one_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    assert _code(tmp_path / "nowhere") == "key-file.unreadable"
    assert _code(tmp_path / "folder") == "key-file.unreadable"
    assert _code(tmp_path / "pipe") == "key-file.malformed"


def test_every_changed_byte_of_a_protected_file_is_noticed(tmp_path: Path) -> None:
    """Attack: make the owner's passphrase open another key, or cost less."""
    path = _file(tmp_path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert _code(path) in {"key-file.malformed", "key-file.passphrase-wrong"}


@pytest.mark.parametrize(
    "cost",
    [
        b"argon2id 262145 3 4",
        b"argon2id 9999999 3 4",
        b"argon2id 65536 17 4",
        b"argon2id 65536 99 9",
        b"argon2id 8 1 9",
        b"argon2id 65536 0 1",
        b"argon2id -1 1 1",
        b"argon2id 064 1 1",
        b"scrypt 64 1 1",
        b"argon2id 64 1",
    ],
)
def test_a_hostile_file_cannot_make_reading_it_cost_what_it_likes(cost: bytes, tmp_path: Path) -> None:
    path = _file(tmp_path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], cost, *lines[2:]]))
    with pytest.raises(SetupError, match=r"key-file\.malformed"):
        read_secret(path, lambda: pytest.fail("asked before it was refused"))


def test_an_endless_file_is_read_only_as_far_as_any_key_goes(tmp_path: Path) -> None:
    path = _file(tmp_path)
    os.truncate(path, 1 << 40)
    assert _code(path) == "key-file.malformed"


@given(st.binary(max_size=300).filter(lambda content: len(content) != 32))
def test_anything_else_is_malformed(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("k") / "a.key"
    path.touch(0o600)
    path.write_bytes(content)
    assert _code(path) == "key-file.malformed"


# --- changing it ------------------------------------------------------------------------------------


def test_a_passphrase_is_set_changed_and_removed_and_the_key_stays(tmp_path: Path) -> None:
    path = _file(tmp_path, None)
    protect(path, no_passphrase, WORD, os.urandom)
    assert is_protected(path)
    protect(path, _word, b"another", os.urandom)
    assert _code(path) == "key-file.passphrase-wrong"
    protect(path, lambda: b"another", None, os.urandom)
    assert read_secret(path) == SECRET
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.key"]


def test_the_old_files_bytes_are_overwritten(tmp_path: Path) -> None:
    path = _file(tmp_path, None)
    with path.open("rb") as old:
        replace_file(path, secret_file(SECRET, WORD, os.urandom, cost=CHEAP))
        assert old.read() == bytes(32)


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_crash_while_a_key_is_replaced_leaves_the_old_or_the_new_one(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", full) if step == "fsync" else (Path, "replace", full)))
    with pytest.raises(SetupError, match=r"keys\.not-written"):
        replace_file(path, bytes(32))
    monkeypatch.undo()
    assert read_secret(path) == SECRET
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.key"]


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    path = _file(tmp_path)
    with pytest.raises(FileExistsError):
        write_new_file(path, bytes(32))
    assert read_secret(path, _word) == SECRET


def test_a_destroyed_file_is_overwritten_and_gone(tmp_path: Path) -> None:
    path = _file(tmp_path, None)
    with path.open("rb") as old:
        destroy_file(path)
        assert old.read() == bytes(32)
    assert not path.exists()
    destroy_file(path)


def test_taking_a_place_without_the_file_to_put_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"keys\.not-written"):
        take_place(tmp_path / "nowhere", _file(tmp_path))
    assert read_secret(tmp_path / "a.key", _word) == SECRET


# --- the passphrase ---------------------------------------------------------------------------------


def test_a_passphrase_is_the_same_however_the_keyboard_composes_it() -> None:
    assert passphrase_bytes("cle\u0301") == passphrase_bytes("cl\u00e9") == b"cl\xc3\xa9"


@pytest.mark.parametrize("text", ["", "x" * 1025])
def test_an_empty_or_endless_passphrase_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match=r"key-file\.passphrase-malformed"):
        passphrase_bytes(text)


@pytest.mark.parametrize("content", [WORD, WORD + b"\n", WORD + b"\r\n", WORD + b"\nsecond line\n"])
def test_a_passphrase_file_is_its_first_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "word"
    path.touch(0o600)
    path.write_bytes(content)
    assert passphrase_file(path)() == WORD


def test_a_passphrase_is_read_from_a_descriptor() -> None:
    reading, writing = os.pipe()
    os.write(writing, WORD + b"\n")
    os.close(writing)
    assert passphrase_file(Path(f"/dev/fd/{reading}"))() == WORD
    os.close(reading)


def test_a_passphrase_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "word"
    path.write_bytes(WORD)
    path.chmod(0o644)
    with pytest.raises(SetupError, match=r"key-file\.exposed"):
        passphrase_file(path)()
