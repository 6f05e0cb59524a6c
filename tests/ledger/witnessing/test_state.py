"""The folder of a witness: what it holds, who may read it, and that damage to it stops the witness."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ledger.sealing import NOW, ORIGIN, code_of
from tests.ledger.witnessing.scene import ALog, reopened, witness_in

from custodes.ledger.witnessing.state import MAX_EVIDENCE, WitnessFolder
from custodes.ledger.witnessing.witness import Witness


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def used(tmp_path: Path, log: ALog) -> Path:
    """The folder of a witness that cosigned once."""
    witness = witness_in(tmp_path / "w", log)
    assert witness.add_checkpoint(log.request(log.grown(3), 0)).status == 200
    witness._folder.close()
    return tmp_path / "w"


def _file(folder: Path) -> Path:
    (found,) = (folder / "logs").glob("*.json")
    return found


def test_nobody_else_can_read_the_folder(used: Path) -> None:
    for path in [used, *used.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_keys_that_others_can_read_are_refused(used: Path) -> None:
    (used / "keys").chmod(0o640)
    assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-exposed"


def test_two_processes_on_one_folder_are_refused(used: Path) -> None:
    with WitnessFolder(used):
        assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-busy"
        with WitnessFolder(used, is_writer=False) as looking:
            assert looking.logs[ORIGIN].cosigned_at == NOW
    WitnessFolder(used).close()


def test_a_folder_that_could_not_be_read_is_free_again(used: Path) -> None:
    kept = _file(used).read_bytes()
    _file(used).write_bytes(b"{}")
    assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-damaged"
    _file(used).write_bytes(kept)
    WitnessFolder(used).close()


def test_keys_are_never_written_over(used: Path) -> None:
    kept = (used / "keys").read_bytes()
    assert code_of(lambda: WitnessFolder.create(used, "another.example", bytes)) == "ledger.witness-exists"
    assert (used / "keys").read_bytes() == kept


def test_a_name_that_cannot_be_a_keys_makes_no_folder(tmp_path: Path) -> None:
    assert code_of(lambda: WitnessFolder.create(tmp_path / "w", "two words", bytes)) == "ledger.key-malformed"
    assert not (tmp_path / "w").exists()


def test_a_folder_without_a_witness_says_so(tmp_path: Path) -> None:
    assert code_of(lambda: WitnessFolder(tmp_path)) == "ledger.witness-absent"


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert code_of(lambda: WitnessFolder.create(tmp_path / "file", "w.example", bytes)) == "ledger.witness-unusable"


def _alter(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def altered(data: bytes) -> bytes:
        content = json.loads(data)
        change(content)
        return json.dumps(content).encode()

    return altered


@pytest.mark.parametrize(
    "alter",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: b"[]",
        lambda data: b"\xff" + data,
        lambda data: b"[" * 100_000,
        _alter(lambda content: content.update(note=str(content["note"]).replace("\n3\n", "\n2\n"))),
        _alter(lambda content: content.update(note=str(content["note"]).partition("— witness")[0])),
        _alter(lambda content: content.update(note=7)),
        _alter(lambda content: content.update(keys=[])),
        _alter(lambda content: content.update(keys=["nonsense"])),
        _alter(lambda content: content.update(origin="other.example/log")),
        _alter(lambda content: content.pop("follows")),
        _alter(lambda content: content.update(follows={"named": "a"})),
    ],
)
def test_a_witness_whose_memory_was_edited_does_not_start(used: Path, alter: Callable[[bytes], bytes]) -> None:
    """Whoever can write the folder but has not the keys cannot make it cosign another history."""
    _file(used).write_bytes(alter(_file(used).read_bytes()))
    assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-damaged"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys": []}', b'{"keys": [{"name": "a", "type": 1, "seed": ""}]}'])
def test_damaged_keys_are_refused(used: Path, content: bytes) -> None:
    (used / "keys").write_bytes(content)
    assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-damaged"


def test_the_memory_of_one_log_cannot_pass_for_anothers(tmp_path: Path, used: Path) -> None:
    """Two logs swapped, in the witness's own folder."""
    other = ALog(tmp_path / "other", "other.example/log")
    witness = reopened(Witness(WitnessFolder(used), lambda: NOW))
    witness.add_log(other.keys)
    witness.add_checkpoint(other.request(other.grown(1), 0))
    witness._folder.close()
    first, second = sorted((used / "logs").glob("*.json"))
    first_data, second_data = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_data)
    second.write_bytes(first_data)
    assert code_of(lambda: WitnessFolder(used)) == "ledger.witness-damaged"


def test_a_witness_that_lost_its_memory_of_a_log_does_not_know_the_log(used: Path, log: ALog) -> None:
    """It is not as if it had never cosigned: nobody can have a second beginning cosigned by removing a file."""
    _file(used).unlink()
    witness = Witness(WitnessFolder(used), lambda: NOW)
    assert witness.add_checkpoint(log.request(log.grown(1, 3), 0)).status == 404


def test_contradicting_checkpoints_are_kept_and_are_not_many(tmp_path: Path, log: ALog) -> None:
    witness = witness_in(tmp_path / "w", log)
    witness.add_checkpoint(log.request(log.grown(1), 0))
    for n in range(MAX_EVIDENCE + 5):
        fork = ALog(tmp_path / f"fork{n}")
        assert witness.add_checkpoint(fork.request(fork.grown(1, 10 + n), 0)).status == 409
    assert witness._folder.evidence() == MAX_EVIDENCE
