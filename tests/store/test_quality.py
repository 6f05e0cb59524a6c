"""Quality is kept as it was measured."""

from __future__ import annotations

import json

import pytest
from tests.engine.quality.made import face_at, flat, textured

from custodes.engine import measure
from custodes.store.quality import quality_from_json, quality_to_json
from custodes.types import Component, Face, Pixels, Quality

FACES = [
    (textured(), face_at()),
    (textured(), face_at(eyes=2)),
    (textured(), face_at(-500)),
    (flat(0), face_at()),
    (textured(), Face(face_at().box, (), 0.5)),
]


@pytest.mark.parametrize(("pixels", "face"), FACES)
def test_what_is_stored_comes_back(pixels: Pixels, face: Face) -> None:
    quality = measure(pixels, face)
    stored = json.loads(json.dumps(quality_to_json(quality), allow_nan=False))
    assert quality_from_json(stored) == quality


def test_no_quality_is_none() -> None:
    assert quality_to_json(None) is None
    assert quality_from_json(None) is None


def test_a_component_that_is_always_unassessed_takes_no_room() -> None:
    stored = quality_to_json(measure(textured(), face_at()))
    assert stored is not None
    assert "EyesOpen" not in stored["components"]
    assert len(json.dumps(stored)) < 1200


def test_a_component_added_later_is_not_invented_for_what_was_stored_before() -> None:
    stored = quality_to_json(measure(textured(), face_at()))
    assert stored is not None
    del stored["components"]["Noise"]
    read: Quality | None = quality_from_json(stored)
    assert read is not None
    assert read[Component.NOISE].native is None
