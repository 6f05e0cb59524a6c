"""The enrolment gate: one person, large enough."""

from __future__ import annotations

import pytest

from custodes.engine import MINIMUM_INTER_EYE, require_one_face
from custodes.errors import FaceError
from custodes.types import Box, Face


def face(side: float = 100, *, confidence: float = 0.95, eyes: float | None = None) -> Face:
    distance = 0.4 * side if eyes is None else eyes
    points = ((0.0, 0.0), (distance, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 2.0))
    return Face(Box(0, 0, side, side), points, confidence)


def refusal(*faces: Face, **options: float) -> FaceError:
    with pytest.raises(FaceError) as caught:
        require_one_face(faces, **options)
    assert str(caught.value.hint)
    return caught.value


def test_one_face_is_returned() -> None:
    assert require_one_face([face()]) == face()


def test_no_face() -> None:
    assert refusal().code == "face.none"


def test_two_people() -> None:
    assert refusal(face(100), face(90)).code == "face.several"


def test_forty_faces_are_counted() -> None:
    assert "40" in str(refusal(*[face(50)] * 40).what)


def test_someone_small_in_the_background_is_let_pass() -> None:
    assert require_one_face([face(100), face(49)]).box.width == 100


def test_just_a_quarter_of_the_area_is_a_second_person() -> None:
    assert refusal(face(100), face(50)).code == "face.several"


def test_a_doubtful_detection_is_let_pass() -> None:
    assert require_one_face([face(100), face(90, confidence=0.7)]).box.width == 100


def test_the_order_of_detections_does_not_matter() -> None:
    assert require_one_face([face(30), face(100)]).box.width == 100


@pytest.mark.parametrize(("eyes", "fine"), [(MINIMUM_INTER_EYE, True), (MINIMUM_INTER_EYE - 0.01, False)])
def test_the_least_distance_between_the_eyes(eyes: float, fine: bool) -> None:
    if fine:
        assert require_one_face([face(eyes=eyes)])
    else:
        assert refusal(face(eyes=eyes)).code == "face.too-small"


def test_the_least_distance_can_be_set() -> None:
    assert refusal(face(eyes=50), minimum_inter_eye=60).code == "face.too-small"
