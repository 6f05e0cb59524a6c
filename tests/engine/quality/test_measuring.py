"""All components at once: 28 named outputs or an explicit "not assessed" (PRB-07), and no input that crashes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.quality.made import FRAME, face_at, flat, textured

from custodes.engine import measure
from custodes.engine.fake import FakeEngine
from custodes.types import Box, Component, Face, Quality, Unassessed

NETWORKS = {
    Component.UNIFIED_QUALITY_SCORE,
    Component.EYES_OPEN,
    Component.MOUTH_CLOSED,
    Component.EYES_VISIBLE,
    Component.MOUTH_OCCLUSION_PREVENTION,
    Component.FACE_OCCLUSION_PREVENTION,
    Component.EXPRESSION_NEUTRALITY,
    Component.NO_HEAD_COVERINGS,
}
OF_PLACE = {Component.SINGLE_FACE_PRESENT, Component.INTER_EYE_DISTANCE}


def sound(quality: Quality) -> Quality:
    """Hold a quality to what its docstring promises."""
    assert [m.component for m in quality.components] == list(Component)
    for measured in quality.components:
        if measured.reason is None:
            assert measured.native is not None
            assert math.isfinite(measured.native)
            assert measured.score in range(101)
        else:
            assert (measured.native, measured.score) == (None, None)
    assert quality.summary is None or quality.summary in range(101)
    json.dumps([measured.native for measured in quality.components], allow_nan=False)
    return quality


def assessed(quality: Quality) -> set[Component]:
    return {measured.component for measured in sound(quality).components if measured.is_assessed}


def test_the_standard_has_28_components_and_we_one_more() -> None:
    assert sum(component.is_standard for component in Component) == 28
    assert not Component.NOISE.is_standard


def test_everything_but_what_needs_a_network_is_measured_of_a_good_picture() -> None:
    quality = measure(textured(), face_at())
    assert assessed(quality) == set(Component) - NETWORKS
    assert all(quality[component].reason is Unassessed.NEEDS_NETWORK for component in NETWORKS)
    assert quality.summary is not None


def test_the_same_face_has_the_same_quality() -> None:
    assert measure(textured(), face_at()) == measure(textured(), face_at())


def test_the_picture_is_left_as_it_is() -> None:
    pixels = textured()
    measure(pixels, face_at())
    assert np.array_equal(pixels, textured())


def test_a_picture_that_cannot_be_written_to_is_measured() -> None:
    pixels = textured()
    pixels.flags.writeable = False
    assert assessed(measure(pixels, face_at()))


def test_engines_measure_alike() -> None:
    assert FakeEngine().measure(textured(), face_at(), [face_at(20, 20, eyes=9)]) == measure(
        textured(), face_at(), [face_at(20, 20, eyes=9)]
    )


def test_only_the_other_faces_decide_on_the_single_face() -> None:
    alone, among = measure(textured(), face_at()), measure(textured(), face_at(), [face_at(40, 40, eyes=25)])
    assert alone[Component.SINGLE_FACE_PRESENT].score == 100
    assert among[Component.SINGLE_FACE_PRESENT].score == 50
    assert alone.components[:11] == among.components[:11]


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("point", range(5))
def test_landmarks_that_are_no_numbers(point: int, value: float) -> None:
    points = list(face_at().landmarks)
    points[point] = (value, 120.0)
    quality = measure(textured(), replace(face_at(), landmarks=tuple(points)))
    assert assessed(quality) == {Component.SINGLE_FACE_PRESENT}
    assert quality[Component.SHARPNESS].reason is Unassessed.LANDMARKS_UNUSABLE
    assert quality.summary is None


@pytest.mark.parametrize("landmarks", [(), ((1.0, 2.0),), face_at().landmarks[:4], ((5.0, 5.0),) * 5])
def test_landmarks_that_are_no_face(landmarks: tuple[tuple[float, float], ...]) -> None:
    assert assessed(measure(textured(), replace(face_at(), landmarks=landmarks))) == {Component.SINGLE_FACE_PRESENT}


@pytest.mark.parametrize(
    "box", [Box(0, 0, 0, 0), Box(10, 10, -5, 20), Box(math.nan, 0, 10, 10), Box(0, 0, math.inf, 3)]
)
def test_a_box_that_is_none(box: Box) -> None:
    quality = measure(textured(), replace(face_at(), box=box))
    assert Component.SHARPNESS in assessed(quality)


def test_another_face_whose_box_is_no_number() -> None:
    sound(measure(textured(), face_at(), [replace(face_at(), box=Box(0, 0, math.nan, 5))]))


def test_a_face_of_one_pixel() -> None:
    quality = measure(textured(), face_at(eyes=1))
    assert quality[Component.INTER_EYE_DISTANCE].native == 1
    assert quality[Component.SHARPNESS].reason is Unassessed.FACE_TOO_SMALL
    assert quality[Component.LUMINANCE_MEAN].reason is Unassessed.FACE_TOO_SMALL
    assert sound(quality).summary is None


def test_the_smallest_face_that_is_assessed() -> None:
    assert Component.LUMINANCE_MEAN in assessed(measure(textured(), face_at(eyes=8)))
    assert Component.LUMINANCE_MEAN not in assessed(measure(textured(), face_at(eyes=7.9)))


@pytest.mark.parametrize("place", [(-400, 120), (150, -400), (900, 900), (1e5, 1e5)])
def test_a_face_wholly_outside_the_picture(place: tuple[float, float]) -> None:
    quality = measure(textured(), face_at(*place))
    for component in (Component.LUMINANCE_MEAN, Component.SHARPNESS, Component.NATURAL_COLOUR):
        assert quality[component].reason is Unassessed.FACE_OUTSIDE
    assert sound(quality).summary is None


@pytest.mark.parametrize("place", [(0, 120), (300, 120), (150, 0), (150, 270)])
def test_a_face_partly_outside_the_picture(place: tuple[float, float]) -> None:
    sound(measure(textured(), face_at(*place)))


def test_what_lies_beyond_the_edge_is_not_taken_for_black() -> None:
    whole = measure(flat(200), face_at())[Component.LUMINANCE_MEAN].native
    cut = measure(flat(200), face_at(35, 120))[Component.LUMINANCE_MEAN]
    assert cut.native == whole


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture(value: int) -> None:
    quality = measure(flat(value), face_at())
    assert quality[Component.SHARPNESS].reason is Unassessed.NO_CONTRAST
    assert quality[Component.DYNAMIC_RANGE].native == 0
    assert sound(quality).summary is None


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (16, 16)])
def test_a_tiny_picture(size: tuple[int, int]) -> None:
    sound(measure(textured(width=size[0], height=size[1]), face_at(size[0] / 2, size[1] / 2)))


def test_a_huge_picture_of_a_huge_face() -> None:
    pixels = np.broadcast_to(np.uint8(90), (9000, 9000, 3))
    assert Component.LUMINANCE_MEAN in assessed(measure(pixels, face_at(4500, 4000, eyes=3000)))


def test_a_picture_wider_than_a_warp_reaches() -> None:
    pixels = np.broadcast_to(np.uint8(90), (60, 40_000, 3))
    assert Component.LUMINANCE_MEAN in assessed(measure(pixels, face_at(39_950, 30, eyes=14)))


def test_a_face_upside_down() -> None:
    quality = measure(textured(), face_at(turned=180))
    assert quality[Component.HEAD_POSE_ROLL].score == 0
    sound(quality)


@settings(max_examples=150, deadline=None)
@given(
    points=st.lists(
        st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)) | st.tuples(st.floats(0, 60), st.floats(0, 60)),
        min_size=5,
        max_size=5,
    ),
    box=st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.floats(-10, 1e4), st.floats(-10, 1e4)),
    width=st.integers(1, 60),
    height=st.integers(1, 60),
)
def test_whatever_the_detector_says_something_sound_is_answered(
    points: list[tuple[float, float]], box: tuple[float, float, float, float], width: int, height: int
) -> None:
    sound(measure(textured(width=60, height=60)[:height, :width], Face(Box(*box), tuple(points), 0.7)))


def test_the_frame_of_the_tests_is_that_of_the_product() -> None:
    from custodes.engine.quality import frame

    assert np.array_equal(FRAME, np.array(frame._POINTS))
