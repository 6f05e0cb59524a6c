"""Native value to 0..100: the pairs are those OFIQ 1.0 publishes for its conformance test (STD-03).

Source: ``data/tests/expected_results/expected_results.csv`` of BSI-OFIQ/OFIQ-Project; the native values are cut after
six decimals there.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.engine.quality.scores import CURVES, score, sigmoid
from custodes.types import Component

PUBLISHED = [
    (Component.BACKGROUND_UNIFORMITY, 71.593742, 67),
    (Component.BACKGROUND_UNIFORMITY, 38.576105, 82),
    (Component.BACKGROUND_UNIFORMITY, 243.065285, 17),
    (Component.ILLUMINATION_UNIFORMITY, 0.148789, 56),
    (Component.ILLUMINATION_UNIFORMITY, 0.020761, 31),
    (Component.ILLUMINATION_UNIFORMITY, 0.843893, 95),
    (Component.LUMINANCE_MEAN, 0.296339, 87),
    (Component.LUMINANCE_MEAN, 0.498524, 100),
    (Component.LUMINANCE_MEAN, 0.103973, 13),
    (Component.LUMINANCE_VARIANCE, 0.014962, 100),
    (Component.LUMINANCE_VARIANCE, 0.039975, 80),
    (Component.LUMINANCE_VARIANCE, 0.067844, 58),
    (Component.UNDER_EXPOSURE_PREVENTION, 0.049128, 100),
    (Component.UNDER_EXPOSURE_PREVENTION, 0.351960, 100),
    (Component.OVER_EXPOSURE_PREVENTION, 0.000043, 100),
    (Component.DYNAMIC_RANGE, 6.912061, 86),
    (Component.DYNAMIC_RANGE, 5.560847, 70),
    (Component.NATURAL_COLOUR, 0.188451, 99),
    (Component.NATURAL_COLOUR, 4.809711, 76),
    (Component.NATURAL_COLOUR, 100, 0),
    (Component.SINGLE_FACE_PRESENT, 0.720493, 28),
    (Component.INTER_EYE_DISTANCE, 352.585483, 100),
    (Component.HEAD_SIZE, 0.224977, 2),
    (Component.HEAD_SIZE, 0.248892, 4),
    (Component.LEFTWARD_CROP, 2.561339, 100),
    (Component.RIGHTWARD_CROP, 3.112223, 100),
    (Component.MARGIN_BELOW, 1.726251, 32),
    (Component.MARGIN_BELOW, 2.225534, 99),
    (Component.MARGIN_ABOVE, 1.545541, 81),
    (Component.MARGIN_ABOVE, 1.742159, 97),
    (Component.HEAD_POSE_YAW, 7.966364, 98),
    (Component.HEAD_POSE_PITCH, -16.617661, 92),
    (Component.HEAD_POSE_ROLL, 27.373343, 79),
]


@pytest.mark.parametrize(("component", "native", "expected"), PUBLISHED)
def test_the_standards_curves_give_what_ofiq_publishes(component: Component, native: float, expected: int) -> None:
    assert score(component, native) == expected


def test_every_curve_but_our_own_is_held_to_a_published_pair() -> None:
    own = {Component.SHARPNESS, Component.COMPRESSION_ARTIFACTS, Component.NOISE}
    assert {component for component, _, _ in PUBLISHED} | own == set(CURVES)


@given(st.sampled_from(sorted(CURVES)), st.floats(0, 1e9))
def test_a_score_is_an_integer_from_0_to_100(component: Component, native: float) -> None:
    assert score(component, native) in range(101)


def test_a_head_upside_down_is_not_upright() -> None:
    assert score(Component.HEAD_POSE_ROLL, 180) == 0


def test_a_component_that_needs_a_network_has_no_curve() -> None:
    with pytest.raises(KeyError):
        score(Component.EYES_OPEN, 0.5)


def test_the_sigmoid_neither_overflows_nor_leaves_its_range() -> None:
    assert sigmoid(-1e300, 0, 1) == 0
    assert sigmoid(1e300, 0, 1) == 1
    assert sigmoid(3, 3, 2) == 0.5
    assert math.isclose(sigmoid(5, 3, 2), 1 / (1 + math.exp(-1)))
