"""Plain sentences about what is likely to make a search fail, and what to do about it.

A level is where more than one in ten people were missed when photographs were spoilt in that one way
(``docs/quality.md``, by ``make bench-quality``).  The yaw is the exception: no set of ours has turned heads, so its
level is a convention and its sentence rests on the profile views of NIST's FRTE 1:N.  Advice refuses nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from custodes.engine.quality.scores import score
from custodes.text import N_, Text
from custodes.types import Component, Measured, Quality, Unassessed

MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong, and what to do about it."""

    sentence: Text
    remedy: Text


class _Shown(enum.Enum):
    """As what whole number a value and its level are said."""

    NATIVE = enum.auto()
    SCORE = enum.auto()
    OF_A_HUNDRED = enum.auto()
    OF_A_THOUSAND = enum.auto()


_TIMES = {_Shown.NATIVE: 1, _Shown.OF_A_HUNDRED: 100, _Shown.OF_A_THOUSAND: 1000}


@dataclass(frozen=True, slots=True)
class Rule:
    """When one component deserves a sentence: its absolute native value beyond ``level``, on the poor side.

    ``poor_below``: whether small values are the poor ones.
    """

    component: Component
    level: float
    poor_below: bool
    shown: _Shown
    sentence: str
    remedy: str

    def applies(self, measured: Measured) -> bool:
        """Return whether the value lies beyond the level; what was not assessed never does."""
        if measured.native is None:
            return False
        value = abs(measured.native)
        return value < self.level if self.poor_below else value > self.level

    def advice(self, native: float) -> Advice:
        """Return the sentence with value and level, and the remedy."""
        values = {"value": self._number(abs(native)), "level": self._number(self.level)}
        return Advice(Text(self.sentence, values), Text(self.remedy))

    def _number(self, native: float) -> int:
        if self.shown is _Shown.SCORE:
            return score(self.component, native)
        # a hair more: 0.35 * 100 is less than 35 in floating point
        return int(native * _TIMES[self.shown] + 1e-9)


RULES = (
    Rule(
        Component.INTER_EYE_DISTANCE,
        16,
        True,
        _Shown.NATIVE,
        N_("The eyes are %(value)s pixels apart; below %(level)s the person was often missed in our tests."),
        N_("Look for the original file, a closer view or another frame."),
    ),
    Rule(
        Component.SHARPNESS,
        0.36,
        False,
        _Shown.SCORE,
        N_("The face is blurred: sharpness %(value)s; below %(level)s the person was often missed in our tests."),
        N_("Look for a sharper frame: sharpening does not bring back what is lost."),
    ),
    Rule(
        Component.HEAD_POSE_YAW,
        30,
        False,
        _Shown.NATIVE,
        N_("The head is turned by about %(value)s degrees; people seen from the side are mostly missed."),
        N_("Look for a view that is nearer to the front."),
    ),
    Rule(
        Component.NOISE,
        13,
        False,
        _Shown.NATIVE,
        N_("The picture is grainy: noise %(value)s; above %(level)s the person was often missed in our tests."),
        N_("Look for a frame that was taken in better light."),
    ),
    Rule(
        Component.COMPRESSION_ARTIFACTS,
        0.75,
        False,
        _Shown.SCORE,
        N_("The file is strongly compressed: %(value)s; below %(level)s the person was often missed in our tests."),
        N_("Look for the original file instead of a copy."),
    ),
    Rule(
        Component.OVER_EXPOSURE_PREVENTION,
        0.35,
        False,
        _Shown.OF_A_HUNDRED,
        N_(
            "The face is washed out: %(value)s of every 100 pixels are white; above %(level)s the person was often "
            "missed in our tests."
        ),
        N_("Look for a frame with less light on the face."),
    ),
    Rule(
        Component.LUMINANCE_MEAN,
        0.003,
        True,
        _Shown.OF_A_THOUSAND,
        N_(
            "The face is almost black: %(value)s thousandths of white; below %(level)s the person was often missed in "
            "our tests."
        ),
        N_("Look for a frame with more light on the face."),
    ),
)
"""In order of importance: how often, in practice, each makes a search fail."""

_UNUSABLE = Advice(
    Text(N_("Eyes, nose and mouth could not be placed in this face, so it could not be measured.")),
    Text(N_("Look for another image of the person.")),
)
_OUTSIDE = Advice(
    Text(N_("Half of the face or more lies outside the picture.")), Text(N_("Look for an image with the whole face."))
)


def advise(quality: Quality) -> tuple[Advice, ...]:
    """Return at most three pieces of advice, the most important first; none if nothing needs it."""
    found: list[Advice] = []
    if quality[Component.INTER_EYE_DISTANCE].reason is Unassessed.LANDMARKS_UNUSABLE:
        found.append(_UNUSABLE)
    elif quality[Component.LUMINANCE_MEAN].reason is Unassessed.FACE_OUTSIDE:
        found.append(_OUTSIDE)
    for rule in RULES:
        measured = quality[rule.component]
        if measured.native is not None and rule.applies(measured):
            found.append(rule.advice(measured.native))
    return tuple(found[:MOST_SHOWN])
