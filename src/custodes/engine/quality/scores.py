"""From a native value to an integer 0..100.

Where the formula is the standard's (ISO/IEC 29794-5:2025, clause 7), it is taken from the reference implementation
OFIQ 1.0 (Federal Office for Information Security, Germany, MIT licence): ``Measure::ExecuteScalarConversion``,
``data/ofiq_config.jaxn`` and the ``Execute`` functions of ``OFIQlib/modules/measures``.  Sharpness, compression and
noise are mapped by curves of our own: their native values are our own, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, exp, inf, pi, radians, sin

from custodes.types import Component


def sigmoid(value: float, middle: float, width: float) -> float:
    """Return ``1 / (1 + exp((middle - value) / width))``, in [0, 1]."""
    power = (middle - value) / width
    return 0.0 if power > 700 else 1 / (1 + exp(power))


def _rising(middle: float, width: float) -> Callable[[float], float]:
    return lambda value: 100 * sigmoid(value, middle, width)


def _falling(middle: float, width: float) -> Callable[[float], float]:
    return lambda value: 100 * (1 - sigmoid(value, middle, width))


def _pose(degrees: float) -> float:
    # OFIQ squares the cosine alone, which calls a head upside down perfect
    return 100 * max(0.0, cos(radians(degrees))) ** 2


def _variance(value: float) -> float:
    return 100 * sin(60 * value / (60 * value + 1) * pi)


CURVES: Mapping[Component, Callable[[float], float]] = {
    Component.BACKGROUND_UNIFORMITY: lambda value: 190 * (1 - sigmoid(value, 10, 100)),
    Component.ILLUMINATION_UNIFORMITY: lambda value: 100 * value**0.3,
    Component.LUMINANCE_MEAN: lambda value: 100 * sigmoid(value, 0.2, 0.05) * (1 - sigmoid(value, 0.8, 0.05)),
    Component.LUMINANCE_VARIANCE: _variance,
    Component.UNDER_EXPOSURE_PREVENTION: lambda value: 120 * (0.832 - sigmoid(value, 0.92, 0.05)),
    Component.OVER_EXPOSURE_PREVENTION: lambda value: 1 / (value + 0.01),
    Component.DYNAMIC_RANGE: lambda value: 12.5 * value,
    Component.SHARPNESS: _falling(0.37, 0.04),
    Component.COMPRESSION_ARTIFACTS: _falling(1.2, 0.25),
    Component.NATURAL_COLOUR: lambda value: 200 * (1 - sigmoid(value, 0, 10)),
    Component.SINGLE_FACE_PRESENT: lambda value: 100 * (1 - value),
    Component.INTER_EYE_DISTANCE: _rising(70, 20),
    Component.HEAD_SIZE: lambda value: 200 * (1 - sigmoid(abs(value - 0.45), 0, 0.05)),
    Component.LEFTWARD_CROP: _rising(0.9, 0.1),
    Component.RIGHTWARD_CROP: _rising(0.9, 0.1),
    Component.MARGIN_ABOVE: _rising(1.4, 0.1),
    Component.MARGIN_BELOW: _rising(1.8, 0.1),
    Component.HEAD_POSE_YAW: _pose,
    Component.HEAD_POSE_PITCH: _pose,
    Component.HEAD_POSE_ROLL: _pose,
    Component.NOISE: _falling(12, 3),
}
"""Component → its curve, before rounding and clipping; a component without one is never measured."""


def score(component: Component, native: float) -> int:
    """Return the integer 0..100 for a native value.

    Raises:
        KeyError: the component is one that is never measured here.
    """
    value = CURVES[component](native)
    # half is rounded up, as C's round() does
    return int(min(100.0, max(0.0, value)) + 0.5) if -inf < value < inf else 0
