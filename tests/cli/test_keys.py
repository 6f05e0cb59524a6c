"""`custodes keys` and `custodes ledger replay` at the terminal."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal

from custodes.app import passphrases
from custodes.cli import asked
from custodes.errors import SetupError
from custodes.keyfile import is_protected, read_secret
from custodes.store.models import CandidateRow


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.touch(0o600)
    path.write_text("a passphrase\n")
    return path


def test_keys_are_protected_shown_replaced_and_freed(
    terminal: Terminal, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = terminal.config
    terminal.as_("administrator")
    assert "A passphrase protects the key now" in terminal.ok("keys", "protect", "master", "--new-file", str(words))
    monkeypatch.setenv("CUSTODES_MASTER_PASSPHRASE_FILE", str(words))
    before = read_secret(config.master_key_file, lambda: b"a passphrase")
    assert "The master key was replaced" in terminal.ok("keys", "rotate", "master")
    assert read_secret(config.master_key_file, lambda: b"a passphrase") != before
    assert "The log has new keys" in terminal.ok("keys", "rotate", "log", "--overlap", "7")
    shown = terminal.ok("keys", "show")
    assert len(re.findall(r"^\S+\+[0-9a-f]{8}\+", shown, re.MULTILINE)) == 4
    assert "yes" in shown
    assert "No passphrase protects" in terminal.ok("keys", "unprotect", "master")
    assert not is_protected(config.master_key_file)


def test_a_protected_key_without_a_passphrase_is_one_clear_error(terminal: Terminal, words: Path) -> None:
    terminal.as_("administrator").ok("keys", "protect", "master", "--new-file", str(words))
    refused = terminal.run("keys", "show")
    assert refused.exit_code == SetupError.exit_code
    assert "key-file.passphrase-needed" in refused.output


def test_keys_are_changed_only_while_nobody_else_has_the_installation_open(terminal: Terminal) -> None:
    terminal.as_("administrator").ok("keys", "show")
    before = terminal.config.master_key_file.read_bytes()
    other = os.open(terminal.config.data_dir / "in-use.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_SH)
    refused = terminal.run("keys", "rotate", "master")
    os.close(other)
    assert "installation.in-use" in refused.output
    assert terminal.config.master_key_file.read_bytes() == before
    terminal.ok("keys", "rotate", "master")


def test_a_passphrase_is_asked_for_once_a_process(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    said: list[str] = []
    passphrases.ask_with(lambda key: (said.append(key), "typed")[1])
    source = passphrases.source(terminal.config, "master")
    assert source() == source() == b"typed"
    assert said == ["master"]
    passphrases.ask_with(None)
    assert source() is None
    answers = iter(["one", "other", "same", "same"])
    monkeypatch.setattr(asked.click, "prompt", lambda *_, **__: next(answers))
    assert asked.new_passphrase("log") == "same"
    answers = iter(["typed"])
    assert asked.passphrase("master") == "typed"


# --- replay ------------------------------------------------------------------------------------------


def test_a_search_and_a_sample_are_replayed_at_the_terminal(terminal: Terminal) -> None:
    """SRCH-06."""
    terminal.world.enrol(1)
    request = terminal.world.approved(1)
    terminal.as_("searcher").ok("search", request)
    terminal.as_("auditor")
    assert "same list and the same certificate" in terminal.ok("ledger", "replay", request)
    assert "Searches replayed: 1; the same: 1;" in terminal.ok("ledger", "replay", "--sample", "5")
    CandidateRow.objects.all().delete()
    different = terminal.run("ledger", "replay", request)
    assert different.exit_code == 1
    assert "the stored one lacks" in different.output
    sampled = terminal.run("ledger", "replay", "--sample", "5")
    assert sampled.exit_code == 1
    assert "different: 1;" in sampled.output


@pytest.mark.parametrize("arguments", [(), ("sea_" + "0" * 26, "--sample", "1")], ids=["neither", "both"])
def test_a_replay_needs_a_search_or_a_sample(arguments: tuple[str, ...], terminal: Terminal) -> None:
    refused = terminal.as_("auditor").run("ledger", "replay", *arguments)
    assert refused.exit_code == 2


def test_what_is_no_search_is_refused(terminal: Terminal) -> None:
    assert "id.malformed" in terminal.as_("auditor").run("ledger", "replay", "nonsense").output
