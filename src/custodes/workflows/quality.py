"""Quality in words: advice, the components' names, their units, and why one was not assessed.

Sentences are marked for translation here, and translated by `web` and `cli`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from custodes.engine import Advice, advise
from custodes.text import N_
from custodes.types import Component, Quality, Unassessed


@dataclass(frozen=True, slots=True)
class ComponentLine:
    """One component to be shown: ``name``, ``unit`` and ``reason`` are marked messages.

    ``native``: the value to be written with ``digits`` decimals, and ``score`` 0..100; both None where there is a
    ``reason``.
    """

    name: str
    native: float | None
    digits: int
    unit: str
    score: int | None
    reason: str


def advice_on(quality: Quality | None) -> tuple[Advice, ...]:
    """Return the advice on a face, the most important first; none if nothing was measured or nothing needs it."""
    return () if quality is None else advise(quality)


def component_lines(quality: Quality) -> Iterator[ComponentLine]:
    """Yield every component of ISO/IEC 29794-5, and our own, in order (PRB-07)."""
    for measured in quality.components:
        unit, digits = _UNITS.get(measured.component, ("", 2))
        reason = "" if measured.reason is None else _REASONS[measured.reason]
        yield ComponentLine(NAMES[measured.component], measured.native, digits, unit, measured.score, reason)


_UNITS: Mapping[Component, tuple[str, int]] = {
    Component.BACKGROUND_UNIFORMITY: ("", 0),
    Component.LUMINANCE_VARIANCE: ("", 3),
    Component.DYNAMIC_RANGE: (N_("bits"), 1),
    Component.NATURAL_COLOUR: ("", 0),
    Component.INTER_EYE_DISTANCE: (N_("pixels"), 0),
    Component.HEAD_POSE_YAW: (N_("degrees"), 0),
    Component.HEAD_POSE_PITCH: (N_("degrees"), 0),
    Component.HEAD_POSE_ROLL: (N_("degrees"), 0),
    Component.NOISE: (N_("grey levels"), 0),
}
"""Component → unit of its native value, and decimals shown; the others are plain numbers with two."""

NAMES: Mapping[Component, str] = {
    Component.UNIFIED_QUALITY_SCORE: N_("Unified quality score"),
    Component.BACKGROUND_UNIFORMITY: N_("Background uniformity"),
    Component.ILLUMINATION_UNIFORMITY: N_("Illumination uniformity"),
    Component.LUMINANCE_MEAN: N_("Luminance mean"),
    Component.LUMINANCE_VARIANCE: N_("Luminance variance"),
    Component.UNDER_EXPOSURE_PREVENTION: N_("Under-exposure prevention"),
    Component.OVER_EXPOSURE_PREVENTION: N_("Over-exposure prevention"),
    Component.DYNAMIC_RANGE: N_("Dynamic range"),
    Component.SHARPNESS: N_("Sharpness (own formula)"),
    Component.COMPRESSION_ARTIFACTS: N_("Compression artifacts (own formula)"),
    Component.NATURAL_COLOUR: N_("Natural colour"),
    Component.SINGLE_FACE_PRESENT: N_("Single face present"),
    Component.EYES_OPEN: N_("Eyes open"),
    Component.MOUTH_CLOSED: N_("Mouth closed"),
    Component.EYES_VISIBLE: N_("Eyes visible"),
    Component.MOUTH_OCCLUSION_PREVENTION: N_("Mouth occlusion prevention"),
    Component.FACE_OCCLUSION_PREVENTION: N_("Face occlusion prevention"),
    Component.INTER_EYE_DISTANCE: N_("Inter-eye distance"),
    Component.HEAD_SIZE: N_("Head size"),
    Component.LEFTWARD_CROP: N_("Leftward crop of the face image"),
    Component.RIGHTWARD_CROP: N_("Rightward crop of the face image"),
    Component.MARGIN_ABOVE: N_("Margin above of the face image"),
    Component.MARGIN_BELOW: N_("Margin below of the face image"),
    Component.HEAD_POSE_YAW: N_("Head pose: yaw (coarse)"),
    Component.HEAD_POSE_PITCH: N_("Head pose: pitch (coarse)"),
    Component.HEAD_POSE_ROLL: N_("Head pose: roll"),
    Component.EXPRESSION_NEUTRALITY: N_("Expression neutrality"),
    Component.NO_HEAD_COVERINGS: N_("No head coverings"),
    Component.NOISE: N_("Noise (not in the standard)"),
}

_REASONS: Mapping[Unassessed, str] = {
    Unassessed.NEEDS_NETWORK: N_("not assessed: it takes a network that is not installed"),
    Unassessed.FACE_TOO_SMALL: N_("not assessed: the face is too small"),
    Unassessed.FACE_OUTSIDE: N_("not assessed: it lies outside the picture"),
    Unassessed.LANDMARKS_UNUSABLE: N_("not assessed: eyes, nose and mouth could not be placed"),
    Unassessed.NO_CONTRAST: N_("not assessed: there is no contrast"),
    Unassessed.NO_BACKGROUND: N_("not assessed: no background is in the picture"),
}
