"""tools/messages.py: every message is found, and a gap in the French catalogue fails."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

import messages


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "custodes"
    (root / "web" / "templates").mkdir(parents=True)
    return root


def _ids(package: Path) -> list[object]:
    return [message.id for message in messages.collect(package) if message.id]


def test_marked_strings_of_python_are_found(package: Path) -> None:
    (package / "a.py").write_text(
        'N_("One" " sentence.")\n_("Two")\nngettext("%(n)s face", "%(n)s faces", 2)\nother("no")\n'
    )
    assert sorted(_ids(package), key=str) == [("%(n)s face", "%(n)s faces"), "One sentence.", "Two"]


def test_strings_of_templates_are_found_whatever_the_indentation(package: Path) -> None:
    page = """{% load i18n %}
   <p>{% translate 'Sign in' %}
 <b>it's</b>
{% blocktranslate trimmed %}
  A
   B
{% endblocktranslate %}"""
    (package / "web" / "templates" / "a.html").write_text(page)
    assert sorted(_ids(package), key=str) == ["A B", "Sign in"]


def test_contexts_keep_equal_words_apart(package: Path) -> None:
    (package / "a.py").write_text('pgettext("verb", "Search")\npgettext("noun", "Search")\n')
    assert len(_ids(package)) == 2


def test_translations_survive_an_update(package: Path, tmp_path: Path) -> None:
    po = tmp_path / "django.po"
    (package / "a.py").write_text('_("Search")\n')
    catalog = messages.updated(messages.collect(package), po)
    catalog["Search"].string = "Recherche"
    po.write_bytes(messages.as_po(catalog))
    (package / "a.py").write_text('_("Search")\n_("Sign in")\n')
    catalog = messages.updated(messages.collect(package), po)
    assert catalog["Search"].string == "Recherche"
    assert not catalog["Sign in"].string


def test_a_message_without_french_is_a_problem(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text('_("Search")\n')
    found = messages.problems(messages.updated(messages.collect(package), tmp_path / "no.po"), tmp_path / "no.po")
    assert "not translated: 'Search'" in found


def test_a_translation_that_loses_a_value_is_a_problem(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text('_("Hello %(name)s")\n')
    catalog = messages.updated(messages.collect(package), tmp_path / "no.po")
    catalog["Hello %(name)s"].string = "Bonjour %(nom)s"
    assert any("Hello" in problem for problem in messages.problems(catalog, tmp_path / "no.po"))


@pytest.mark.parametrize(
    "french",
    [
        "Voici : cela",
        "Voici\u202f: cela",
        "Voici: cela",
        "Voici:",
        "Ceci ; cela",
        "Ceci\u00a0; cela",
        "Vraiment\u00a0?",
        "Non !",
        "« cela\u00a0»",
        "«\u00a0cela »",
        "«cela»",
        "20 000 fiches",
        "90 %",
        "Ceci , cela",
        "Ceci  cela",
    ],
)
def test_french_with_the_wrong_space_is_a_problem(package: Path, tmp_path: Path, french: str) -> None:
    assert [problem for problem in problems_of(package, tmp_path, french) if problem.startswith("spaces around")]


@pytest.mark.parametrize(
    "french",
    [
        "Voici\u00a0: «\u00a0cela\u00a0»; vraiment? Non!",
        "À 12:30, voir https://exemple.ca:8000/?a=1;b, mean:scale, {value!r} et les fichiers .csv ou .jsonl.",
        "20\u00a0000 fiches, 90\u00a0%%, de %(first)s à %(last)s",
        "Ligne\n\nLigne",
    ],
)
def test_french_with_the_right_spaces_is_none(package: Path, tmp_path: Path, french: str) -> None:
    assert not [problem for problem in problems_of(package, tmp_path, french) if problem.startswith("spaces around")]


def problems_of(package: Path, tmp_path: Path, french: str) -> list[str]:
    """Return what is wrong with a catalogue of one message."""
    (package / "a.py").write_text('_("Search")\n')
    catalog = messages.updated(messages.collect(package), tmp_path / "no.po")
    catalog["Search"].string = french
    return messages.problems(catalog, tmp_path / "no.po")


def test_a_stale_compiled_catalogue_is_a_problem(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text('_("Search")\n')
    po = tmp_path / "django.po"
    catalog = messages.updated(messages.collect(package), po)
    catalog["Search"].string = "Recherche"
    po.write_bytes(messages.as_po(catalog))
    po.with_suffix(".mo").write_bytes(b"old")
    assert messages.problems(catalog, po) == ["django.mo is out of date: run make messages"]


def test_the_compiled_catalogue_translates(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text('_("Search")\n')
    catalog = messages.updated(messages.collect(package), tmp_path / "no.po")
    catalog["Search"].string = "Recherche"
    assert gettext.GNUTranslations(io.BytesIO(messages.as_mo(catalog))).gettext("Search") == "Recherche"


def test_two_runs_write_the_same_bytes(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text('_("B")\n_("A")\n')
    po = tmp_path / "django.po"
    po.write_bytes(first := messages.as_po(messages.updated(messages.collect(package), po)))
    assert messages.as_po(messages.updated(messages.collect(package), po)) == first


# --- what no call marks -----------------------------------------------------------------------------


def test_the_help_of_every_command_is_collected() -> None:
    catalog = Catalog()
    messages.add_commands(catalog)
    assert {"Open a case under its number.", "The case's number.", "NUMBER", "Missing command."} <= {
        message.id for message in catalog
    }
    assert [message.id for message in catalog if isinstance(message.id, str) and "\n\n" in message.id] == []


def test_what_click_says_but_custodes_never_does_is_left_out() -> None:
    catalog = Catalog()
    messages.add_commands(catalog)
    assert [message.id for message in catalog if "match" in str(message.id)] == []


def test_the_licence_notes_of_the_packs_are_collected() -> None:
    catalog = Catalog()
    messages.add_licence_notes(catalog)
    assert any("SFace" in str(message.id) for message in catalog)


def test_the_catalogue_in_the_repository_is_complete_and_compiled() -> None:
    catalog = messages.updated(messages.everything(), messages.PO)
    assert messages.problems(catalog, messages.PO) == []
