"""The root command: instant help, every command's help, errors as what, why and what to do with their exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from custodes.cli import say
from custodes.cli.main import COMMANDS, SUMMARIES, LazyGroup, command
from custodes.errors import (
    Conflict,
    CustodesError,
    InputError,
    ModelPackError,
    NotFound,
    NotSignedIn,
    Refused,
    SetupError,
)

_HEAVY = ("django", "numpy", "onnxruntime", "onnx", "cv2", "PIL", "cryptography", "custodes.store", "custodes.app")


def _walk(path: tuple[str, ...], found: click.Command) -> list[tuple[str, ...]]:
    if not isinstance(found, click.Group):
        return [path]
    return [path, *(p for name, child in found.commands.items() for p in _walk((*path, name), child))]


def _every_command() -> list[tuple[str, ...]]:
    context = click.Context(command)
    return [p for name in COMMANDS for p in _walk((name,), command.get_command(context, name) or click.Command("none"))]


def test_help_imports_nothing_heavy() -> None:
    """Help must be instant: no web framework, no numbers, no engine."""
    code = (
        "import sys; from custodes.cli.main import main\n"
        "try: main(['--help'])\n"
        f"finally: print('LOADED', [m for m in {_HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stdout + done.stderr


def test_help_lists_every_command_with_what_it_does() -> None:
    output = CliRunner().invoke(command, ["--help"]).output
    assert set(COMMANDS) == set(SUMMARIES)
    flat = " ".join(output.split())
    assert [name for name in COMMANDS if f" {name} " not in flat] == []


@pytest.mark.parametrize("path", _every_command(), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(command, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage: ")
    assert len(result.output.splitlines()) > 4


def test_every_summary_is_a_sentence() -> None:
    assert [name for name, summary in SUMMARIES.items() if not re.fullmatch(r"[A-Z].{10,70}\.", summary)] == []


def test_a_command_that_does_not_exist_is_a_usage_error() -> None:
    result = CliRunner().invoke(command, ["identify"])
    assert result.exit_code == 2
    assert "No such command" in result.output


@pytest.mark.parametrize(
    "kind", [CustodesError, InputError, Refused, NotSignedIn, NotFound, Conflict, ModelPackError, SetupError]
)
def test_an_error_is_what_why_and_what_to_do_and_its_exit_code(kind: type[CustodesError]) -> None:
    @click.group(cls=LazyGroup)
    def group() -> None: ...

    def fail() -> None:
        raise kind("room.thing", "What %(code)s.", why="Why.", hint="Do this.", code="x")

    group.get_command = lambda ctx, name: click.Command(name, callback=fail)  # type: ignore[method-assign]
    result = CliRunner().invoke(group, ["anything"])
    assert result.exit_code == kind.exit_code
    assert result.stderr.splitlines() == ["What x.  [room.thing]", "  Why.", "  Do this."]
    assert result.stdout == ""
    assert "Traceback" not in result.output


def test_a_malformed_setting_is_explained_not_thrown_at_the_operator(tmp_path: object) -> None:
    """The settings are read before anything can be translated."""
    environment = {**os.environ, "CUSTODES_DATA_DIR": str(tmp_path), "CUSTODES_THREADS": "many"}
    done = subprocess.run(
        [sys.executable, "-c", "from custodes.cli.main import main; main(['whoami'])"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == SetupError.exit_code
    assert "CUSTODES_THREADS" in done.stderr
    assert "[config.malformed]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_where_there_is_no_installation_the_command_line_says_what_to_do(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODES_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(command, ["whoami"])
    assert result.exit_code == SetupError.exit_code
    assert "[installation.none]" in result.stderr
    assert "custodes init" in result.stderr


def test_a_table_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    say.show_table(("a", "long heading"), [("wide cell", 1), ("x", 22)])
    assert capsys.readouterr().out.splitlines() == [
        "a          long heading",
        "─────────  ────────────",
        "wide cell  1",
        "x          22",
    ]


def test_a_table_s_headings_are_translated_and_its_cells_are_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    say.show_table(("case", "state"), [("case", "state")])
    assert capsys.readouterr().out.splitlines() == ["dossier  état", "───────  ─────", "case     state"]


def test_an_empty_table_is_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    say.show_table(("a", "b"), [])
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(("total", "most"), [(100, 12), (3, 4), (None, 12)])
def test_progress_in_a_file_is_about_ten_lines(
    total: int | None, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = say.Progress("rows", total)
    for done in range(1, (total or 1000) + 1):
        progress(done)
    progress.end()
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= most
    assert lines[-1].startswith("rows ")
