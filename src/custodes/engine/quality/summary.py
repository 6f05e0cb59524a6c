"""One number from the components: whether a search with this image finds the person, as far as we could tell by trying.

It is our own making, not the unified quality score of ISO/IEC 29794-5 (a network's answer), and not a probability: it
was fitted to posed photographs that were spoilt on purpose, and one pack.  What it is worth is the quality-reject
curve in ``docs/quality.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.engine.quality.scores import sigmoid
from custodes.types import Component, Measured


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic: ``middle`` is the native value at which it is a half; ``width`` is negative if it falls."""

    middle: float
    width: float

    def __call__(self, native: float) -> float:
        """Return the factor, in [0, 1], by which this component makes finding the person less likely."""
        rising = sigmoid(native, self.middle, abs(self.width))
        return rising if self.width > 0 else 1 - rising


CURVES: Mapping[Component, Curve] = {
    Component.INTER_EYE_DISTANCE: Curve(1.2, 5.1),
    Component.SHARPNESS: Curve(0.487, -0.052),
    Component.COMPRESSION_ARTIFACTS: Curve(2.12, -0.42),
    Component.OVER_EXPOSURE_PREVENTION: Curve(0.82, -0.13),
    Component.NOISE: Curve(24.1, -3.4),
    Component.DYNAMIC_RANGE: Curve(0.14, 0.24),
}
"""Fitted all at once to probes with one to three faults (``make bench-quality`` prints the fit)."""
_NEEDED = (Component.INTER_EYE_DISTANCE, Component.SHARPNESS, Component.DYNAMIC_RANGE)


def summary(measured: Mapping[Component, Measured]) -> int | None:
    """Return 0..100: 100 times the product of the curves, and of the squared cosine of the yaw; None without the
    basics.

    A component that could not be assessed is left out of the product, but for inter-eye distance, sharpness and
    dynamic range, without which there is no summary.
    """
    if any(measured[component].native is None for component in _NEEDED):
        return None
    share = 1.0
    for component, curve in CURVES.items():
        native = measured[component].native
        share *= 1.0 if native is None else curve(native)
    yaw = measured[Component.HEAD_POSE_YAW].score
    return int(100 * share * (1.0 if yaw is None else yaw / 100) + 0.5)
