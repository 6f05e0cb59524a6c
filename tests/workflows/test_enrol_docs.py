"""The worked example of docs/enrolment.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export

from custodes.types import Disposition, Sex
from custodes.workflows.enrolment.manifest.mapping import FIELDS, GROUNDS

PAGE = Path(__file__).parents[2] / "docs" / "enrolment.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.write(block("csv"), "export.csv", encoding="windows-1252")
    export.map(block("toml"))
    for number in range(1, 5):
        export.image(f"000{number}.png", number)
    return export


def test_the_worked_example_ends_as_the_page_says(export: Export) -> None:
    report = export.enrol()
    assert (report.rows, report.searchable, dict(report.quarantined)) == (4, 1, {"NO_GROUND": 1, "AGE_UNKNOWN": 1})
    assert [(failure.row, failure.code) for failure in report.failures] == [(4, "row.bad-date")]


def test_the_check_of_the_worked_example_foretells_it(export: Export) -> None:
    coverage = export.check()
    assert (coverage.rows, coverage.searchable, dict(coverage.problems)) == (4, 1, {"row.bad-date": 1})
    assert dict(coverage.quarantined) == {"NO_GROUND": 1, "AGE_UNKNOWN": 1}


_WORDS = [*FIELDS, *GROUNDS, *(member.value for member in (*Disposition, *Sex) if member)]


@pytest.mark.parametrize("word", _WORDS)
def test_every_field_and_every_word_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE.read_text(encoding="utf-8")
