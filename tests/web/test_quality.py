"""Quality on pages: where a face is picked, where a request is decided, and to records officers (PRB-07, PRB-09)."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.web.conftest import Enrol, Pages, World, text

from custodes.engine.fake import FakeEngine, picture
from custodes.ids import RequestId
from custodes.imaging import Limits, decode
from custodes.store.models import Photograph
from custodes.store.quality import quality_to_json
from custodes.types import Face, Pixels
from custodes.workflows import viewing


def seen(identity: int) -> tuple[Pixels, Face]:
    """A picture and the face in it."""
    pixels = decode(picture(identity), name=None, limits=Limits()).pixels
    return pixels, FakeEngine().detect(pixels)[0]


def unassessed(page: str) -> list[str]:
    """Return the names of what was not assessed, one text for each reason."""
    return re.findall(r'<p class="small">([^<]*)<br>not assessed', page)


@pytest.fixture
def small(pages: Pages, world: World) -> str:
    """The page on which the one, small, face of a probe is picked."""
    searcher, case = pages("searcher"), world.case()
    image = SimpleUploadedFile("probe.png", picture(1, cell=1), content_type="image/png")
    return str(searcher.post(f"/case/{case.id}/probes", {"image": image})["Location"])


def test_the_face_is_picked_in_sight_of_its_quality(pages: Pages, small: str) -> None:
    page = text(pages("searcher"), small)
    assert "The eyes are 6 pixels apart" in page
    assert "Look for the original file" in page
    assert page.count('<th scope="row">') + sum(row.count(" · ") + 1 for row in unassessed(page)) == 29
    assert "not assessed: it takes a network that is not installed" in page
    assert "not the standard’s unified quality score" in page


def test_what_was_not_assessed_is_named_once_for_each_reason(pages: Pages, small: str) -> None:
    page = text(pages("searcher"), small)
    assert page.count("not assessed: it takes a network") == 1
    assert any("Eyes open" in names and "Mouth closed" in names for names in unassessed(page))


def test_in_french_as_well(pages: Pages, small: str) -> None:
    page = text(pages("searcher", language="fr"), small)
    assert "The eyes are" not in page
    assert "Inter-eye distance" not in page


def test_the_supervisor_sees_it_before_deciding(pages: Pages, world: World) -> None:
    record = world.request(1)
    page = text(pages("supervisor"), f"/request/{record.id}")
    assert "of 100" in page
    assert "Inter-eye distance" in page


def test_records_officers_see_a_photographs_quality(pages: Pages, enrol: Enrol) -> None:
    new = enrol(1)
    quality = FakeEngine().measure(*seen(1))
    Photograph.objects.update(quality=quality_to_json(quality))
    page = text(pages("records officer"), f"/record/{new.subject_id}")
    assert f"Quality: {quality.summary} of 100" in page


def test_who_searches_does_not_see_it(pages: Pages, world: World, searched: RequestId) -> None:
    Photograph.objects.update(quality=quality_to_json(FakeEngine().measure(*seen(1))))
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=searched)
    assert "Quality" not in text(pages("searcher"), f"/record/{view.subjects[0].id}")


def test_a_photograph_that_was_never_measured_shows_nothing(pages: Pages, enrol: Enrol) -> None:
    new = enrol(1)
    assert "Quality" not in text(pages("records officer"), f"/record/{new.subject_id}")
