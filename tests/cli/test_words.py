"""The command line in French: help, headings, click's own sentences, errors; the source stays plain English."""

from __future__ import annotations

import ast
import gettext
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.cli.conftest import Terminal
from tests.workflows.conftest import PASSWORD

from custodes.cli import say, words
from custodes.cli.main import COMMANDS, SUMMARIES, command, load
from custodes.config import LANGUAGES
from custodes.errors import NotSignedIn, Refused
from custodes.types import Role

FRENCH = words.catalogue("fr")
# words that are the same in both languages
_SAME = {"CODE", "IMAGE", "[OPTIONS]", "code", "phase", "position", "service", "dimension", "version", "licences"}
_SAME |= {"CORRECTION", "NOTE", "corrections", "pose"}
# Windows, Bash older than 4.4, editors and progress bars that Custodes does not open, misuse by a programmer
_NEVER_HEARD = {"_winconsole", "_termui_impl", "shell_completion", "utils"}
_CLI = Path(words.__file__).parent


def _walk(path: tuple[str, ...], found: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, found
    if isinstance(found, click.Group):
        for name, child in found.commands.items():
            yield from _walk((*path, name), child)


_EVERY = [((), command), *(pair for name in COMMANDS for pair in _walk((name,), load(name)))]
_IDS = [" ".join(path) or "custodes" for path, _ in _EVERY]


def _texts(found: click.Command) -> list[str]:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    words.in_words(found, note)
    return seen


def _flat(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(autouse=True)
def _click_speaks_english_again() -> Iterator[None]:
    yield
    words.speak(gettext.NullTranslations())


@pytest.mark.parametrize(("path", "found"), _EVERY, ids=_IDS)
def test_every_text_of_a_command_has_french(path: tuple[str, ...], found: click.Command) -> None:
    assert [text for text in _texts(found) if FRENCH.gettext(text) == text and text not in _SAME] == []


@pytest.mark.parametrize(("path", "found"), _EVERY, ids=_IDS)
def test_a_command_s_help_in_french_holds_no_english_sentence(path: tuple[str, ...], found: click.Command) -> None:
    result = CliRunner().invoke(command, [*path, "--help"], env={"CUSTODES_LANGUAGE": "fr"}, prog_name="custodes")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Utilisation\N{NO-BREAK SPACE}: custodes")
    sentences = [text for text in [*_texts(found), *SUMMARIES.values(), "Show this message and exit."] if " " in text]
    assert [text for text in sentences if _flat(text) in _flat(result.output)] == []
    assert _flat(words.paragraphs(found.help or "", FRENCH.gettext)) in _flat(result.output)


@pytest.mark.parametrize(("path", "found"), _EVERY, ids=_IDS)
def test_english_help_is_what_the_source_says_even_after_french(path: tuple[str, ...], found: click.Command) -> None:
    def shown(language: str) -> str:
        return (
            CliRunner()
            .invoke(command, [*path, "--help"], env={"CUSTODES_LANGUAGE": language}, prog_name="custodes")
            .output
        )

    before = shown("en")
    assert shown("fr") != before
    assert shown("en") == before
    assert before.startswith("Usage: custodes")
    assert _flat(found.help or "") in _flat(before)


@pytest.mark.parametrize("language", ["", "de", "fr/../en"])
def test_help_in_a_language_that_is_not_there_is_english(language: str) -> None:
    result = CliRunner().invoke(command, ["--help"], env={"CUSTODES_LANGUAGE": language}, prog_name="custodes")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


def test_help_in_french_imports_nothing_heavy() -> None:
    heavy = ("django", "numpy", "onnxruntime", "cv2", "PIL", "cryptography", "custodes.store", "custodes.app")
    code = (
        "import sys; from custodes.cli.main import main\n"
        "try: main(['--help'])\n"
        f"finally: print('LOADED', [m for m in {heavy!r} if m in sys.modules])"
    )
    environment = {"CUSTODES_LANGUAGE": "fr", "PATH": "", "HOME": "/nowhere", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", env=environment
    )
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stdout + done.stderr
    assert "Commandes:" in done.stdout


@pytest.mark.parametrize("system", ["fr_CA.UTF-8", "de_DE.UTF-8"])
def test_the_language_is_custodes_own_whatever_the_system_speaks(system: str) -> None:
    environment = {"LANGUAGE": system, "LANG": system, "PATH": "", "HOME": "/nowhere", "PYTHONUTF8": "1"}
    run = [sys.executable, "-c", "from custodes.cli.main import main; main(['--help'])"]
    done = subprocess.run(run, capture_output=True, text=True, encoding="utf-8", env=environment)
    assert done.stdout.startswith("Usage: ")


# --- click's own sentences --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "La commande 'nonsense' n’existe pas."),
        (["case", "open"], "Il manque l’argument 'NUMÉRO'."),
        (["agency", "agree"], "Il manque l’option '--owner'."),
        (["case", "--nonsense"], "L’option '--nonsense' n’existe pas."),
        (["case", "list", "extra"], "Argument de trop (extra)"),
        (["request", "make", "--age-to", "x"], "'x' n’est pas une valeur du type «\N{NO-BREAK SPACE}entier"),
        (["request", "make", "--face", "0"], "0 n’est pas dans l’intervalle x>=1."),
        (["request", "make", "--taken-to", "31/03/2026"], "n’est pas un jour; écrivez-le comme 2026-03-31."),
        (["request", "make", "--sex", "Q"], "'Q' n’est pas l’un de 'F', 'M', 'X'."),
        (["probe", "add", "1", "nowhere.png"], "Fichier 'nowhere.png'\N{NO-BREAK SPACE}: introuvable."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_error_is_french(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(command, arguments, env={"CUSTODES_LANGUAGE": "fr"}, prog_name="custodes")
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Pour de l’aide" in result.stderr
    assert not re.search(r"\b(the|is|not|Error|Try|Usage)\b", result.stderr)


def test_click_asks_for_its_sentences_where_speak_answers() -> None:
    """A click that asked elsewhere would fall back to English unnoticed."""
    folder = Path(click.__file__).parent
    asking = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"^from gettext import (gettext as _|ngettext)$", path.read_text("utf-8"), flags=re.MULTILINE)
    }
    spoken = {module.__name__.rpartition(".")[2] for module in words.CLICK}
    assert asking - _NEVER_HEARD == spoken
    assert not re.search(r"^from gettext import(?! gettext as _$| ngettext$)", _sources(folder), flags=re.MULTILINE)


def _sources(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))


# --- a command and its copy -------------------------------------------------------------------------


def test_translating_leaves_the_command_as_it_was() -> None:
    @click.group()
    def group() -> None:
        """One.

        Two
        lines.
        """

    @group.command(short_help="Short.")
    @click.argument("name", required=False)
    @click.option("--count", type=int, help="How many.")
    @click.option("--yes", is_flag=True)
    @click.option("--word", prompt="Ask")
    def inner(**_: object) -> None: ...

    before = _texts(group)
    assert set(before) >= {"One.", "Two lines.", "Short.", "NAME", "integer", "How many.", "Ask"}
    twin = words.in_words(group, str.swapcase)
    assert twin.help == "oNE.\n\ntWO LINES."
    assert isinstance(twin, click.Group)
    assert twin.commands["inner"].short_help == "sHORT."
    assert twin.commands["inner"].params[0].make_metavar(click.Context(inner)) == "[name]"
    assert _texts(group) == before
    assert click.INT.name == "integer"


def test_a_text_without_words_is_never_looked_up() -> None:
    """gettext answers the empty message with the catalogue's own header."""
    assert words.paragraphs("", FRENCH.gettext) == ""
    assert words.paragraphs(" \n\n \n", FRENCH.gettext) == ""
    assert "" not in [text for _, found in _EVERY for text in _texts(found)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_in_the_catalogue_stays_english(language: str) -> None:
    assert words.catalogue(language).gettext("No such sentence anywhere.") == "No such sentence anywhere."


# --- tables, states, errors -------------------------------------------------------------------------


def _headings() -> list[tuple[str, ast.expr]]:
    calls = [
        (path.name, node)
        for path in sorted(_CLI.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "show_table"
    ]
    return [(name, part) for name, call in calls if isinstance(call.args[0], ast.Tuple) for part in call.args[0].elts]


def test_every_heading_of_a_table_is_a_message_with_french() -> None:
    found = _headings()
    assert len(found) > 40
    plain = [(name, part.value) for name, part in found if isinstance(part, ast.Constant)]
    assert plain == [("case.py", "SHA-256")]
    marked = [
        part.args[0].value for _, part in found if isinstance(part, ast.Call) and isinstance(part.args[0], ast.Constant)
    ]
    assert len(marked) == len(found) - 1
    assert [text for text in marked if FRENCH.gettext(str(text)) == text and text not in _SAME] == []


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_shown_in_words(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    english = say.label(role)
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    assert english != say.label(role) != role.value


def test_yes_and_no(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (say.yes_or_no(True), say.yes_or_no(False)) == ("yes", "no")
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    assert (say.yes_or_no(True), say.yes_or_no(False)) == ("oui", "non")


def test_the_code_words_inside_an_error_are_translated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    template = "The role “%(role)s” may not do this (%(action)s)."
    say.show_error(Refused("gate.role", template, role="searcher", action="enrol"))
    shown = capsys.readouterr().err
    assert "Recherche" in shown
    assert "inscrire des photographies" in shown


@pytest.mark.parametrize("setting", ["CUSTODES_THREADS", "CUSTODES_LANGUAGE"])
def test_settings_that_cannot_be_read_leave_english(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting, "nonsense")
    assert say.translator()("yes") == "yes"


# --- a case in French -------------------------------------------------------------------------------


@pytest.fixture
def french(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    return terminal.ok


def test_whoever_is_not_signed_in_is_told_so_in_french(terminal: Terminal, french: Callable[..., str]) -> None:
    result = terminal.run("whoami")
    assert result.exit_code == NotSignedIn.exit_code
    assert "Aucune session n’est ouverte.  [session.none]" in result.stderr
    assert "Ouvrez une session" in result.stderr


def test_cases_roles_and_records_are_shown_in_french(terminal: Terminal, french: Callable[..., str]) -> None:
    terminal.world.enrol(1)
    terminal.world.enrol(2, ground=None)
    terminal.as_("searcher")
    assert "dans le rôle Recherche." in french("whoami")
    french("case", "open", "2026-1")
    listed = french("case", "list").splitlines()
    assert listed[0].split("  ")[0] == "dossier"
    assert listed[2].endswith("ouvert")
    assert "demandée par" in french("case", "show", "2026-1")
    terminal.as_("records officer")
    assert "En instance" in french("record", "P1") or "Condamnation" in french("record", "P1")
    assert "  oui" in french("record", "P1")
    assert "non\N{NO-BREAK SPACE}: Aucune infraction" in french("record", "P2")


def test_the_log_is_shown_in_french(terminal: Terminal, french: Callable[..., str]) -> None:
    log = terminal.as_("auditor").ok("log")
    assert "événement" in log.splitlines()[0]
    assert "Session ouverte" in log
    assert "noté" in log
    assert "sign-in.succeeded" in log


def test_a_new_password_is_asked_for_in_french(terminal: Terminal, french: Callable[..., str]) -> None:
    terminal.as_("administrator")
    result = CliRunner().invoke(
        command,
        [
            *("account", "add", "--agency", "NRP", "--email", "kim.roy@nrp.example", "--personnel-number", "77"),
            *("--full-name", "Kim Roy", "--role", "auditor"),
        ],
        input=f"{PASSWORD}\nanother\n{PASSWORD}\n{PASSWORD}\n",
    )
    assert result.exit_code == 0, result.output
    assert "Les deux diffèrent. Réessayez." in result.output
    assert "rôles\N{NO-BREAK SPACE}: Audit." in result.output
    assert PASSWORD not in result.output
