"""Our own summary: what raises it, what lowers it, and when there is none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.engine.quality.test_advice import GOOD

from custodes.engine.quality.scores import score
from custodes.engine.quality.summary import CURVES, summary
from custodes.types import Component, Measured, Unassessed


def of(changes: Mapping[Component, float | Unassessed] | None = None) -> int | None:
    values = {**GOOD, **(changes or {})}

    def measured(component: Component) -> Measured:
        value = values.get(component, Unassessed.NEEDS_NETWORK)
        if isinstance(value, Unassessed):
            return Measured(component, reason=value)
        return Measured(component, native=value, score=score(component, value))

    return summary({component: measured(component) for component in Component})


def test_a_good_face_is_near_a_hundred() -> None:
    best = of()
    assert best is not None
    assert best >= 97


@pytest.mark.parametrize("component", list(CURVES))
def test_a_component_at_the_middle_of_its_curve_halves_it(component: Component) -> None:
    best, middle = of(), of({component: CURVES[component].middle})
    assert best is not None
    assert middle is not None
    assert middle == pytest.approx(best / 2, abs=2)


@pytest.mark.parametrize("component", list(CURVES))
def test_it_falls_towards_the_poor_side(component: Component) -> None:
    curve = CURVES[component]
    values = [of({component: curve.middle - step * curve.width}) for step in (-3, -1, 1, 3)]
    assert values == sorted(values, reverse=True)  # type: ignore[type-var]


def test_two_faults_are_worse_than_either() -> None:
    small, blurred = {Component.INTER_EYE_DISTANCE: 9.0}, {Component.SHARPNESS: CURVES[Component.SHARPNESS].middle}
    both = of({**small, **blurred})
    assert both is not None
    assert both < of(small)  # type: ignore[operator]
    assert both < of(blurred)  # type: ignore[operator]


def test_a_side_view_is_worth_nothing() -> None:
    assert of({Component.HEAD_POSE_YAW: 90.0}) == 0


def test_what_was_not_assessed_neither_helps_nor_harms() -> None:
    assert of({Component.NOISE: Unassessed.FACE_TOO_SMALL}) == of({Component.NOISE: 0.0})


@pytest.mark.parametrize("component", [Component.INTER_EYE_DISTANCE, Component.SHARPNESS, Component.DYNAMIC_RANGE])
def test_without_the_basics_there_is_none(component: Component) -> None:
    assert of({component: Unassessed.FACE_TOO_SMALL}) is None
