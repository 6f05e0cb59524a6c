"""Documentation is held to the source: what exists is documented, and what is documented exists."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

import reference
from custodes.config import Config, variable_of
from custodes.ledger.events import DEEDS, Alone, EventKind, specs

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
SOURCE = REPOSITORY / "src" / "custodes"
_PROSE = sorted([*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")])
# codes that come in through a parameter: `Decision.require` raises what a rule said, `try_apart` what its process said
_FORWARDED = {"policy/decision.py", "engine/apart.py"}


def _page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _generated(name: str) -> str:
    return _page(name).partition(reference.BEGIN)[2].partition(reference.END)[0]


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_page_says_what_the_source_says(name: str) -> None:
    page = _page(name)
    assert reference.rewritten(page, name) == page, "run make reference"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Config)])
def test_every_setting_is_documented(field: str) -> None:
    assert f"`{variable_of(field)}" in _page("settings.md")


def test_every_setting_that_is_read_is_documented() -> None:
    source = (SOURCE / "config.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\"(CUSTODES_[A-Z_]+|DATABASE_URL)\"", source))
    assert read == set(re.findall(r"^\| `([A-Z_]+)", _generated("settings.md"), flags=re.MULTILINE))


def test_every_error_code_is_documented() -> None:
    codes = {error.code for error in reference.error_codes(SOURCE)}
    assert codes == set(re.findall(r"^\| `([a-z0-9.-]+)`", _generated("errors.md"), flags=re.MULTILINE))


def test_every_error_code_is_dotted_and_lower_case() -> None:
    codes = [error.code for error in reference.error_codes(SOURCE)]
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z-]*(\.[a-z][a-z0-9-]*)+", code)] == []


def test_every_error_says_what_happened() -> None:
    assert [error.code for error in reference.error_codes(SOURCE) if not error.what] == []


def test_every_error_is_raised_with_a_code_that_can_be_read_in_the_source() -> None:
    classes = set(reference.error_classes((SOURCE / "errors.py").read_text(encoding="utf-8")))
    hidden = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        if str(path.relative_to(SOURCE)) not in _FORWARDED
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and reference.called(node) in classes
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    assert hidden == []


def _rows(page: str, columns: int) -> list[list[str]]:
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return [[cell.strip("`") for cell in row] for row in rows if len(row) == columns]


def test_every_log_event_is_explained() -> None:
    explained = {kind: (pattern, meaning) for kind, pattern, meaning in _rows(_generated("log-events.md"), 3)}
    assert set(explained) == {kind.value for kind in EventKind}
    assert [kind for kind, (pattern, meaning) in explained.items() if not (pattern and meaning)] == []


def test_every_log_event_has_one_of_the_three_patterns() -> None:
    patterns = {pattern for _, pattern, _ in _rows(_generated("log-events.md"), 3)}
    assert patterns == {"row effects", "alone", "outside effects"}


def test_every_field_of_every_log_event_is_explained_and_said_to_be_open_or_private() -> None:
    """AUD-05: whoever reads the page sees the closed list of what a leaf can hold."""
    explained = {(kind, name): (place, meaning) for kind, name, place, _, meaning in _rows(_fields_table(), 5)}
    present = {
        (kind.value, spec.name): spec.place.value
        for kind, deed in DEEDS.items()
        for stated in (deed, deed.outcome)
        for spec in (specs(stated) if stated else ())
    }
    assert {field: place for field, (place, _) in explained.items()} == present
    assert [field for field, (_, meaning) in explained.items() if len(meaning) < 4] == []


def _fields_table() -> str:
    return _generated("log-events.md").partition("## Fields")[2].partition("\n## ")[0]


def test_an_undocumented_kind_or_field_of_a_log_event_would_be_seen() -> None:
    class Silent(Alone):
        kind = EventKind.SIGNED_OUT
        code: int

    assert reference._member(Silent, "other") == ""
    assert reference.documented_members("class A:\n    x: int\n    y: int\n    'said'\n", "A") == {"x": "", "y": "said"}


def test_every_command_is_documented() -> None:
    page = _page("commands.md")
    assert [name for name, _ in reference.commands() if f"\n## {name}\n" not in page] == []


@pytest.mark.parametrize("path", _PROSE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_decision_record_is_listed_and_complete() -> None:
    listed = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    for path in sorted((DOCS / "adr").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        assert f"({path.name})" in listed
        assert [part for part in ("Status", "## Context", "## Decision", "## Consequences") if part not in text] == []


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be asked")
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def test_no_path_or_address_of_one_machine_is_in_a_tracked_file() -> None:
    pattern = re.compile(
        r"/home/[a-z]|/root/|/Users/[A-Z]|(?<![\w.}-])/wor[k]/|C:\\Users|\bfind-links\b|10\.\d+\.\d+\.\d+:"
    )
    found = []
    for path in _tracked():
        if path.suffix in {".png", ".jpg", ".mo", ".ico", ".woff2"} or path == Path(__file__) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(REPOSITORY)}: {place.group()}" for place in pattern.finditer(text)]
    assert found == []


def test_the_changelog_knows_this_version() -> None:
    from custodes import __version__

    assert f"## {__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
