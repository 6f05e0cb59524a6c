"""Plain advice: what is said, from which level on, in which order, and that it refuses nothing (PRB-07, PRB-09)."""

from __future__ import annotations

import pytest
from tests.engine.quality.made import face_at, textured

from custodes.engine import advise, measure
from custodes.engine.quality.advice import MOST_SHOWN, RULES, Rule
from custodes.types import Component, Measured, Quality, Unassessed

GOOD = {
    Component.INTER_EYE_DISTANCE: 90.0,
    Component.SHARPNESS: 0.2,
    Component.HEAD_POSE_YAW: 3.0,
    Component.NOISE: 2.0,
    Component.COMPRESSION_ARTIFACTS: 0.1,
    Component.OVER_EXPOSURE_PREVENTION: 0.0,
    Component.LUMINANCE_MEAN: 0.3,
    Component.DYNAMIC_RANGE: 7.0,
}


def quality(changes: dict[Component, float | Unassessed] | None = None) -> Quality:
    """A quality in which nothing deserves advice, but for what is changed."""
    values = {**GOOD, **(changes or {})}

    def measured(component: Component) -> Measured:
        value = values.get(component, Unassessed.NEEDS_NETWORK)
        if isinstance(value, Unassessed):
            return Measured(component, reason=value)
        return Measured(component, native=value, score=50)

    return Quality("1", tuple(map(measured, Component)), 90)


def sentences(changes: dict[Component, float | Unassessed]) -> list[str]:
    return [str(advice.sentence) for advice in advise(quality(changes))]


def poor(rule: Rule) -> float:
    return rule.level * (0.5 if rule.poor_below else 2)


def test_nothing_is_said_of_a_good_face() -> None:
    assert advise(quality()) == ()


def test_what_the_eyes_are_apart_is_said_in_pixels() -> None:
    assert sentences({Component.INTER_EYE_DISTANCE: 9.4}) == [
        f"The eyes are 9 pixels apart; below {RULES[0].level:.0f} the person was often missed in our tests."
    ]


def test_every_rule_has_its_own_component_and_says_value_and_remedy() -> None:
    assert len({rule.component for rule in RULES}) == len(RULES)
    for rule in RULES:
        (advice,) = advise(quality({rule.component: poor(rule)}))
        assert "%" not in str(advice.sentence)
        assert str(advice.sentence).endswith(".")
        assert str(advice.remedy).startswith("Look for")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.component.value)
def test_the_level_itself_is_good_enough(rule: Rule) -> None:
    beyond = rule.level * (1 - 1e-9 if rule.poor_below else 1 + 1e-9)
    assert advise(quality({rule.component: rule.level})) == ()
    assert len(advise(quality({rule.component: beyond}))) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.component.value)
def test_a_poor_value_is_never_said_to_be_on_the_good_side_of_its_level(rule: Rule) -> None:
    (advice,) = advise(quality({rule.component: poor(rule)}))
    value, level = (int(str(advice.sentence.values[name])) for name in ("value", "level"))
    if "below" in advice.sentence.template:
        assert value < level
    elif "above" in advice.sentence.template:
        assert value > level


@pytest.mark.parametrize("yaw", [-45.0, 45.0])
def test_a_head_turned_to_either_side_is_warned_of(yaw: float) -> None:
    """PRB-09."""
    (sentence,) = sentences({Component.HEAD_POSE_YAW: yaw})
    assert sentence.startswith("The head is turned by about 45 degrees")


def test_the_most_important_three_are_shown() -> None:
    everything = {rule.component: poor(rule) for rule in RULES}
    shown = advise(quality(everything))
    assert len(shown) == MOST_SHOWN == 3
    assert [advice.sentence.template for advice in shown] == [rule.sentence for rule in RULES[:3]]


@pytest.mark.parametrize("reason", list(Unassessed))
def test_nothing_is_made_up_of_what_was_not_assessed(reason: Unassessed) -> None:
    assert advise(quality({Component.SHARPNESS: reason, Component.NOISE: reason})) == ()


def test_a_face_whose_points_could_not_be_placed() -> None:
    unplaced = dict.fromkeys(GOOD, Unassessed.LANDMARKS_UNUSABLE)
    (sentence,) = sentences({**unplaced})
    assert "could not be placed" in sentence


def test_a_face_that_lies_outside() -> None:
    (sentence, *_) = sentences({Component.LUMINANCE_MEAN: Unassessed.FACE_OUTSIDE})
    assert "outside the picture" in sentence


def test_advice_on_a_measured_face() -> None:
    assert advise(measure(textured(), face_at(eyes=60))) == ()
    small = advise(measure(textured(), face_at(eyes=9)))
    assert "9 pixels apart" in str(small[0].sentence)
