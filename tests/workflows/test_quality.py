"""Quality through the product: measured, kept, said; it refuses nothing that the enrolment gate lets in (ENR-04)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row

from custodes.engine import measure
from custodes.engine.fake import FakeEngine, picture
from custodes.imaging import decode
from custodes.store import accounts, casework, subjects
from custodes.store.models import Photograph, Probe
from custodes.types import Component, Quality
from custodes.workflows import cases
from custodes.workflows.quality import NAMES, advice_on, component_lines


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    return Export(world, tmp_path / "export")


def measured(world: World, data: bytes, index: int = 0) -> Quality:
    pixels = decode(data, name=None, limits=world.services.limits).pixels
    faces = FakeEngine().detect(pixels)
    return measure(pixels, faces[index], [face for face in faces if face is not faces[index]])


def test_each_face_of_a_probe_is_measured_and_kept_with_it(world: World) -> None:
    """PRB-07: before any search, 28 named outputs or an explicit "not assessed"."""
    data = picture(1, 2, cell=3)
    probe = cases.add_probe(world.services, world.as_("searcher"), case=world.case().id, data=data)
    assert probe.qualities == (measured(world, data, 0), measured(world, data, 1))
    kept = casework.probe(probe.id)
    assert kept == probe
    assert sum(m.component.is_standard for q in kept.qualities if q for m in q.components) == 2 * 28


def test_a_probe_of_poor_quality_is_added_all_the_same(world: World) -> None:
    probe = cases.add_probe(world.services, world.as_("searcher"), case=world.case().id, data=picture(1, cell=1))
    (quality,) = probe.qualities
    assert "6 pixels apart" in str(advice_on(quality)[0].sentence)


def test_a_probe_from_before_it_was_measured_is_still_shown(world: World) -> None:
    probe = cases.add_probe(world.services, world.as_("searcher"), case=world.case().id, data=picture(1))
    row = Probe.objects.get(uid=probe.id)
    row.faces = [{key: value for key, value in face.items() if key != "quality"} for face in row.faces]
    row.save(update_fields=["faces"])
    assert casework.probe(probe.id).qualities == (None,)
    assert advice_on(None) == ()


def test_a_photograph_keeps_its_quality(export: Export) -> None:
    export.images(1)
    export.rows(row(1))
    report = export.enrol()
    agency = accounts.agency_by_code("NRP").id
    subject = subjects.find_subject(agency, "P1")
    assert subject is not None
    (photograph,) = subjects.subject(subject).bookings[0].photographs
    assert photograph.quality == measured(export.world, picture(1))
    assert report.advised == 0


def test_poor_photographs_are_enrolled_and_counted(export: Export) -> None:
    """ENR-04: nothing is dropped silently, and nothing for its quality alone."""
    export.images(3)
    export.image("2.png", data=picture(2, cell=2))
    export.rows(row(1), row(2), row(3))
    report = export.enrol()
    assert (report.enrolled, report.failed, report.advised) == (3, 0, 1)


def test_a_pose_that_is_not_searched_has_no_quality(export: Export) -> None:
    export.images(1)
    export.rows(row(1, pose="left-profile"))
    export.enrol()
    assert Photograph.objects.get().quality is None


def test_every_component_is_named_and_given_a_value_or_a_reason(world: World) -> None:
    lines = list(component_lines(measured(world, picture(1))))
    assert [line.name for line in lines] == [NAMES[component] for component in Component]
    assert all((line.native is None) == bool(line.reason) for line in lines)
    assert all((line.score is None) == bool(line.reason) for line in lines)
