"""What every template knows: on every page of an installation that only evaluates, that nothing here is casework."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest
from tests.web.conftest import Pages, World
from tests.web.test_rendering import every_page

from custodes.app import process
from custodes.config import Config
from custodes.ids import RequestId

WORDS = {"en": "Evaluation only: no casework.", "fr": "Évaluation seulement\u00a0: aucune enquête."}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_an_installation_for_evaluation_says_so(
    pages: Pages, world: World, searched: RequestId, language: str
) -> None:
    """ENG-04: before anything else on the page, and in the title of its tab."""
    world.services.config = replace(world.services.config, evaluation=True)
    for name, answer in every_page(pages, world, searched, language):
        page = html.unescape(answer.content.decode())
        assert page.count(WORDS[language]) == 1, name
        assert page.index(WORDS[language]) < page.index("<header"), name
        assert "valuation)</title>" in page, name


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_page_of_an_operational_installation_does(
    pages: Pages, world: World, searched: RequestId, language: str
) -> None:
    for name, answer in every_page(pages, world, searched, language):
        page = html.unescape(answer.content.decode())
        assert WORDS[language] not in page, name
        assert "evaluation" not in page.partition("<header")[0], name


@pytest.mark.parametrize(("setting", "expected"), [("1", True), ("", False)])
def test_where_no_installation_is_open_the_settings_say_it(
    monkeypatch: pytest.MonkeyPatch, setting: str, expected: bool
) -> None:
    """The page for an installation that does not open is a page too."""
    monkeypatch.setenv("CUSTODES_EVALUATION", setting)
    assert Config.from_environment().evaluation is expected
    assert process.is_evaluation() is expected
