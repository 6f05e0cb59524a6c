"""The single-file verifier as anybody runs it: a copy in an empty folder, no Custodes in sight, one sentence out."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import OUTSIDE_ONLY, SealedLog, code_of, numbered
from tests.ledger.test_keys import MLDSA_KEY, MLDSA_NOTE
from tests.ledger.test_note import FOO_KEY, PETER_KEY

from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import VerifierKey
from custodes.ledger.note import SignedNote
from custodes.ledger.proof import Proof
from custodes.ledger.tiles import TileReader

SOURCE = Path(verify.__file__)


@pytest.fixture
def log(tmp_path: Path) -> SealedLog:
    log = SealedLog(tmp_path / "log")
    log.seal(numbered(300))
    return log


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """The verifier, copied to where nothing else is."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(SOURCE, folder / "verify.py")
    return folder


def _run(alone: Path, *arguments: str) -> tuple[int, str]:
    # -I: no PYTHONPATH, no current folder, so that nothing of Custodes could be imported by chance
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments], cwd=alone, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "" or done.returncode == 2
    return done.returncode, done.stdout


def _keys(log: SealedLog) -> list[str]:
    return [part for vkey in log.vkeys for part in ("--key", vkey)]


# --- as a program -----------------------------------------------------------------------------------


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    tree = ast.parse(SOURCE.read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_it_can_be_read_in_an_hour() -> None:
    assert len(SOURCE.read_text("utf-8").splitlines()) <= 525


def test_a_log_is_verified_from_an_empty_folder(log: SealedLog, alone: Path, tmp_path: Path) -> None:
    shown = log.seal([])
    log.seal(numbered(50, 300))
    (tmp_path / "policy").write_text(str(log.policy))
    (tmp_path / "since").write_bytes(shown)
    more = ["--policy", str(tmp_path / "policy"), "--since", str(tmp_path / "since"), "--strict"]
    status, said = _run(alone, "log", str(log.folder), *_keys(log), *more)
    assert status == 0
    assert said.startswith("Verified: 'log.police.example/custodes', 350 entries, root ")
    assert "continues the checkpoint over 300; cosigned by outside:ombudsman at 2026-09-21T" in said


def test_what_fails_is_said_in_one_sentence_with_the_place(log: SealedLog, alone: Path) -> None:
    bundle = log.folder / "tile/entries/001.p/44"
    bundle.write_bytes(bundle.read_bytes().replace(b"299", b"298"))
    assert _run(alone, "log", str(log.folder), *_keys(log)) == (
        1,
        "NOT VERIFIED: tile/0/001.p/44 and entry 299 differ: one of them is not what was sealed.\n",
    )


def test_a_proof_is_verified_without_the_log(log: SealedLog, alone: Path) -> None:
    note = log.store.read_checkpoint()
    assert note is not None
    (alone / "it.tlog-proof").write_bytes(bytes(Proof.make(TileReader(log.store, 300), 123, note)))
    (alone / "entry").write_bytes(log.entries[123])
    shutil.rmtree(log.folder)
    arguments = ["proof", "it.tlog-proof", "--entry", "entry", *_keys(log)]
    assert _run(alone, *arguments)[0] == 0
    (alone / "entry").write_bytes(log.entries[124])
    assert _run(alone, *arguments) == (
        1,
        "NOT VERIFIED: The proof does not show that this is entry 123 of 'log.police.example/custodes'.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["log", "nowhere", "--key", FOO_KEY], 1),
        (["log", "verify.py", "--key", FOO_KEY], 1),
        (["log", "nowhere", "--key", "nonsense"], 1),
        (["log", "nowhere", "--policy", "nowhere"], 1),
        (["proof", "nowhere", "--entry", "nowhere"], 1),
        (["proof", "verify.py", "--entry", "verify.py", "--key", FOO_KEY], 1),
        (["proof", "verify.py"], 2),
        ([], 2),
    ],
)
def test_a_wrong_command_is_answered_and_never_a_traceback(arguments: list[str], status: int, alone: Path) -> None:
    assert _run(alone, *arguments)[0] == status


def test_without_any_key_nothing_is_verified(log: SealedLog, alone: Path) -> None:
    assert _run(alone, "log", str(log.folder))[0] == 1


def test_a_policy_that_names_the_log_is_enough(log: SealedLog) -> None:
    trust = verify.Trust([], str(log.policy).encode())
    assert "300 entries" in verify.verify_log(log.folder, trust)


def test_a_name_from_the_data_cannot_write_over_a_terminal(alone: Path) -> None:
    (alone / "log").mkdir()
    text = "evil\u009b2J\u202eorigin é\n1\n" + "A" * 43 + "=\n\n— evil\u009b2J AAAAAAA=\n"
    (alone / "log" / "checkpoint").write_text(text, "utf-8")
    status, said = _run(alone, "log", "log", "--key", FOO_KEY)
    assert status == 1
    assert r"evil\x9b2J\u202eorigin \xe9" in said
    assert said.isascii()


# --- what it makes of honest logs -------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537])
def test_a_log_of_any_size_is_verified(size: int, tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    log.seal(numbered(size))
    assert f"{size} entries" in log.verify()


def test_empty_and_longest_entries_are_entries(tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    log.seal([b"", bytes(65_535), b""])
    assert "3 entries" in log.verify()


def test_a_log_that_grew_in_many_steps_keeps_verifying(tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    shown = [log.seal(numbered(61, 61 * step)) for step in range(12)]
    for since in shown:
        assert "Verified" in log.verify(since=since)


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for size in (2_000, 40_000):
        log = SealedLog(tmp_path / str(size))
        log.seal(numbered(size))
        tracemalloc.start()
        log.verify()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_a_checkpoint_of_another_implementation_is_read() -> None:
    checkpoint, _ = verify.Trust([MLDSA_KEY]).open(MLDSA_NOTE.encode(), "it")
    assert (checkpoint.origin, checkpoint.size) == ("example.com/mldsa-log", 1)


def test_signature_lines_of_other_keys_are_counted_and_refused_when_strict(log: SealedLog) -> None:
    without_policy = verify.Trust(log.vkeys)
    assert "3 signature line(s) of other keys ignored" in verify.verify_log(log.folder, without_policy)
    with pytest.raises(verify.Failure, match="3 signature line"):
        verify.verify_log(log.folder, verify.Trust(log.vkeys, strict=True))
    log.seal([], OUTSIDE_ONLY)
    assert "cosigned by outside:ombudsman" in log.verify()


# --- it agrees with the library ---------------------------------------------------------------------


@pytest.mark.parametrize("vkey", [FOO_KEY, PETER_KEY, MLDSA_KEY])
def test_both_read_the_same_keys(vkey: str) -> None:
    one, two = VerifierKey.parse(vkey), verify.Key.parse(vkey)
    assert (one.name, one.key_id, one.type, one.public) == (two.name, two.key_id, two.type, two.public)


@given(st.data())
def test_both_make_the_same_of_damaged_notes_and_keys(data: st.DataObject) -> None:
    damaged = bytearray((MLDSA_NOTE[:200] + "\n" if data.draw(st.booleans()) else FOO_KEY).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.just(b"\n"))
    text = bytes(damaged).decode("utf-8", "replace")
    assert bool(code_of(lambda: VerifierKey.parse(text))) == _fails(lambda: verify.Key.parse(text))
    raw = bytes(damaged)
    assert bool(code_of(lambda: SignedNote.parse(raw))) == _fails(lambda: verify.parse_note(raw, "it"))
    assert bool(code_of(lambda: Checkpoint.parse(text))) == _fails(lambda: verify.parse_checkpoint(text, "it"))


@given(st.binary(max_size=300))
def test_any_bytes_are_answered_with_a_failure_and_nothing_else(data: bytes) -> None:
    trust = verify.Trust([FOO_KEY])
    head = b"c2sp.org/tlog-proof@v1\nindex 0\n\n"
    for tried in (data, head + data, b"a\n1\n" + data):
        assert _fails(lambda it=tried: verify.verify_proof(it, b"", trust))  # type: ignore[misc]
        assert _fails(lambda it=tried: trust.open(it, "it"))  # type: ignore[misc]


def _fails(action: object) -> bool:
    try:
        action()  # type: ignore[operator]
    except verify.Failure:
        return True
    return False
