"""`custodes witness` at a terminal, without an installation."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.ledger.sealing import NOW
from tests.ledger.witnessing.scene import ALog

from custodes.cli.main import command
from custodes.ledger.witnessing.state import WitnessFolder
from custodes.ledger.witnessing.witness import Witness


def _run(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(command, ["witness", *map(str, arguments)], input=answer, prog_name="custodes")


def _ok(*arguments: object, answer: str | None = None) -> str:
    result = _run(*arguments, answer=answer)
    assert result.exit_code == 0, result.output
    return result.output


def _fails(code: str, exit_code: int, *arguments: object, answer: str | None = None) -> None:
    result = _run(*arguments, answer=answer)
    assert result.exit_code == exit_code, result.output
    assert f"[{code}]" in result.stderr
    assert "Traceback" not in result.output


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def folder(tmp_path: Path, log: ALog) -> Path:
    """A witness that knows the log and cosigned three entries of it."""
    _ok("init", "--folder", tmp_path / "w", "--name", "witness.example/w1")
    _ok("add-log", "--folder", tmp_path / "w", *log.vkeys)
    with WitnessFolder(tmp_path / "w") as opened:
        assert Witness(opened, lambda: NOW).add_checkpoint(log.request(log.grown(3), 0)).status == 200
    return tmp_path / "w"


def test_init_prints_the_public_keys_and_show_prints_them_again(tmp_path: Path) -> None:
    made = _ok("init", "--folder", tmp_path / "w", "--name", "witness.example/w1")
    assert made.count("    witness.example/w1+") == 2
    assert made in _ok("show", "--folder", tmp_path / "w")
    assert "seed" not in made


def test_show_says_what_was_cosigned_last(folder: Path, log: ALog) -> None:
    shown = _ok("show", "--folder", folder)
    assert f"{log.origin}  3 " in shown
    assert "2026-09-21 14:13:20" in shown
    assert "evidence" not in shown


def test_show_says_that_a_log_contradicted_itself(folder: Path, tmp_path: Path) -> None:
    fork = ALog(tmp_path / "fork")
    with WitnessFolder(folder) as opened:
        Witness(opened, lambda: NOW).add_checkpoint(fork.request(fork.grown(3, 50), 3))
    assert "“evidence”: 1." in _ok("show", "--folder", folder)


def test_a_successor_is_shown_confirmed_and_accepted(folder: Path, tmp_path: Path, log: ALog) -> None:
    successor = ALog(tmp_path / "2", "log.police.example/custodes-2", "2")
    arguments = ("accept-successor", "--folder", folder, "--follows", log.folder / "checkpoint", *successor.vkeys)
    declined = _run(*arguments, answer="n\n")
    assert declined.exit_code == 1
    assert "Entries given up: 0." in declined.output
    assert declined.output.count(log.origin) == 2
    assert successor.origin not in _ok("show", "--folder", folder)
    assert successor.origin in _ok(*arguments, answer="y\n")
    lines = _ok("show", "--folder", folder).splitlines()
    assert any(line.startswith(successor.origin) and log.origin in line for line in lines)
    assert any(line.startswith(log.origin + " ") and line.endswith(successor.origin) for line in lines)
    _fails("ledger.succession-refused", 65, *arguments, answer="y\n")


def test_a_gap_is_agreed_to_by_its_number(folder: Path, tmp_path: Path, log: ALog) -> None:
    early = (log.folder / "checkpoint").read_bytes()
    (tmp_path / "early").write_bytes(early)
    with WitnessFolder(folder) as opened:
        Witness(opened, lambda: NOW).add_checkpoint(log.request(log.grown(4, 3), 3))
    successor = ALog(tmp_path / "2", "log.police.example/custodes-2", "2")
    arguments = ("accept-successor", "--folder", folder, "--follows", tmp_path / "early", *successor.vkeys)
    _fails("ledger.succession-refused", 65, *arguments, "--gap", 0)
    assert "Entries given up: 4." in _ok(*arguments, "--gap", 4)


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("show", "--folder", "{tmp}/none"), "ledger.witness-absent", 78),
        (("init", "--folder", "{w}", "--name", "w.example"), "ledger.witness-exists", 73),
        (("init", "--folder", "{tmp}/new", "--name", "two words"), "ledger.key-malformed", 65),
        (("add-log", "--folder", "{w}", "nonsense"), "ledger.key-malformed", 65),
        (("serve", "--folder", "{w}", "--listen", "8090"), "ledger.witness-listen", 65),
        (("serve", "--folder", "{w}", "--listen", "127.0.0.1:99999"), "ledger.witness-listen", 65),
        (("accept-successor", "--folder", "{w}", "--follows", "{w}/keys", "nonsense"), "ledger.key-malformed", 65),
    ],
)
def test_what_goes_wrong_is_said(
    folder: Path, tmp_path: Path, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    _fails(code, exit_code, *(one.format(tmp=tmp_path, w=folder) for one in arguments))


def test_an_address_that_is_taken_is_said(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        _fails("ledger.witness-address", 78, "serve", "--folder", folder, "--listen", listen)


def test_a_file_that_is_no_checkpoint_is_said(folder: Path, log: ALog) -> None:
    successor = ALog(folder.parent / "2", "log.police.example/custodes-2", "2")
    arguments = ("--folder", folder, "--follows", folder / "keys", *successor.vkeys)
    _fails("ledger.note-malformed", 65, "accept-successor", *arguments)
