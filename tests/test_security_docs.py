"""docs/security.md is held to reality: every guarantee is numbered once, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
ATTACKERS = (
    "outsider",
    "curious clerk",
    "rogue examiner",
    "rogue administrator",
    "rogue host administrator",
    "stolen disk",
    "stolen backup",
    "partner agency",
    "the log's operator",
    "dishonest witness",
)


def _guarantees() -> dict[int, str]:
    parts = re.split(r"^\*\*G(\d+)\.\*\* ", PAGE.partition("\n## Neither")[0], flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def _named(text: str) -> list[tuple[str, str]]:
    """The tests that a text names, ``file::test``; one without a file is of the file named before it."""
    found, last = [], ""
    for file, name in re.findall(r"`(tests/[\w/]+\.py)?::(\w+)`", text):
        last = file or last
        found.append((last, name))
    return found


@cache
def _tests_in(file: str) -> frozenset[str]:
    path = REPOSITORY / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    return frozenset(
        node.name for body in bodies for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_guarantees_are_numbered_once_and_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^\*\*G(\d+)\.\*\*", PAGE, flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == len(_guarantees()) > 0


@pytest.mark.parametrize("number", _guarantees())
def test_every_guarantee_says_prevented_or_detected_and_names_tests_that_exist(number: int) -> None:
    text = _guarantees()[number]
    said, _, _ = text.partition("`tests/")
    assert re.search(r"\b(prevented|prevents|detected)\b", said)
    assert _named(text)
    assert [f"{file}::{name}" for file, name in _named(text) if name not in _tests_in(file)] == []


def test_every_name_that_looks_like_a_test_is_read_as_one() -> None:
    """So that a slip of the pen cannot take a test's name out of what is checked."""
    assert len(_named(PAGE)) == PAGE.count("::")
    assert all(name.startswith("test_") and file for file, name in _named(PAGE))


def test_every_guarantee_that_is_referred_to_exists() -> None:
    assert {int(number) for number in re.findall(r"\bG(\d+)\b", PAGE)} == set(_guarantees())


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_every_attacker_has_a_row(attacker: str) -> None:
    assert f"| **{attacker}**" in PAGE


def test_what_is_neither_is_listed() -> None:
    assert PAGE.partition("\n## Neither prevented nor detected\n")[2].count("\n* ") > 10


def test_a_test_that_does_not_exist_would_be_seen() -> None:
    assert "test_none" not in _tests_in("tests/test_security_docs.py")
    assert _tests_in("tests/no_such_file.py") == frozenset()
    assert _named("`tests/a.py::test_a` `::test_b` `tests/c.py::test_c`") == [
        ("tests/a.py", "test_a"),
        ("tests/a.py", "test_b"),
        ("tests/c.py", "test_c"),
    ]
