"""Where the passphrases of protected keys come from: a file that a setting names, or whoever sits at the terminal.

Never the value of an environment variable, nor an argument of a command: other processes and crash reports show both.
A passphrase that was typed is kept for the life of the process, so that a server may fork after it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from custodes.config import Config
from custodes.keyfile import PassphraseSource, passphrase_bytes, passphrase_file

_asking: list[Callable[[str], str]] = []
_typed: dict[str, bytes] = {}


def ask_with(prompt: Callable[[str], str] | None) -> None:
    """Let ``prompt(key)`` ask a person for the passphrase of ``master`` or ``log``; None: nobody is there to ask."""
    _typed.clear()
    _asking[:] = [prompt] if prompt else []


def source(config: Config, key: str) -> PassphraseSource:
    """Return where the passphrase of ``key``, ``master`` or ``log``, comes from in this process."""
    file = {"master": config.master_passphrase_file, "log": config.log_passphrase_file}[key]
    return passphrase_file(Path(file)) if file else lambda: _from_a_person(key)


def _from_a_person(key: str) -> bytes | None:
    if key not in _typed and _asking:
        _typed[key] = passphrase_bytes(_asking[0](key))
    return _typed.get(key)
