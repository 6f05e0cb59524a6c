"""Attacks on a sealed log by somebody with full write access to its folder and without the keys: each must fail.

Who also has the log's own keys (a rogue operator) can re-sign; what stops that is the witnesses' quorum and the
earlier checkpoint that anybody kept, so those attacks sign everything anew and must fail all the same.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, OUTSIDE_ONLY, SealedLog, key, numbered

from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.keys import KeyType, SigningKey
from custodes.ledger.note import SignedNote, cosign, sign_note
from custodes.ledger.tiles import encode_bundle, parse_bundle

SIZE = 600  # two full tiles, a partial one, and a level above


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedLog:
    log = SealedLog(tmp_path_factory.mktemp("sealed"))
    log.seal(numbered(200))
    log.seal(numbered(SIZE - 200, 200))
    return log


@pytest.fixture
def log(sealed: SealedLog, tmp_path: Path) -> Iterator[SealedLog]:
    """A copy to attack."""
    shutil.copytree(sealed.folder, tmp_path / "log")
    original, store = sealed.folder, sealed.store
    sealed.folder, sealed.store = tmp_path / "log", FolderTileStore(tmp_path / "log")
    assert "Verified" in sealed.verify()
    yield sealed
    sealed.folder, sealed.store = original, store


def _refused(log: SealedLog, says: str = "", *, since: bytes | None = None, strict: bool = False) -> None:
    with pytest.raises(verify.Failure, match=says or None):
        log.verify(since=since, strict=strict)


# --- one entry, bundle, tile, checkpoint or signature -----------------------------------------------

Change = Callable[[list[bytes]], list[bytes]]
CHANGES: dict[str, Change] = {
    "edited": lambda row: [row[0] + b" ", *row[1:]],
    "emptied": lambda row: [b"", *row[1:]],
    "deleted": lambda row: row[1:],
    "deleted-last": lambda row: row[:-1],
    "reordered": lambda row: [row[1], row[0], *row[2:]],
    "reversed": lambda row: row[::-1],
    "duplicated": lambda row: [row[0], *row],
    "duplicated-over": lambda row: [row[0], row[0], *row[2:]],
    "inserted": lambda row: [*row[:1], b"inserted", *row[1:]],
    "truncated": lambda row: [*row[:-1], row[-1][:-1]],
    "all-gone": lambda row: [],
    "one-long-one": lambda row: [b"".join(row)],
}


def _bundles(log: SealedLog) -> list[Path]:
    return [log.folder / "tile/entries/000", log.folder / "tile/entries/001", log.folder / "tile/entries/002.p/88"]


@pytest.mark.parametrize("bundle", range(3))
@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_cannot_be(change: str, bundle: int, log: SealedLog) -> None:
    path = _bundles(log)[bundle]
    width = 88 if bundle == 2 else 256
    path.write_bytes(encode_bundle(CHANGES[change](parse_bundle(path.read_bytes(), width))))
    _refused(log, r"tile/entries/00|entry \d+ differ|root")


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_and_its_hash_tile_together_cannot_be(change: str, log: SealedLog) -> None:
    """The hash tiles are made anew to go with the entries; only the signed root is left to say otherwise."""
    entries = log.entries[:256]
    _make_anew(log, [*CHANGES[change](entries), *log.entries[256:]])
    _refused(log)


def _make_anew(log: SealedLog, entries: list[bytes]) -> bytes:
    """Put a whole log of ``entries`` into the folder, under the old checkpoint; return the root it now has."""
    shutil.rmtree(log.folder / "tile")
    growth = Growth(log.store)
    growth.append(entries)
    return growth.root()


FILES = [
    "checkpoint",
    "tile/0/000",
    "tile/0/001",
    "tile/0/002.p/88",
    "tile/1/000.p/2",
    "tile/entries/000",
    "tile/entries/001",
    "tile/entries/002.p/88",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("to", [0, 1, 31, 32, 33, -32, -1])
def test_no_file_can_be_truncated(name: str, to: int, log: SealedLog) -> None:
    path = log.folder / name
    path.write_bytes(path.read_bytes()[:to])
    _refused(log)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("more", [b"\0", b"\0\0", bytes(32), b"\n", b"x" * 100_000])
def test_no_file_can_be_lengthened(name: str, more: bytes, log: SealedLog) -> None:
    path = log.folder / name
    path.write_bytes(path.read_bytes() + more)
    _refused(log)


@pytest.mark.parametrize("name", FILES)
def test_no_file_can_be_deleted(name: str, log: SealedLog) -> None:
    (log.folder / name).unlink()
    _refused(log, "missing|cannot be read")


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(FILES, 2)))
def test_no_two_files_can_be_swapped(one: str, other: str, log: SealedLog) -> None:
    first, second = log.folder / one, log.folder / other
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    _refused(log)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(FILES, 2)))
def test_no_file_can_stand_in_for_another(one: str, other: str, log: SealedLog) -> None:
    shutil.copy(log.folder / one, log.folder / other)
    _refused(log)


@pytest.mark.parametrize("name", [name for name in FILES if name != "checkpoint" and "entries" not in name])
@pytest.mark.parametrize("change", ["reordered", "duplicated-over", "deleted", "duplicated"])
def test_no_hash_can_be(change: str, name: str, log: SealedLog) -> None:
    path = log.folder / name
    data = path.read_bytes()
    hashes = [data[i : i + 32] for i in range(0, len(data), 32)]
    path.write_bytes(b"".join(CHANGES[change](hashes)))
    _refused(log, name.partition(".")[0])


# --- every byte -------------------------------------------------------------------------------------


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_of_a_small_sealed_log_is_detected(flip: int, tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    log.seal([b"a", b"bc"])
    log.seal([b"", b"def", b"g"])
    undetected, flipped, expected = 0, 0, 0
    for path in log.files():
        data = path.read_bytes()
        # all bits of a byte are alike to a hash; base64 has one alphabet, so one flip of it is enough
        places = range(0, len(data), 1 if flip == 0x01 or path.name != "checkpoint" else 40)
        expected += len(places)
        for place in places:
            path.write_bytes(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
            try:
                log.verify()
                undetected += 1
            except verify.Failure:
                flipped += 1
        path.write_bytes(data)
    assert "Verified" in log.verify()
    assert (undetected, flipped) == (0, expected)


def test_without_strict_a_flip_goes_unseen_only_in_a_witness_line_that_the_quorum_does_not_need(tmp_path: Path) -> None:
    """An unknown key's line must be ignored (signed-note), so one witness more than needed may be made unknown."""
    log = SealedLog(tmp_path)
    log.seal(numbered(3))
    spare = {name: str(signer.verifier.name) for name, signer in log.witness_keys.items()}
    data = (tmp_path / "checkpoint").read_bytes()
    for place in range(0, len(data), 5):
        (tmp_path / "checkpoint").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            log.verify(strict=False)
        except verify.Failure:
            continue
        line = data[data.rfind(b"\n", 0, place) + 1 : data.find(b"\n", place)].decode()
        assert line.split(" ")[1] in spare.values()
    (tmp_path / "checkpoint").write_bytes(data)
    log.seal([], OUTSIDE_ONLY)
    data = (tmp_path / "checkpoint").read_bytes()
    for place in range(0, len(data), 3):
        (tmp_path / "checkpoint").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        _refused(log)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_damage_to_any_files_together_is_detected(log: SealedLog, data: st.DataObject) -> None:
    before = {path: path.read_bytes() for path in log.files()}
    try:
        for path in data.draw(st.lists(st.sampled_from(sorted(before)), min_size=1, max_size=3)):
            kept = path.read_bytes()
            place = data.draw(st.integers(0, len(kept)))
            path.write_bytes(
                kept[:place] + data.draw(st.binary(max_size=40)) + kept[place + data.draw(st.integers(0, 40)) :]
            )
        if any(path.read_bytes() != kept for path, kept in before.items()):
            _refused(log, strict=True)
    finally:
        for path, kept in before.items():
            path.write_bytes(kept)


# --- checkpoints and signatures ---------------------------------------------------------------------


def _note(log: SealedLog) -> SignedNote:
    return SignedNote.parse((log.folder / "checkpoint").read_bytes())


def _publish(log: SealedLog, note: SignedNote) -> None:
    (log.folder / "checkpoint").write_bytes(bytes(note))


@pytest.mark.parametrize("gone", range(5))
def test_a_signature_that_is_needed_cannot_be_removed(gone: int, log: SealedLog) -> None:
    """Of three witnesses two are needed, so removing one is seen only with the next."""
    note = _note(log)
    left = [signature for n, signature in enumerate(note.signatures) if n != gone]
    if gone >= 2:
        del left[2]
    _publish(log, SignedNote(note.text, tuple(left)))
    _refused(log, "not signed by the log|not cosigned by a quorum")


@pytest.mark.parametrize("one", range(5))
@pytest.mark.parametrize("other", range(5))
def test_a_signature_cannot_stand_in_for_another(one: int, other: int, log: SealedLog) -> None:
    note = _note(log)
    if one == other:
        return
    moved = [
        type(signature)(signature.name, signature.key_id, note.signatures[other].payload) if n == one else signature
        for n, signature in enumerate(note.signatures)
    ]
    _publish(log, SignedNote(note.text, tuple(moved)))
    _refused(log, "is not one of this checkpoint")


def test_an_old_cosignature_cannot_be_replayed_on_another_checkpoint(log: SealedLog) -> None:
    """A rogue operator grows the log, signs it, and puts the witnesses' old cosignatures under it."""
    old = _note(log)
    growth = Growth(log.store, SIZE)
    growth.append([b"unwitnessed"])
    new = sign_note(str(Checkpoint(ORIGIN, SIZE + 1, growth.root())), log.log_keys, NOW)
    _publish(log, new.with_signatures(old.signatures[2:]))
    _refused(log, "is not one of this checkpoint")
    _publish(log, new)
    _refused(log, "not cosigned by a quorum")


@pytest.mark.parametrize("size", [SIZE + 1, SIZE * 1000, 2**62, SIZE - 1, 0])
def test_a_made_up_checkpoint_is_not_signed(size: int, log: SealedLog) -> None:
    note = _note(log)
    root = Checkpoint.parse(note.text).root
    _publish(log, SignedNote(str(Checkpoint(ORIGIN, size, root)), note.signatures))
    _refused(log, "is not one of this checkpoint|not a checkpoint")


@pytest.mark.parametrize("size", [SIZE + 1, SIZE * 1000, 2**62, SIZE - 1])
def test_a_made_up_checkpoint_signed_by_log_and_witnesses_is_not_what_the_entries_say(
    size: int, log: SealedLog
) -> None:
    """Even with every key: a size for which there are no entries ends at the first that is missing, at once."""
    text = str(Checkpoint(ORIGIN, size, Checkpoint.parse(_note(log).text).root))
    signers = [*log.log_keys, *log.witness_keys.values()]
    _publish(log, sign_note(text, signers, NOW))
    _refused(log, "is missing|root|calls for")


def test_a_log_cannot_be_signed_with_another_key_of_the_same_name(log: SealedLog) -> None:
    impostors = [key(ORIGIN, kind, "impostor") for kind in (KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44)]
    _publish(log, cosign(sign_note(_note(log).text, impostors, NOW), log.witness_keys.values(), NOW))
    _refused(log, "not signed by the log")


def test_one_of_the_two_log_keys_is_not_enough(log: SealedLog) -> None:
    """Who breaks Ed25519, or steals the one key, still lacks the other."""
    for signer in log.log_keys:
        _publish(log, cosign(sign_note(_note(log).text, [signer], NOW), log.witness_keys.values(), NOW))
        _refused(log, "not signed by the log")


# --- two logs, two histories ------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> SealedLog:
    log = SealedLog(tmp_path / "other", origin="log.other.example/custodes")
    log.seal(numbered(SIZE, 7000))
    return log


def test_two_logs_cannot_be_swapped(log: SealedLog, other: SealedLog) -> None:
    with pytest.raises(verify.Failure, match="not signed by the log"):
        verify.verify_log(other.folder, log.trust())


@pytest.mark.parametrize("part", ["checkpoint", "tile", "tile/entries", "tile/0", "tile/1"])
def test_no_part_of_two_logs_can_be_swapped(part: str, log: SealedLog, other: SealedLog) -> None:
    target = log.folder / part
    (shutil.rmtree if target.is_dir() else Path.unlink)(target)
    (shutil.copytree if (other.folder / part).is_dir() else shutil.copy)(other.folder / part, target)
    _refused(log)


def test_two_logs_of_one_key_are_told_apart_by_origin(log: SealedLog, tmp_path: Path) -> None:
    text = _note(log).text.replace(ORIGIN, "log.another.example")
    _publish(log, cosign(sign_note(text, log.log_keys, NOW), log.witness_keys.values(), NOW))
    _refused(log, "not signed by the log")


def test_yesterdays_backup_put_back_is_found(log: SealedLog, tmp_path: Path) -> None:
    """A rollback: everything in it is genuine, signed and cosigned; only who kept the newer checkpoint can tell."""
    shutil.copytree(log.folder, tmp_path / "yesterday")
    newer = SealedLog(tmp_path / "newer")
    newer.seal(numbered(SIZE))
    today = newer.seal(numbered(5, SIZE))
    _refused(log, rf"Rolled back: the log had {SIZE + 5} entries and now has {SIZE}", since=today)
    assert "Verified" in log.verify()


@pytest.mark.parametrize("kept", [1, 255, 256, 257, 512, 599, 600])
def test_a_fork_is_found_by_who_kept_a_checkpoint_of_the_other_branch(kept: int, tmp_path: Path) -> None:
    """The operator signs two histories and has both witnessed; they part at the last entry that was kept."""
    one, two = SealedLog(tmp_path / "one"), SealedLog(tmp_path / "two")
    shown = one.seal(numbered(kept))
    two.seal([*numbered(kept - 1), b"another history"])
    two.seal(numbered(700 - kept, kept))
    one.seal(numbered(700 - kept, kept))
    assert "Verified" in one.verify(since=shown)
    assert "Verified" in two.verify()
    _refused(two, "Forked or rewritten" if kept < 700 else "", since=shown, strict=True)


@pytest.mark.parametrize("kept", [0, 1, 255, 256, 511, 512, 600])
def test_an_honest_log_continues_every_checkpoint_that_it_ever_had(kept: int, tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    shown = log.seal(numbered(kept))
    log.seal(numbered(600 - kept, kept))
    assert f"continues the checkpoint over {kept}" in log.verify(since=shown)


def test_a_hidden_entry_is_found_though_everything_is_signed_anew(log: SealedLog) -> None:
    """Rewritten past: one entry left out, the whole log sealed again, cosigned by nobody who saw the first."""
    shown = bytes(_note(log))
    root = _make_anew(log, [*log.entries[:100], *log.entries[101:], b"filler"])
    signed = sign_note(str(Checkpoint(ORIGIN, SIZE, root)), log.log_keys, NOW)
    _publish(log, signed)
    _refused(log, "not cosigned by a quorum")
    _publish(log, cosign(signed, log.witness_keys.values(), NOW))
    _refused(log, "Forked or rewritten", since=shown)


def test_the_earlier_checkpoint_must_be_one_of_this_log(log: SealedLog, other: SealedLog) -> None:
    theirs = other.store.read_checkpoint()
    _refused(log, "not signed by the log", since=theirs)
    _refused(log, "not a signed note", since=b"")
    forged = bytes(SignedNote(_note(log).text.replace("600", "300"), _note(log).signatures))
    _refused(log, "is not one of this checkpoint", since=forged)


# --- names, links, counts: nothing in the folder is trusted ------------------------------------------


def test_partial_tiles_of_older_sizes_must_be_the_beginnings_of_the_newer(log: SealedLog) -> None:
    for name in ("tile/0/000.p/200", "tile/entries/000.p/200"):
        path = log.folder / name
        kept = path.read_bytes()
        path.write_bytes(kept[:-1] + b"?")
        _refused(log, f"{name} is not the beginning")
        path.write_bytes(kept)


@pytest.mark.parametrize(
    "name",
    ["tile/0/003", "tile/2/000.p/1", "tile/0/002.p/89", "tile/x", "tile/0/000.p/256", "tile/0/0000", "tile/64/000"],
)
def test_files_that_the_checkpoint_does_not_cover_are_said_and_refused_when_strict(name: str, log: SealedLog) -> None:
    path = log.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"anything")
    assert "1 file(s) beyond the checkpoint not verified" in log.verify(strict=False)
    _refused(log, "not covered by the checkpoint", strict=True)


def test_a_log_that_is_being_sealed_verifies_as_far_as_its_checkpoint_goes(log: SealedLog) -> None:
    Growth(log.store, SIZE).append(numbered(300, SIZE))
    for path in ("tile/0/002.p", "tile/entries/002.p"):
        shutil.rmtree(log.folder / path)
    assert "600 entries" in log.verify(strict=False)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/001", "tile/entries/000", "tile/0/000.p/200"])
def test_a_pipe_or_a_link_in_place_of_a_file_is_refused_and_never_waited_on(name: str, log: SealedLog) -> None:
    path = log.folder / name
    kept = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    _refused(log, "not a regular file")
    path.unlink()
    (log.folder / "elsewhere").write_bytes(kept)
    path.symlink_to(log.folder / "elsewhere")
    _refused(log, "cannot be read")
    path.unlink()
    if not name.endswith("p/200"):  # a partial tile that was replaced may be gone
        path.mkdir()
        _refused(log, "cannot be read|not a regular file|missing")


def test_a_bundle_of_millions_of_empty_entries_is_refused_early(log: SealedLog) -> None:
    (log.folder / "tile/entries/000").write_bytes(bytes(verify.MAX_BUNDLE))
    _refused(log, "holds another number than 256")
    (log.folder / "tile/entries/000").write_bytes(bytes(verify.MAX_BUNDLE + 1))
    _refused(log, "longer than")
    tracemalloc.start()
    (log.folder / "tile/entries/000").write_bytes(bytes(verify.MAX_BUNDLE))
    _refused(log)
    assert tracemalloc.get_traced_memory()[1] < 2 * verify.MAX_BUNDLE
    tracemalloc.stop()


# --- found by changing the verifier and seeing which change no test noticed ---------------------------


def test_a_hash_in_a_full_tile_above_the_first_level_cannot_be_changed(tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    log.seal([b"x"] * 65_537)
    path = tmp_path / "tile/1/000"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    _refused(log, "tile/1/000 and tile/0/255 differ")


def test_an_earlier_checkpoint_of_another_trusted_log_is_not_taken_for_one_of_this(
    log: SealedLog, other: SealedLog
) -> None:
    logs = "".join(f"log {vkey}\n" for vkey in [*log.vkeys, *other.vkeys])
    trust = verify.Trust([], f"{logs}quorum none\n".encode())
    assert "Verified" in verify.verify_log(log.folder, trust, log.store.read_checkpoint())
    with pytest.raises(verify.Failure, match="of another log"):
        verify.verify_log(log.folder, trust, other.store.read_checkpoint())


@pytest.mark.parametrize("size", [0, 1, 256, 512])
def test_a_log_that_has_not_grown_continues_its_own_checkpoint(size: int, tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    assert f"continues the checkpoint over {size}" in log.verify(since=log.seal(numbered(size)))


def test_a_cosignature_that_states_no_time_is_in_no_quorum(log: SealedLog) -> None:
    signed = sign_note(_note(log).text, log.log_keys, NOW)
    _publish(log, cosign(signed, log.witness_keys.values(), at=0))
    _refused(log, "only by: nobody")


def test_a_cosignature_of_an_impossible_time_is_none(log: SealedLog) -> None:
    text, seed = _note(log).text, bytes(32)
    witness = SigningKey("w.example", KeyType.COSIGNATURE_ED25519, seed)
    by_hand = Ed25519PrivateKey.from_private_bytes(seed).sign(f"cosignature/v1\ntime {2**63}\n{text}".encode())
    payload = (2**63).to_bytes(8, "big") + by_hand
    checkpoint = verify.parse_checkpoint(text, "it")
    assert not verify.Key.parse(str(witness.verifier)).verify(text, checkpoint, payload)
    assert not witness.verifier.verify(text.encode(), payload)


def test_extension_lines_ride_along_with_no_ml_dsa_signature(log: SealedLog) -> None:
    """An attacker adds lines that ML-DSA does not cover, where the log is trusted by that key alone."""
    note = _note(log)
    mldsa = SignedNote(note.text + "an extension\n", note.signatures[1:2])
    with pytest.raises(verify.Failure, match="is not one of this checkpoint"):
        verify.Trust(log.vkeys[1:]).open(bytes(mldsa), "it")
    assert verify.Trust(log.vkeys[1:]).open(bytes(SignedNote(note.text, note.signatures[1:2])), "it")


@pytest.mark.parametrize("text", ["AAB=", "AA==\n", "AA=", "AA", "AAAA=", "A A==", "AA-_", "ÀA=="])
def test_base64_that_is_not_canonical_is_none(text: str) -> None:
    assert verify.unbase64(text) is None
