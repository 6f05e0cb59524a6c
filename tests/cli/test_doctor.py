"""The doctor's report: what confines the decoder, which formats are decoded, and how many problems there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cli.conftest import Terminal

from custodes.imaging import Measure
from custodes.text import Text
from custodes.workflows import health
from custodes.workflows.finding import Finding


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The doctor finds as many problems as the first number in this list says."""
    wanted: list[int] = []

    def examine(*_: object) -> Iterator[Finding]:
        for _number in range(wanted[0]):
            yield Finding(Text("Decoder"), False, Text("Weak."), Text("Mend it."), (Text("One."), Text("Two.")))
        yield Finding(Text("Space"), True, Text("Enough."))

    monkeypatch.setattr(health, "examine", examine)
    return wanted


def test_the_report_says_what_confines_the_decoder_and_what_it_decodes(terminal: Terminal) -> None:
    output = terminal.run("doctor").output
    assert " Image decoder: " in output
    assert f"    {Measure.LIMITS.template}\n" in output
    assert " Image formats: JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000" in output


def test_the_report_says_so_in_french(terminal: Terminal) -> None:
    output = terminal.run("doctor", CUSTODES_LANGUAGE="fr").output
    assert "    Sa mémoire et son temps de calcul sont limités" in output
    assert " Formats d’image\N{NO-BREAK SPACE}: JPEG, PNG" in output


def test_points_and_the_hint_stand_below_what_they_explain(terminal: Terminal, problems: list[int]) -> None:
    problems.append(1)
    output = terminal.run("doctor").output
    assert "✗ Decoder: Weak.\n    One.\n    Two.\n    Mend it.\n✓ Space: Enough.\n1 problem.\n" in output


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [
        (0, "Everything is well.", "Tout va bien."),
        (1, "1 problem.", "1 problème."),
        (2, "2 problems.", "2 problèmes."),
    ],
)
def test_problems_are_counted_as_the_language_counts(
    terminal: Terminal, problems: list[int], count: int, english: str, french: str
) -> None:
    problems.append(count)
    result = terminal.run("doctor", CUSTODES_LANGUAGE="en")
    assert result.output.splitlines()[-1] == english
    assert result.exit_code == (1 if count else 0)
    assert terminal.run("doctor", CUSTODES_LANGUAGE="fr").output.splitlines()[-1] == french
