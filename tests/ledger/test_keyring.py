"""A log's keys through the years: rotation works, old checkpoints still verify, a stolen old key adds nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.errors import CustodesError, InputError, SetupError
from custodes.keyfile import is_protected
from custodes.ledger import key_folder
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.key_folder import (
    LIST_NAME,
    create_log_keys,
    drop_ended,
    key_path,
    open_log_keys,
    protect_log_keys,
    protection,
    read_log_keys,
    rotate_log_keys,
)
from custodes.ledger.keyring import Keyring, KeyUse, parse_log_keys
from custodes.ledger.keys import KeyType, SigningKey
from custodes.ledger.note import SignedNote

ORIGIN = "log.police.example/custodes"
NOW = 1_790_000_000
DAY = 86_400


def _text(size: int, origin: str = ORIGIN) -> str:
    root = hashlib.sha256(b"%d" % size).digest() if size else hashlib.sha256().digest()
    return str(Checkpoint(origin, size, root))


def _names(note: bytes) -> list[bytes]:
    return [signature.key_id for signature in SignedNote.parse(note).signatures]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def keyring(folder: Path) -> Keyring:
    return create_log_keys(folder, ORIGIN, os.urandom, at=NOW)


def _rotate(folder: Path, keyring: Keyring, size: int, at: int = NOW + DAY, overlap: int = 0) -> Keyring:
    return rotate_log_keys(folder, keyring, os.urandom, size=size, at=at, overlap=overlap)


def _refused(keyring: Keyring, note: bytes) -> str:
    with pytest.raises(InputError) as caught:
        keyring.open(note)
    return caught.value.code


# --- new keys ---------------------------------------------------------------------------------------


def test_a_new_log_signs_with_both_algorithms_under_its_origin(folder: Path, keyring: Keyring) -> None:
    """AUD-12."""
    assert [(use.key.name, use.key.type) for use in keyring.uses] == [
        (ORIGIN, KeyType.ED25519),
        (ORIGIN, KeyType.COSIGNATURE_MLDSA44),
    ]
    note = keyring.sign(_text(3), NOW)
    assert _names(note) == [use.key.key_id for use in keyring.uses]
    assert keyring.open(note).size == 3
    assert sorted(path.name.partition("-")[0] for path in folder.iterdir()) == ["ed25519", "log", "ml"]


def test_keys_that_are_opened_again_are_the_same(folder: Path, keyring: Keyring) -> None:
    again = open_log_keys(folder)
    assert again.uses == keyring.uses
    assert keyring.open(again.sign(_text(3), NOW)).size == 3


def test_existing_keys_are_never_replaced_by_new_ones(folder: Path, keyring: Keyring) -> None:
    with pytest.raises(SetupError, match=r"ledger\.log-keys-exist"):
        create_log_keys(folder, ORIGIN, os.urandom)
    assert open_log_keys(folder).uses == keyring.uses


def test_one_signature_of_two_is_not_enough(keyring: Keyring) -> None:
    """Attack by whoever broke one of the two algorithms."""
    note = SignedNote.parse(keyring.sign(_text(3), NOW))
    for signature in note.signatures:
        assert _refused(keyring, bytes(replace(note, signatures=(signature,)))) == "ledger.signature-missing"


def test_another_logs_checkpoint_is_refused(tmp_path: Path, keyring: Keyring) -> None:
    other = create_log_keys(tmp_path / "other", "other.example/log", os.urandom)
    assert _refused(keyring, other.sign(_text(3, "other.example/log"), NOW)) == "ledger.signature-missing"
    assert _refused(keyring, keyring.sign(_text(3, "other.example/log"), NOW)) == "ledger.signature-missing"


# --- rotation ---------------------------------------------------------------------------------------


def test_after_a_rotation_the_new_keys_sign_and_old_checkpoints_still_verify(folder: Path, keyring: Keyring) -> None:
    old = keyring.sign(_text(5), NOW)
    new = _rotate(folder, keyring, size=5)
    note = new.sign(_text(6), NOW + DAY)
    assert not set(_names(note)) & set(_names(old))
    published = parse_log_keys((folder / LIST_NAME).read_bytes())
    assert (published.open(old).size, published.open(note).size) == (5, 6)
    assert (new.uses[0].since, new.uses[0].until, new.uses[2].since, new.uses[2].until) == (0, 5, 5, None)
    assert new.uses[2].made_at == NOW + DAY


def test_at_the_size_of_the_change_either_key_will_do(folder: Path, keyring: Keyring) -> None:
    new = _rotate(folder, keyring, size=5)
    assert new.open(keyring.sign(_text(5), NOW)).size == new.open(new.sign(_text(5), NOW + DAY)).size == 5


def test_a_stolen_old_key_adds_nothing_to_the_log(folder: Path, keyring: Keyring) -> None:
    """Attack: whoever has the keys of last year signs a larger checkpoint of their own."""
    new = _rotate(folder, keyring, size=5)
    assert _refused(new, keyring.sign(_text(6), NOW)) == "ledger.signature-missing"


def test_a_new_key_does_not_rewrite_what_was_before_it(folder: Path, keyring: Keyring) -> None:
    new = _rotate(folder, keyring, size=5)
    assert _refused(new, new.sign(_text(4), NOW + DAY)) == "ledger.signature-missing"


def test_for_the_overlap_both_keys_sign_and_a_reader_of_the_old_list_goes_on(folder: Path, keyring: Keyring) -> None:
    new = _rotate(folder, keyring, size=5, overlap=7 * DAY)
    during = new.sign(_text(6), NOW + 7 * DAY)
    assert keyring.open(during).size == new.open(during).size == 6
    after = new.sign(_text(7), NOW + 8 * DAY)
    assert len(_names(after)) == 2
    assert new.open(after).size == 7
    assert _refused(keyring, after) == "ledger.signature-missing"
    assert _refused(new, keyring.sign(_text(6), NOW + 2 * DAY)) == "ledger.signature-missing"


def test_old_private_keys_are_destroyed_when_they_have_nothing_more_to_sign(folder: Path, keyring: Keyring) -> None:
    new = _rotate(folder, keyring, size=5, overlap=7 * DAY)
    old_files = [key_path(folder, use.key) for use in keyring.uses]
    assert all(path.exists() for path in old_files)
    assert len(open_log_keys(folder).signers) == 4
    later = drop_ended(folder, new, NOW + 8 * DAY)
    assert not any(path.exists() for path in old_files)
    assert len(later.signers) == len(open_log_keys(folder).signers) == 2
    assert open_log_keys(folder).uses == new.uses


def test_rotation_after_rotation(folder: Path, keyring: Keyring) -> None:
    notes, ring = [keyring.sign(_text(0), NOW)], keyring
    for size in (0, 10, 10, 20):
        ring = _rotate(folder, ring, size=size, overlap=DAY)
        notes.append(ring.sign(_text(size), NOW + DAY))
    assert [read_log_keys(folder).open(note).size for note in notes] == [0, 0, 10, 10, 20]
    assert len(read_log_keys(folder).uses) == 10


def test_a_rotation_into_the_past_is_refused_and_changes_nothing(folder: Path, keyring: Keyring) -> None:
    ring = _rotate(folder, keyring, size=5)
    before = (folder / LIST_NAME).read_bytes()
    with pytest.raises(InputError, match=r"ledger\.log-keys-malformed"):
        _rotate(folder, ring, size=4)
    assert (folder / LIST_NAME).read_bytes() == before
    assert open_log_keys(folder).uses == ring.uses


def test_a_crash_before_the_list_is_written_leaves_the_old_keys_in_use(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(key_folder, "replace_file", crash)
    with pytest.raises(KeyboardInterrupt):
        _rotate(folder, keyring, size=5)
    monkeypatch.undo()
    assert open_log_keys(folder).uses == keyring.uses
    assert len(list(folder.glob("*.key"))) == 4
    _rotate(folder, open_log_keys(folder), size=5)
    assert len(list(folder.glob("*.key"))) == 2


# --- files ------------------------------------------------------------------------------------------


def test_log_keys_are_put_under_a_passphrase_and_opened_with_it(folder: Path, keyring: Keyring) -> None:
    protect_log_keys(folder, keyring, lambda: None, b"word", os.urandom)
    assert all(protection(folder, keyring).values())
    assert open_log_keys(folder, lambda: b"word").uses == keyring.uses
    with pytest.raises(SetupError, match=r"key-file\.passphrase-needed"):
        open_log_keys(folder)
    with pytest.raises(SetupError, match=r"key-file\.passphrase-wrong"):
        protect_log_keys(folder, keyring, lambda: b"other", None, os.urandom)
    assert all(is_protected(path) for path in folder.glob("*.key"))
    protect_log_keys(folder, keyring, lambda: b"word", None, os.urandom)
    assert open_log_keys(folder).uses == keyring.uses


def test_a_missing_private_key_is_named(folder: Path, keyring: Keyring) -> None:
    key_path(folder, keyring.uses[0].key).unlink()
    with pytest.raises(SetupError, match=r"ledger\.log-key-missing"):
        open_log_keys(folder)
    with pytest.raises(SetupError, match=r"ledger\.log-key-missing"):
        read_log_keys(folder).sign(_text(1), NOW)


def test_one_private_key_in_anothers_place_is_refused(folder: Path, keyring: Keyring) -> None:
    one, other = (key_path(folder, use.key) for use in keyring.uses)
    one.write_bytes(other.read_bytes())
    with pytest.raises(SetupError, match=r"ledger\.log-key-wrong"):
        open_log_keys(folder)


def test_without_a_list_there_are_no_keys(folder: Path) -> None:
    with pytest.raises(SetupError, match=r"ledger\.no-log-keys"):
        open_log_keys(folder)


# --- the list ---------------------------------------------------------------------------------------


def test_the_published_list_reads_back_as_it_was_written(folder: Path, keyring: Keyring) -> None:
    ring = _rotate(folder, keyring, size=5, overlap=DAY)
    assert parse_log_keys(ring.published().encode()).uses == ring.uses


def _signer(seed: str, kind: KeyType = KeyType.ED25519, origin: str = ORIGIN) -> SigningKey:
    return SigningKey(origin, kind, hashlib.sha256(seed.encode()).digest())


@pytest.mark.parametrize(
    "uses",
    [
        (),
        (KeyUse(_signer("a").verifier, 0), KeyUse(_signer("a").verifier, 0)),
        (KeyUse(_signer("a").verifier, 0), KeyUse(_signer("b").verifier, 5)),
        (KeyUse(_signer("a").verifier, 0, 4), KeyUse(_signer("b").verifier, 5)),
        (KeyUse(_signer("a").verifier, 0, 6), KeyUse(_signer("b").verifier, 5)),
        (KeyUse(_signer("a").verifier, 5, 4), KeyUse(_signer("b").verifier, 4)),
        (KeyUse(_signer("a").verifier, 0, 4),),
        (KeyUse(_signer("a").verifier, 0), KeyUse(_signer("m", KeyType.COSIGNATURE_MLDSA44, "x").verifier, 0)),
        (KeyUse(_signer("w", KeyType.COSIGNATURE_ED25519).verifier, 0),),
    ],
    ids=["none", "twice", "both-in-use", "gap", "overlap", "backwards", "ended", "two-logs", "witness"],
)
def test_a_list_that_contradicts_itself_is_refused(uses: tuple[KeyUse, ...]) -> None:
    with pytest.raises(InputError, match=r"ledger\.log-keys-malformed"):
        Keyring(uses)


@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_reader_of_the_list_crash(data: bytes) -> None:
    with pytest.raises(CustodesError):
        parse_log_keys(data)


@given(place=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_changed_byte_gives_another_list_or_one_clear_error(place: int, byte: int) -> None:
    ring = Keyring((KeyUse(_signer("a").verifier, 0, 5, NOW, NOW + 1), KeyUse(_signer("b").verifier, 5)))
    data = bytearray(ring.published().encode())
    data[place % len(data)] = byte
    try:
        read = parse_log_keys(bytes(data))
    except InputError:
        return
    assert read.published().encode() == bytes(data)
