"""Asking witnesses: what is believed, and what each answer means (AUD-04)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.ledger.sealing import NOW, code_of, key
from tests.ledger.witnessing.scene import NAMES, ALog, Town, mldsa, size_of

from custodes.errors import SetupError
from custodes.ledger import verify
from custodes.ledger.keys import KeyType
from custodes.ledger.note import SignedNote, cosign
from custodes.ledger.quorum import OUTSIDE, Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.witnessing.client import MAX_SKEW_S, Cosigned, Failed, Outcome, Trouble, ask
from custodes.ledger.witnessing.wire import Answer, Request

WHO = "police-b"


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def town(tmp_path: Path, log: ALog) -> Town:
    return Town(tmp_path / "town", log)


def _ask(town: Town, log: ALog, note: SignedNote, remembered: int = 0, *, now: int = NOW) -> Outcome:
    listed = next(one for one in town.policy.witnesses if one.name == WHO)
    return ask(listed, note, remembered, log.proof_from, now=now, timeout=1, send=town.send)


def _answered(note: SignedNote, answer: Answer, log: ALog, remembered: int = 0) -> Outcome:
    listed = Listed(WHO, key("w.example", KeyType.COSIGNATURE_ED25519).verifier, "http://w.example")
    return ask(listed, note, remembered, log.proof_from, now=NOW, timeout=1, send=lambda *_: answer)


def test_a_cosignature_is_verified_and_returned_with_its_time(town: Town, log: ALog) -> None:
    note = log.grown(3)
    got = _ask(town, log, note)
    assert isinstance(got, Cosigned)
    assert (got.at, got.size, got.signature.name) == (NOW, 3, "w2.example/w")


def test_a_witness_that_remembers_more_is_asked_again_from_there(town: Town, log: ALog) -> None:
    """An answer was lost on the way, or the log lost its own memory of the witness."""
    _ask(town, log, log.grown(3))
    _ask(town, log, log.grown(2, 3), 3)
    for remembered in (0, 2, 3, 4, 5):
        assert isinstance(_ask(town, log, log.grown(1, len(log.entries)), remembered), Cosigned)


def test_the_same_checkpoint_can_be_asked_for_again(town: Town, log: ALog) -> None:
    note = log.grown(3)
    for remembered in (0, 3, 0):
        assert isinstance(_ask(town, log, note, remembered), Cosigned)


def test_a_witness_without_an_address_is_unreachable(log: ALog) -> None:
    listed = Listed(WHO, key("w.example", KeyType.COSIGNATURE_ED25519).verifier)
    got = ask(listed, log.grown(1), 0, log.proof_from, now=NOW, timeout=1)
    assert got == Failed(Trouble.UNREACHABLE)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 429, 500, 503])
def test_every_other_status_is_a_refusal(log: ALog, status: int) -> None:
    assert _answered(log.grown(1), Answer(status), log) == Failed(Trouble.REFUSES, status)


def test_a_conflict_without_a_size_is_a_refusal(log: ALog) -> None:
    assert _answered(log.grown(1), Answer(409), log) == Failed(Trouble.REFUSES, 409)


def test_a_witness_that_names_another_size_each_time_is_a_refusal(log: ALog) -> None:
    note, sizes = log.grown(9), iter([3, 5])
    listed = Listed(WHO, key("w.example", KeyType.COSIGNATURE_ED25519).verifier, "http://w.example")
    got = ask(listed, note, 0, log.proof_from, now=NOW, timeout=1, send=lambda *_: Answer.at_size(next(sizes)))
    assert got == Failed(Trouble.REFUSES, 409, 5)


@pytest.mark.parametrize("body", [b"", b"\xff", b"nonsense\n", "— w.example AAAA\n".encode(), b"x" * 65_536])
def test_an_answer_that_is_no_cosignature_is_not_believed(log: ALog, body: bytes) -> None:
    assert _answered(log.grown(1), Answer(200, "", body), log) == Failed(Trouble.WRONG, 200)


def test_a_cosignature_of_another_key_is_not_believed(log: ALog) -> None:
    note = log.grown(1)
    other = cosign(note, [key("w.example", KeyType.COSIGNATURE_ED25519, "other")], NOW)
    assert _answered(note, Answer.cosigned(other.signatures[2:]), log) == Failed(Trouble.WRONG, 200)


def test_a_cosignature_of_another_checkpoint_is_not_believed(log: ALog) -> None:
    signer = key("w.example", KeyType.COSIGNATURE_ED25519)
    earlier = cosign(log.grown(1), [signer], NOW)
    assert _answered(log.grown(1, 1), Answer.cosigned(earlier.signatures[2:]), log) == Failed(Trouble.WRONG, 200)


@pytest.mark.parametrize(
    ("at", "trouble"),
    [
        (NOW - MAX_SKEW_S - 1, Trouble.STALE),
        (NOW - MAX_SKEW_S, None),
        (NOW + MAX_SKEW_S, None),
        (NOW + MAX_SKEW_S + 1, Trouble.STALE),
        (0, Trouble.STALE),
    ],
)
def test_an_old_cosignature_replayed_is_stale(log: ALog, at: int, trouble: Trouble | None) -> None:
    """It is of this very checkpoint and verifies; but it does not say that the witness is there now."""
    note = log.grown(1)
    answer = Answer.cosigned(cosign(note, [key("w.example", KeyType.COSIGNATURE_ED25519)], at).signatures[2:])
    got = _answered(note, answer, log)
    assert (got.trouble if isinstance(got, Failed) else None) is trouble


def test_a_note_that_is_no_checkpoint_is_not_asked_for(town: Town, log: ALog) -> None:
    log.grown(1)
    assert code_of(lambda: _ask(town, log, SignedNote("no checkpoint\n", ()))) == "ledger.checkpoint-malformed"


# --- all of them ------------------------------------------------------------------------------------


def test_all_are_asked_and_the_signatures_stand_after_the_logs(town: Town, log: ALog) -> None:
    """AUD-04: what is gathered is what the verifiers accept."""
    note = log.grown(3)
    gathered = town.gather(log, note)
    assert gathered.has_quorum
    assert [line.name for line in gathered.note.signatures] == [log.origin] * 2 + [f"w{n}.example/w" for n in range(3)]
    witnessed = town.policy.accept(bytes(gathered.note))
    assert set(witnessed.cosigned) == set(NAMES)
    assert list(gathered.outcomes) == list(NAMES)


def test_the_single_file_verifier_takes_what_was_gathered(town: Town, log: ALog) -> None:
    """AUD-04, AUD-07: two implementations agree on what a witness signs, with either of its keys."""
    gathered = town.gather(log, log.grown(300))
    log.store.write_checkpoint(bytes(gathered.note))
    said = verify.verify_log(log.folder, verify.Trust(log.vkeys, str(town.policy).encode(), strict=True))
    assert all(name in said for name in NAMES)
    witness = town.witnesses[WHO]
    listed = Listed(OUTSIDE + "m", mldsa(witness), "http://w2.example")
    got = ask(listed, gathered.note, 300, log.proof_from, now=NOW, timeout=1, send=town.send)
    assert isinstance(got, Cosigned)
    log.store.write_checkpoint(bytes(gathered.note.with_signatures([got.signature])))
    alone = f"witness {listed.name} {listed.key}\nquorum {listed.name}\n".encode()
    assert listed.name in verify.verify_log(log.folder, verify.Trust(log.vkeys, alone))


def test_nothing_is_asked_of_the_caller_after_the_deadline(town: Town, log: ALog) -> None:
    """A witness answers late that it wants a proof; the log's tiles may be closed by then."""
    note, go_on, asked = log.grown(3), threading.Event(), threading.Event()
    sizes: list[int] = []

    def late(url: str, _body: bytes, _timeout: float) -> Answer:
        if url.startswith("http://w0"):
            go_on.wait(60)
            asked.set()
            return Answer.at_size(2)
        return Answer(503)

    def counted(size: int) -> tuple[bytes, ...]:
        sizes.append(size)
        return log.proof_from(size)

    town.send = late  # type: ignore[method-assign]
    town.gather(log, note, proof_from=counted, timeout=1)
    go_on.set()
    asked.wait(60)
    for thread in threading.enumerate():
        if thread.name.startswith("asking"):
            thread.join(60)
    assert sizes == [0]


def test_one_that_is_silent_is_named_and_the_others_are_a_quorum(town: Town, log: ALog) -> None:
    town.silent = {NAMES[1]}
    gathered = town.gather(log, log.grown(3))
    assert gathered.has_quorum
    assert gathered.outcomes[NAMES[1]] == Failed(Trouble.UNREACHABLE)


def test_without_two_there_is_no_quorum_until_one_is_back(town: Town, log: ALog) -> None:
    town.silent = {NAMES[0], NAMES[1]}
    note = log.grown(3)
    first = town.gather(log, note)
    assert not first.has_quorum
    assert code_of(lambda: town.policy.accept(bytes(first.note))) == "ledger.quorum-missing"
    town.silent = {NAMES[0]}
    again = town.gather(log, first.note, {NAMES[2]: 3})
    assert again.has_quorum
    assert town.policy.accept(bytes(again.note)).cosigned.keys() == {NAMES[1], NAMES[2]}


def test_one_that_never_answers_keeps_nobody_waiting_past_the_deadline(town: Town, log: ALog) -> None:
    note, over = log.grown(3), threading.Event()
    send = town.send

    def stuck(url: str, body: bytes, timeout: float) -> Answer:
        if "w1" in url:
            over.wait(60)
        return send(url, body, timeout)

    town.send = stuck  # type: ignore[method-assign]
    try:
        gathered = town.gather(log, note, timeout=2)
    finally:
        over.set()
    assert gathered.outcomes[NAMES[1]] == Failed(Trouble.UNREACHABLE)
    assert gathered.has_quorum


def test_a_log_that_cannot_make_the_proof_is_told_so(town: Town, log: ALog) -> None:
    def broken(_size: int) -> Sequence[bytes]:
        raise SetupError("ledger.tile-missing", "A tile is missing.")

    note = log.grown(3)
    assert code_of(lambda: town.gather(log, note, proof_from=broken)) == "ledger.tile-missing"


def test_a_proof_is_made_once_for_all_who_ask_from_one_size(town: Town, log: ALog) -> None:
    town.gather(log, log.grown(3))
    asked: list[int] = []

    def counted(size: int) -> tuple[bytes, ...]:
        asked.append(size)
        return log.proof_from(size)

    assert town.gather(log, log.grown(3, 3), dict.fromkeys(NAMES, 3), proof_from=counted).has_quorum
    assert asked == [3]


def test_a_policy_without_witnesses_asks_nobody(town: Town, log: ALog) -> None:
    town.policy = Policy.parse(b"quorum none\n")
    gathered = town.gather(log, log.grown(1))
    assert (gathered.outcomes, gathered.has_quorum) == ({}, True)


def test_the_request_sent_is_the_smallest_that_can_be(town: Town, log: ALog) -> None:
    sent: list[bytes] = []
    send = town.send

    def kept(url: str, body: bytes, timeout: float) -> Answer:
        sent.append(body)
        return send(url, body, timeout)

    town.send = kept  # type: ignore[method-assign]
    _ask(town, log, log.grown(3))
    note = log.grown(2, 3)
    assert isinstance(_ask(town, log, note, 3), Cosigned)
    assert [Request.parse(body).old_size for body in sent] == [0, 3]
    assert size_of(note) == 5
