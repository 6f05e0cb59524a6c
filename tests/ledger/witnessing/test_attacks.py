"""Attacks by whoever holds the log's keys and disk but not the witnesses' keys: none gets a quorum (AUD-03, AUD-04)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.ledger.sealing import NOW, code_of
from tests.ledger.witnessing.scene import NAMES, ALog, Town, reopened

from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.note import SignedNote, sign_note
from custodes.ledger.witnessing.client import Cosigned, Failed, Trouble
from custodes.ledger.witnessing.state import WitnessFolder
from custodes.ledger.witnessing.wire import Answer
from custodes.ledger.witnessing.witness import Witness


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def town(tmp_path: Path, log: ALog) -> Town:
    return Town(tmp_path / "town", log)


def _troubles(
    town: Town, log: ALog, note: SignedNote, remembered: dict[str, int] | None = None
) -> list[Trouble | None]:
    outcomes = town.gather(log, note, remembered).outcomes
    return [one.trouble if isinstance(one, Failed) else None for one in outcomes.values()]


def _cosigned(town: Town, log: ALog, count: int) -> dict[str, int]:
    first = len(log.entries)
    assert town.gather(log, log.grown(count, first), dict.fromkeys(NAMES, first)).has_quorum
    return dict.fromkeys(NAMES, len(log.entries))


def test_a_fork_shown_to_two_witnesses_gets_no_quorum_for_both(tmp_path: Path, town: Town, log: ALog) -> None:
    """The administrator shows one history to the ombudsman and another one to the partner service."""
    fork = ALog(tmp_path / "fork")
    note, forged = log.grown(3), fork.grown(3, 50)
    town.silent = {NAMES[1], NAMES[2]}
    one = town.gather(log, note)
    town.silent = {NAMES[0], NAMES[1]}
    two = town.gather(fork, forged)
    assert not one.has_quorum
    assert not two.has_quorum
    town.silent = set()
    seen = town.gather(log, one.note, {NAMES[0]: 3})
    assert seen.outcomes[NAMES[2]] == Failed(Trouble.FORK, 409, 3)
    assert seen.has_quorum
    assert not town.gather(fork, two.note, {NAMES[2]: 3}).has_quorum
    assert all(town.witnesses[name]._folder.evidence() for name in (NAMES[0], NAMES[2]))


@pytest.mark.parametrize("remembered", [0, 3])
@pytest.mark.parametrize("longer_by", [0, 1, 300])
def test_a_rewritten_history_is_seen_by_every_witness(
    tmp_path: Path, town: Town, log: ALog, longer_by: int, remembered: int
) -> None:
    _cosigned(town, log, 3)
    fork = ALog(tmp_path / "fork")
    forged = fork.grown(3 + longer_by, 50)
    assert _troubles(town, fork, forged, dict.fromkeys(NAMES, remembered)) == [Trouble.FORK] * 3


def test_yesterdays_backup_put_back_is_seen_by_every_witness(tmp_path: Path, town: Town, log: ALog) -> None:
    """With and without the memory of what the witnesses cosigned, which was put back as well."""
    remembered = _cosigned(town, log, 3)
    yesterday = log.store.read_checkpoint() or b""
    shutil.copytree(log.folder, tmp_path / "backup")
    today = _cosigned(town, log, 4)
    note = SignedNote.parse(yesterday)
    back = ALog(tmp_path / "elsewhere")
    back.grown(3)
    assert _troubles(town, back, note, today) == [Trouble.AHEAD] * 3
    assert _troubles(town, back, note, remembered) == [Trouble.AHEAD] * 3
    assert _troubles(town, back, note) == [Trouble.AHEAD] * 3


def test_a_larger_made_up_checkpoint_is_not_cosigned(town: Town, log: ALog) -> None:
    remembered = _cosigned(town, log, 3)
    made_up = sign_note(str(Checkpoint(log.origin, 1000, bytes(32))), log.log_keys, NOW)
    for proof in ((), (bytes(32),) * 10):
        outcomes = town.gather(log, made_up, remembered, proof_from=lambda _size, proof=proof: proof).outcomes  # type: ignore[misc]
        assert set(outcomes.values()) == {Failed(Trouble.FORK, 422, 3)}
    assert town.gather(log, log.grown(1, 3), remembered).has_quorum, "the witnesses were moved by it"


def test_a_larger_made_up_checkpoint_as_the_first_one_locks_the_log_out(town: Town, log: ALog) -> None:
    """A first checkpoint has nothing to be consistent with; but whoever has it cosigned can never show another one."""
    made_up = sign_note(str(Checkpoint(log.origin, 1000, bytes(32))), log.log_keys, NOW)
    assert town.gather(log, made_up, proof_from=lambda _: ()).has_quorum
    assert _troubles(town, log, log.grown(3)) == [Trouble.AHEAD] * 3


def test_two_logs_swapped_get_no_quorum(tmp_path: Path, log: ALog) -> None:
    """The checkpoint of one log under the name of the other; both are known to the witnesses."""
    other = ALog(tmp_path / "other", "other.police.example/custodes")
    town = Town(tmp_path / "two", log, other)
    _cosigned(town, log, 3)
    town.gather(other, other.grown(3, 90))
    note = log.grown(2, 3)
    renamed = note.text.replace(log.origin, other.origin)
    for swapped in (
        SignedNote(renamed, note.signatures),  # the one log's signatures
        sign_note(renamed, log.log_keys, NOW),
    ):
        assert _troubles(town, log, swapped, dict.fromkeys(NAMES, 3)) == [Trouble.REFUSES] * 3
    with_its_keys = sign_note(renamed, other.log_keys, NOW)  # even the other log's administrator helps
    assert _troubles(town, log, with_its_keys, dict.fromkeys(NAMES, 3)) == [Trouble.FORK] * 3


def test_an_old_cosignature_replayed_is_no_new_one(town: Town, log: ALog) -> None:
    """Between log and witness: the answer of an hour ago is played again, for its own checkpoint and for the next."""
    answers: dict[str, Answer] = {}
    send = town.send

    def recording(url: str, body: bytes, timeout: float) -> Answer:
        answers[url] = send(url, body, timeout)
        return answers[url]

    town.send = recording  # type: ignore[method-assign]
    note = log.grown(3)
    assert town.gather(log, note).has_quorum
    town.send = lambda url, _body, _timeout: answers[url]  # type: ignore[method-assign]
    later = town.gather(log, note, dict.fromkeys(NAMES, 3), now=NOW + 3600)
    assert {one.trouble for one in later.outcomes.values() if isinstance(one, Failed)} == {Trouble.STALE}
    assert not later.has_quorum
    longer = town.gather(log, log.grown(1, 3), dict.fromkeys(NAMES, 3))
    assert {one.trouble for one in longer.outcomes.values() if isinstance(one, Failed)} == {Trouble.WRONG}
    assert not longer.has_quorum


def _rolled_back(town: Town, name: str, copy: Path) -> None:
    """Put the folder of a witness back to what ``copy`` holds."""
    witness = town.witnesses[name]
    witness._folder.close()
    shutil.rmtree(witness._folder.path)
    shutil.copytree(copy, witness._folder.path)
    town.witnesses[name] = Witness(WitnessFolder(witness._folder.path), lambda: NOW)


def test_a_witness_rolled_back_does_not_count_until_somebody_trusts_it_again(
    tmp_path: Path, town: Town, log: ALog
) -> None:
    _cosigned(town, log, 3)
    shutil.copytree(town.witnesses[NAMES[0]]._folder.path, tmp_path / "copy")
    remembered = _cosigned(town, log, 2)
    _rolled_back(town, NAMES[0], tmp_path / "copy")
    note = log.grown(1, 5)
    seen = town.gather(log, note, remembered)
    assert seen.outcomes[NAMES[0]] == Failed(Trouble.ROLLED_BACK, 409, 3)
    assert seen.has_quorum
    del remembered[NAMES[0]]
    trusted = town.gather(log, note, remembered)
    assert isinstance(trusted.outcomes[NAMES[0]], Cosigned)


def test_a_fork_for_a_witness_that_was_rolled_back_gets_no_quorum(tmp_path: Path, town: Town, log: ALog) -> None:
    """One witness helps: its folder is put back, and it cosigns a second history. k of n wants another one."""
    _cosigned(town, log, 3)
    shutil.copytree(town.witnesses[NAMES[0]]._folder.path, tmp_path / "copy")
    fork = ALog(tmp_path / "fork")
    fork.grown(3)
    _cosigned(town, log, 2)
    _rolled_back(town, NAMES[0], tmp_path / "copy")
    forged = town.gather(fork, fork.grown(2, 70), dict.fromkeys(NAMES, 3))
    assert isinstance(forged.outcomes[NAMES[0]], Cosigned)
    assert [forged.outcomes[name] for name in NAMES[1:]] == [Failed(Trouble.FORK, 409, 5)] * 2
    assert code_of(lambda: town.policy.accept(bytes(forged.note))) == "ledger.quorum-missing"


def test_cosignatures_of_both_sides_of_a_fork_do_not_add_up(tmp_path: Path, town: Town, log: ALog) -> None:
    fork = ALog(tmp_path / "fork")
    town.silent = {NAMES[1], NAMES[2]}
    one = town.gather(log, log.grown(3))
    town.silent = {NAMES[0], NAMES[1]}
    two = town.gather(fork, fork.grown(3, 50))
    mixed = one.note.with_signatures(two.note.signatures[2:])
    assert code_of(lambda: town.policy.accept(bytes(mixed))) == "ledger.signature-wrong"


def test_a_witness_started_again_has_forgotten_nothing(town: Town, log: ALog) -> None:
    remembered = _cosigned(town, log, 3)
    town.witnesses = {name: reopened(one) for name, one in town.witnesses.items()}
    assert town.gather(log, log.grown(2, 3), remembered).has_quorum
