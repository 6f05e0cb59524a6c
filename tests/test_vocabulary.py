"""The product's words (docs/vocabulary.md): nothing says more than a face search can know."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "custodes"
VOCABULARY = REPOSITORY / "docs" / "vocabulary.md"
_TEXT_SUFFIXES = {".html", ".txt", ".js", ".css", ".po", ".toml", ".csv", ".jsonl"}


def _rows(heading: str) -> list[list[str]]:
    section = VOCABULARY.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


_FORMS = [form.strip() for row in _rows("Never") for form in row[1].split(",")]
_FORBIDDEN = re.compile(r"(?<![^\W\d_])(" + "|".join(map(re.escape, _FORMS)) + r")(?![^\W\d_])", re.IGNORECASE)
_EXCEPTIONS = re.compile("|".join(row[0].strip("`") for row in _rows("Exceptions")), re.IGNORECASE)
_SIMILAR = r"(?:similar\w*|scores?|candidate?s?|resembl\w*|ressembl\w*|confidence|confiance)"
_PERCENT = r"(?:[\d›})]\s?%|per ?cent|pour ?cent|percentage|pourcentage)"
_AS_PERCENTAGE = re.compile(
    rf"{_SIMILAR}\b[^.\n]{{0,40}}{_PERCENT}|{_PERCENT}[^.\n]{{0,20}}\b{_SIMILAR}", re.IGNORECASE
)


def forbidden_in_text(text: str) -> list[str]:
    """Return the forbidden words of a text, exceptions apart."""
    return _FORBIDDEN.findall(_EXCEPTIONS.sub(" ", text))


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")


def _statements(source: str) -> set[tuple[int, int]]:
    return {(node.lineno, node.col_offset) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Match)}


def forbidden_in_python(source: str) -> list[tuple[int, str]]:
    """Return line and word of every forbidden word in identifiers, strings and comments."""
    found: list[tuple[int, str]] = []
    statements, previous = _statements(source), ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_regular_expression = previous == "." and token.string in {"match", "fullmatch", "Match"}
        if token.type == tokenize.NAME and token.start not in statements and not is_regular_expression:
            found += [(token.start[0], word) for word in forbidden_in_text(_words(token.string))]
        elif token.type in {tokenize.STRING, tokenize.COMMENT}:
            found += [(token.start[0], word) for word in forbidden_in_text(token.string)]
        previous = token.string
    return found


def percentages(text: str) -> list[str]:
    """Return phrases that state a similarity as a percentage."""
    readable = re.sub(r"%\((\w+)\)[sdf]", r"‹\1›", text).replace("%%", "%")
    return _AS_PERCENTAGE.findall(readable)


def _python_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def _text_files() -> list[Path]:
    in_source = [path for path in SOURCE.rglob("*") if path.suffix in _TEXT_SUFFIXES]
    pages = [*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")]
    return sorted(path for path in in_source + pages if path != VOCABULARY)


def _complaints(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        text = _text(path)
        words = forbidden_in_python(text) if path.suffix == ".py" else [(0, word) for word in forbidden_in_text(text)]
        yield from (f"{path.relative_to(REPOSITORY)}:{line or ''} {word}" for line, word in words)


def _text(path: Path) -> str:
    """Return a file's text; the demonstration's Windows-1252 export is meant to be what it is."""
    return path.read_text(encoding="utf-8", errors="replace")


def test_python_says_no_forbidden_word() -> None:
    assert list(_complaints(_python_files())) == []


def test_pages_messages_and_documents_say_no_forbidden_word() -> None:
    assert list(_complaints(_text_files())) == []


def test_file_names_say_no_forbidden_word() -> None:
    names = [path for path in SOURCE.rglob("*") if forbidden_in_text(_words(path.stem))]
    assert names == []


def test_no_similarity_is_a_percentage() -> None:
    allowed = {REPOSITORY / "docs" / "vocabulary.md"}
    found = {
        str(path.relative_to(REPOSITORY)): percentages(_text(path))
        for path in [*_python_files(), *(p for p in _text_files() if SOURCE in p.parents and p.suffix != ".css")]
        if path not in allowed
    }
    assert {path: phrases for path, phrases in found.items() if phrases} == {}


@pytest.mark.parametrize(
    "text", ["A match!", "matched", "3 hits", "was identified as", "Suspect  found".replace("  ", " ")]
)
def test_a_forbidden_word_is_seen_in_text(text: str) -> None:
    assert forbidden_in_text(text)


@pytest.mark.parametrize(
    "text", ["the false match rate", "fnmatch", "white", "architecture", "unidentified", "re.match"]
)
def test_what_only_looks_like_a_forbidden_word_is_let_through(text: str) -> None:
    assert forbidden_in_text(text) == []


@pytest.mark.parametrize("source", ["best_match = 1\n", "class FaceMatcher: ...\n", "x = 'a match'\n", "# a hit\n"])
def test_a_forbidden_word_is_seen_in_python(source: str) -> None:
    assert forbidden_in_python(source)


def test_the_match_statement_and_regular_expressions_are_let_through() -> None:
    source = "match command:\n    case 1:\n        found = pattern.fullmatch(text) or re.match('a', text)\n"
    assert forbidden_in_python(source) == []


@pytest.mark.parametrize(
    "text", ["similarity: %(value)s%%", "Score {{ score }}%", "98 % similar", "score en pourcentage"]
)
def test_a_similarity_as_a_percentage_is_seen(text: str) -> None:
    assert percentages(text)
