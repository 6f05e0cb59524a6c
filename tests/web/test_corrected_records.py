"""What corrections and poses look like on pages: a profile in its place, a count of what waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.conftest import Pages, text
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row
from tests.workflows.test_re_export import enrolled, re_exported, subject_of

from custodes.workflows.search import search


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(2)
    return export


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Left profile", "Shown, not searched", "The face is not seen from the front", "From the front")),
        ("fr", ("Profil gauche", "Montrée, exclue des recherches", "Le visage n’est pas vu de face", "De face")),
    ],
)
def test_a_profile_is_shown_in_its_place_with_its_pose_and_why_it_is_not_searched(
    export: Export, pages: Pages, language: str, words: tuple[str, ...]
) -> None:
    enrolled(export, row(1) | {"pose": ""}, row(1, image="2.png") | {"pose": "L"})
    page = text(pages("records officer", language=language), f"/record/{subject_of('P1').id}")
    assert [word for word in words if word not in page] == []
    assert "In quarantine" not in page
    assert page.count("<figure>") == 2


def test_an_examiner_sees_the_profile_of_a_candidate_too(export: Export, pages: Pages) -> None:
    world = export.world
    enrolled(export, row(1) | {"pose": ""}, row(1, image="2.png") | {"pose": "L"})
    search(world.services, world.as_("searcher"), request=world.approved(1))
    client = pages("searcher")
    page = text(client, f"/record/{subject_of('P1').id}")
    assert "Left profile" in page
    for photograph in subject_of("P1").bookings[0].photographs:
        assert client.get(f"/photograph/{photograph.id}/image").status_code == 200


def test_a_records_officer_is_told_what_waits_and_what_is_only_shown(export: Export, pages: Pages) -> None:
    enrolled(export, row(1, youth="yes") | {"pose": ""}, row(2) | {"pose": "L"})
    re_exported(export, row(1) | {"pose": ""}, row(2) | {"pose": "L"})
    page = text(pages("records officer"), "/")
    assert "Corrections waiting" in page
    assert "custodes records waiting" in page
    assert "Other views, shown only" in page
