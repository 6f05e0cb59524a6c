"""What is measured of one face image, component by component, under the names of ISO/IEC 29794-5:2025.

A component that was not measured says why and carries no number: nothing here is ever guessed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Component(enum.StrEnum):
    """The 28 outputs of ISO/IEC 29794-5:2025 in its order, as its reference implementation OFIQ writes them.

    ``NOISE``, the last, is ours: the standard has no such component.
    """

    UNIFIED_QUALITY_SCORE = "UnifiedQualityScore"
    BACKGROUND_UNIFORMITY = "BackgroundUniformity"
    ILLUMINATION_UNIFORMITY = "IlluminationUniformity"
    LUMINANCE_MEAN = "LuminanceMean"
    LUMINANCE_VARIANCE = "LuminanceVariance"
    UNDER_EXPOSURE_PREVENTION = "UnderExposurePrevention"
    OVER_EXPOSURE_PREVENTION = "OverExposurePrevention"
    DYNAMIC_RANGE = "DynamicRange"
    SHARPNESS = "Sharpness"
    COMPRESSION_ARTIFACTS = "CompressionArtifacts"
    NATURAL_COLOUR = "NaturalColour"
    SINGLE_FACE_PRESENT = "SingleFacePresent"
    EYES_OPEN = "EyesOpen"
    MOUTH_CLOSED = "MouthClosed"
    EYES_VISIBLE = "EyesVisible"
    MOUTH_OCCLUSION_PREVENTION = "MouthOcclusionPrevention"
    FACE_OCCLUSION_PREVENTION = "FaceOcclusionPrevention"
    INTER_EYE_DISTANCE = "InterEyeDistance"
    HEAD_SIZE = "HeadSize"
    LEFTWARD_CROP = "LeftwardCropOfTheFaceImage"
    RIGHTWARD_CROP = "RightwardCropOfTheFaceImage"
    MARGIN_ABOVE = "MarginAboveOfTheFaceImage"
    MARGIN_BELOW = "MarginBelowOfTheFaceImage"
    HEAD_POSE_YAW = "HeadPoseYaw"
    HEAD_POSE_PITCH = "HeadPosePitch"
    HEAD_POSE_ROLL = "HeadPoseRoll"
    EXPRESSION_NEUTRALITY = "ExpressionNeutrality"
    NO_HEAD_COVERINGS = "NoHeadCoverings"
    NOISE = "Noise"

    @property
    def is_standard(self) -> bool:
        """Whether ISO/IEC 29794-5 has a component of this name."""
        return self is not Component.NOISE


class Unassessed(enum.StrEnum):
    """Why a component was not measured."""

    NEEDS_NETWORK = "needs-network"
    """It cannot be measured without a further network, which is not installed."""
    FACE_TOO_SMALL = "face-too-small"
    """Too few pixels show the face."""
    FACE_OUTSIDE = "face-outside"
    """Too much of the region lies outside the picture."""
    LANDMARKS_UNUSABLE = "landmarks-unusable"
    """The landmarks are not five finite, distinct points of an upright face."""
    NO_CONTRAST = "no-contrast"
    """The region is flat: there is nothing to measure it by."""
    NO_BACKGROUND = "no-background"
    """The picture ends too near to the head to show a background."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One component: either ``native`` and ``score``, or ``reason``.

    ``native``: the measure itself in the unit that ``docs/quality.md`` states for the component (pixels, degrees, bits,
    shares of 1, ...). ``score``: integer 0..100, the higher the better. ``reason``: why there is neither.
    """

    component: Component
    native: float | None = None
    score: int | None = None
    reason: Unassessed | None = None

    @property
    def is_assessed(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything measured of one face in one image.

    ``method``: version of the formulas; values of two versions are not comparable.
    ``components``: every :class:`Component` once, in order.
    ``summary``: integer 0..100, a forecast of our own making of whether a search with this image finds the person, or
    ``None`` if too little could be measured. It is *not* the unified quality score of ISO/IEC 29794-5, and not a
    probability.
    """

    method: str
    components: tuple[Measured, ...]
    summary: int | None

    def __getitem__(self, component: Component) -> Measured:
        """Return one component."""
        return self.components[_PLACE[component]]


_PLACE = {component: place for place, component in enumerate(Component)}
