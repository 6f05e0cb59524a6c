"""A witness cosigns only what continues what it cosigned last: C2SP tlog-witness (AUD-04)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, code_of, key
from tests.ledger.witnessing.scene import ALog, ed25519, mldsa, reopened, witness_in

from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import KeyType, VerifierKey, cosignature_time
from custodes.ledger.note import Signature, SignedNote, cosign, sign_note, verified_signatures
from custodes.ledger.tiles import TileReader
from custodes.ledger.tree import EMPTY_ROOT, consistency_proof
from custodes.ledger.witnessing import state
from custodes.ledger.witnessing.wire import SIZE_TYPE, Answer, Request


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


def _at(size: int) -> Answer:
    return Answer(409, SIZE_TYPE, f"{size}\n".encode())


# --- what it answers --------------------------------------------------------------------------------


def test_a_checkpoint_that_continues_the_last_one_is_cosigned_with_both_keys(tmp_path: Path, log: ALog) -> None:
    """AUD-04, AUD-12."""
    witness = witness_in(tmp_path / "w", log, at=NOW + 7)
    for count in (3, 5, 260):
        old = len(log.entries)
        note = log.grown(count, old)
        answer = witness.add_checkpoint(log.request(note, old))
        assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
        signed = verified_signatures(SignedNote(note.text, answer.signatures()), witness.verifiers)
        assert {verifier for verifier, _ in signed} == {ed25519(witness), mldsa(witness)}
        assert {cosignature_time(verifier, line) for verifier, line in signed} == {NOW + 7}  # type: ignore[arg-type]


def test_an_empty_log_is_cosigned(tmp_path: Path, log: ALog) -> None:
    note = sign_note(str(Checkpoint(ORIGIN, 0, EMPTY_ROOT)), log.log_keys, NOW)
    assert witness_in(tmp_path / "w", log).add_checkpoint(log.request(note, 0)).status == 200


def test_the_same_checkpoint_is_cosigned_again(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    assert witness.add_checkpoint(log.request(note, 0)).status == 200
    assert witness.add_checkpoint(log.request(note, 3)).status == 200


def test_an_unknown_log_is_404(tmp_path: Path, log: ALog) -> None:
    assert witness_in(tmp_path / "w").add_checkpoint(log.request(log.grown(3), 0)) == Answer(404)


def test_a_checkpoint_without_the_logs_signature_is_403(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    stranger = sign_note(note.text, [key(ORIGIN, KeyType.ED25519, "stranger")], NOW)
    assert witness.add_checkpoint(log.request(stranger, 0)) == Answer(403)


def test_a_checkpoint_with_a_wrong_signature_of_the_log_is_403(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    mine = log.log_keys[0].verifier
    altered = note.with_signatures([Signature(mine.name, mine.key_id, bytes(64))])
    assert witness.add_checkpoint(log.request(altered, 0)) == Answer(403)


def test_signatures_of_unknown_keys_are_ignored_and_not_carried_along(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    more = cosign(note, [key("elsewhere.example/w", KeyType.COSIGNATURE_ED25519)], NOW)
    assert witness.add_checkpoint(log.request(more, 0)).status == 200
    kept = reopened(witness)._folder.logs[ORIGIN].note
    assert kept is not None
    assert {line.name for line in kept.signatures} == {ORIGIN, "witness.example/w"}


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_the_logs_keys_is_enough(tmp_path: Path, log: ALog, which: int) -> None:
    note = log.grown(3)
    alone = SignedNote(note.text, (note.signatures[which],))
    assert witness_in(tmp_path / "w", log).add_checkpoint(log.request(alone, 0)).status == 200


def test_an_old_size_above_the_checkpoints_is_400(tmp_path: Path, log: ALog) -> None:
    note = log.grown(3)
    assert witness_in(tmp_path / "w", log).add_checkpoint(bytes(Request.make(note, 4, ()))) == Answer(400)


def test_an_old_size_that_is_not_the_last_one_is_409_with_the_last_one(tmp_path: Path, log: ALog) -> None:
    witness = witness_in(tmp_path / "w", log)
    first = log.grown(3)
    assert witness.add_checkpoint(bytes(Request.make(first, 2, [bytes(32)]))) == _at(0)
    witness.add_checkpoint(log.request(first, 0))
    second = log.grown(2, 3)
    assert witness.add_checkpoint(log.request(second, 0)) == _at(3)
    assert witness.add_checkpoint(log.request(second, 4)) == _at(3)


@pytest.mark.parametrize("proof", [[], [bytes(32)], [bytes(32)] * 63])
def test_a_proof_that_shows_nothing_is_422_and_changes_nothing(tmp_path: Path, log: ALog, proof: list[bytes]) -> None:
    witness = witness_in(tmp_path / "w", log)
    witness.add_checkpoint(log.request(log.grown(3), 0))
    second = log.grown(2, 3)
    assert witness.add_checkpoint(bytes(Request.make(second, 3, proof))) == Answer(422)
    assert witness.add_checkpoint(log.request(second, 3)).status == 200


def test_a_first_checkpoint_with_a_proof_is_422(tmp_path: Path, log: ALog) -> None:
    note = log.grown(3)
    assert witness_in(tmp_path / "w", log).add_checkpoint(bytes(Request.make(note, 0, [bytes(32)]))) == Answer(422)


def test_extension_lines_are_cosigned_only_by_the_key_whose_signature_covers_them(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    extended = sign_note(note.text + "extension line\n", log.log_keys[:1], NOW)
    answer = witness.add_checkpoint(log.request(extended, 0))
    assert [line.key_id for line in answer.signatures()] == [ed25519(witness).key_id]


@pytest.mark.parametrize("data", [b"", b"old 0", b"old 0\n\n", b"\xff" * 100, b"a" * 2_000_000])
def test_garbage_is_400(tmp_path: Path, log: ALog, data: bytes) -> None:
    assert witness_in(tmp_path / "w", log).add_checkpoint(data) == Answer(400)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(place=st.integers(0, 10**6), new=st.integers(0, 255), cut=st.integers(0, 3))
def test_a_damaged_request_is_refused_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, place: int, new: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    log = ALog(folder / "log")
    witness = witness_in(folder / "w", log)
    witness.add_checkpoint(log.request(log.grown(3), 0))
    whole = bytearray(log.request(log.grown(5, 3), 3))
    whole[place % len(whole)] = new
    data = bytes(whole[: len(whole) - cut * (place % 100)])
    answer = witness.add_checkpoint(data)
    assert answer.status in {200, 400, 403, 404, 409, 422}
    if answer.status == 200:  # what was altered was a line of another key, or nothing
        assert Request.parse(data).note.text == SignedNote.parse(log.store.read_checkpoint() or b"").text
    witness._folder.close()


def test_concurrent_requests_for_one_log_are_taken_one_after_the_other(tmp_path: Path, log: ALog) -> None:
    """tlog-witness: a race must not roll the witness back."""
    witness = witness_in(tmp_path / "w", log)
    fork = ALog(tmp_path / "fork")
    notes = [(log, log.grown(1, n)) for n in range(12)]
    forged = [(fork, fork.grown(1, 100 + n)) for n in range(12)]

    begin = threading.Barrier(8)

    def hammer(which: int) -> list[tuple[str, int]]:
        begin.wait()
        won = []
        for of, note in (notes if which % 2 else forged) * 3:
            size = Checkpoint.parse(note.text).size
            answer = witness.add_checkpoint(of_request(of, note, 0, size))
            if answer.status == 409 and (known := answer.size() or 0) < size:
                answer = witness.add_checkpoint(of_request(of, note, known, size))
            if answer.status == 200:
                won.append((note.text, size))
        return won

    def of_request(of: ALog, note: SignedNote, old: int, size: int) -> bytes:
        return bytes(Request.make(note, old, consistency_proof(TileReader(of.store, size), old, size)))

    with ThreadPoolExecutor(8) as pool:
        won = [one for part in pool.map(hammer, range(8)) for one in part]
    histories = {text in {note.text for _, note in notes} for text, _ in won}
    assert len(histories) == 1, "two histories were cosigned"
    kept = reopened(witness)._folder.logs[ORIGIN].checkpoint
    assert kept is not None
    assert kept.size == max(size for _, size in won)


# --- the folder -------------------------------------------------------------------------------------


def test_what_was_answered_is_remembered_by_the_next_process(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)
    witness.add_checkpoint(log.request(note, 0))
    again = reopened(witness)
    assert again.add_checkpoint(log.request(log.grown(2, 3), 0)) == _at(3)
    assert again.verifiers == witness.verifiers


def test_nothing_is_answered_that_could_not_be_written_down(
    tmp_path: Path, log: ALog, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness, note = witness_in(tmp_path / "w", log), log.grown(3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(state, "_replace", full)
        assert code_of(lambda: witness.add_checkpoint(log.request(note, 0))) == "ledger.witness-unusable"
    assert witness.add_checkpoint(log.request(note, 0)).status == 200


# --- logs and their successors ----------------------------------------------------------------------


def test_a_log_that_is_known_gets_other_keys_and_keeps_what_was_cosigned(tmp_path: Path, log: ALog) -> None:
    witness = witness_in(tmp_path / "w", log)
    witness.add_checkpoint(log.request(log.grown(3), 0))
    new = key(ORIGIN, KeyType.ED25519, "new")
    witness.add_log([new.verifier])
    note = log.grown(2, 3)
    assert witness.add_checkpoint(log.request(note, 3)) == Answer(403)
    assert witness.add_checkpoint(log.request(sign_note(note.text, [new], NOW), 0)) == _at(3)
    assert witness.add_checkpoint(log.request(sign_note(note.text, [new], NOW), 3)).status == 200
    assert reopened(witness)._folder.logs[ORIGIN].keys == (new.verifier,)


def test_keys_that_are_not_one_logs_are_refused(tmp_path: Path, log: ALog) -> None:
    witness = witness_in(tmp_path / "w")
    other = key("other.example/log", KeyType.ED25519).verifier
    cosigner = key(ORIGIN, KeyType.COSIGNATURE_ED25519).verifier
    own = VerifierKey(ORIGIN, KeyType.ED25519, ed25519(witness).public)
    for keys in ([], [log.keys[0], other], [cosigner], [log.keys[0], log.keys[0]], [own]):
        assert code_of(lambda keys=keys: witness.add_log(keys)) == "ledger.log-keys-unfit"  # type: ignore[misc]


def _successor(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "successor", "log.police.example/custodes-2", "2")


def test_a_successor_is_accepted_by_its_operators_act_and_ends_the_predecessor(tmp_path: Path, log: ALog) -> None:
    witness, note = witness_in(tmp_path / "w", log, at=NOW + 9), log.grown(3)
    witness.add_checkpoint(log.request(note, 0))
    successor = _successor(tmp_path)
    first = successor.grown(1)
    assert witness.add_checkpoint(successor.request(first, 0)) == Answer(404)
    accepted = witness.accept_successor(successor.keys, bytes(note), gap=0)
    assert accepted.follows is not None
    assert (accepted.follows.named, accepted.follows.at) == (Checkpoint.parse(note.text), NOW + 9)
    again = reopened(witness)
    assert again.add_checkpoint(successor.request(first, 0)).status == 200
    assert again.add_checkpoint(log.request(log.grown(1, 3), 3)) == Answer(404)
    assert again._folder.logs[successor.origin].follows == accepted.follows


def test_a_successor_that_gives_up_entries_needs_the_operator_to_say_how_many(tmp_path: Path, log: ALog) -> None:
    witness, early = witness_in(tmp_path / "w", log), log.grown(3)
    witness.add_checkpoint(log.request(early, 0))
    witness.add_checkpoint(log.request(log.grown(4, 3), 3))
    successor = _successor(tmp_path)
    assert witness.following(bytes(early)).gap == 4
    for gap in (0, 3, 5):
        refused = code_of(lambda gap=gap: witness.accept_successor(successor.keys, bytes(early), gap=gap))  # type: ignore[misc]
        assert refused == "ledger.succession-refused"
    assert witness.accept_successor(successor.keys, bytes(early), gap=4).follows is not None


def test_a_successor_of_what_this_witness_never_cosigned_is_refused(tmp_path: Path, log: ALog) -> None:
    witness = witness_in(tmp_path / "w", log)
    first = log.grown(3)
    fork = ALog(tmp_path / "fork")
    forged = fork.grown(3, 50)
    successor = _successor(tmp_path)

    def refused(note: SignedNote, keys: list[VerifierKey] | None = None) -> str:
        return code_of(lambda: witness.accept_successor(keys or successor.keys, bytes(note), gap=0))

    assert refused(first) == "ledger.succession-refused"  # nothing cosigned yet
    witness.add_checkpoint(log.request(first, 0))
    assert refused(forged) == "ledger.succession-refused"  # another history of the same length
    assert refused(log.grown(1, 3)) == "ledger.succession-refused"  # longer than what was cosigned
    assert refused(successor.grown(1)) == "ledger.succession-refused"  # an unknown predecessor
    stranger = sign_note(first.text, [key(ORIGIN, KeyType.ED25519, "stranger")], NOW)
    assert refused(stranger) == "ledger.signature-missing"
    assert refused(first, log.keys) == "ledger.succession-refused"  # a successor by the same name
    assert refused(first) == ""
    assert refused(first, ALog(tmp_path / "3", "third.example/log").keys) == "ledger.succession-refused"  # a second one
