"""All components of one face, in one call.

Nothing here raises for what a picture shows: what cannot be measured is *not assessed*, with the reason.  At most one
warp, one resize and a few filters of small windows are done for a component, so that it costs a few milliseconds
whatever the size of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

from custodes.engine.quality import detail, geometry, light
from custodes.engine.quality.frame import Frame, usable
from custodes.engine.quality.scores import CURVES, score
from custodes.engine.quality.summary import summary
from custodes.types import Component, Face, Measured, Pixels, Quality, Unassessed

METHOD = "1"
"""Version of the formulas; another formula, constant or curve is another version."""
LEAST_EYES = 8.0
"""Inter-eye distance in pixels below which light and detail of a face are not assessed."""

_DIGITS = 4
"""Significant digits of a native value; the rest is noise, and is kept with every photograph."""

Outcome = tuple[Component, float | Unassessed]


def measure(pixels: Pixels, face: Face, others: Sequence[Face] = (), *, workers: Executor | None = None) -> Quality:
    """Return everything that can be measured of ``face`` in ``pixels`` (``(h, w, 3)`` uint8 RGB).

    ``others``: the other faces of the picture, which decide on *single face present* alone.  ``workers`` share the
    work.
    """
    found = dict(_outcomes(pixels, face, others, workers))
    measured = {component: _measured(component, found.get(component)) for component in Component}
    return Quality(METHOD, tuple(measured.values()), summary(measured))


def _measured(component: Component, outcome: float | Unassessed | None) -> Measured:
    if outcome is None:
        reason = Unassessed.LANDMARKS_UNUSABLE if component in CURVES else Unassessed.NEEDS_NETWORK
        return Measured(component, reason=reason)
    if isinstance(outcome, Unassessed):
        return Measured(component, reason=outcome)
    native = float(f"{outcome:.{_DIGITS}g}")
    return Measured(component, native=native, score=score(component, native))


def _outcomes(pixels: Pixels, face: Face, others: Sequence[Face], workers: Executor | None) -> Iterator[Outcome]:
    yield geometry.single_face(face.box, [other.box for other in others])
    if not usable(face):
        return
    lit = workers.submit(_light, pixels, face) if workers else None
    yield from geometry.size_and_place(pixels, face)
    yield from geometry.pose(face)
    yield from detail.detail(pixels, face)
    yield from lit.result() if lit else _light(pixels, face)


def _light(pixels: Pixels, face: Face) -> Sequence[Outcome]:
    if face.inter_eye_distance < LEAST_EYES:
        return [(component, Unassessed.FACE_TOO_SMALL) for component in _OF_LIGHT]
    frame = Frame(pixels, face.landmarks)
    return [*light.face_light(frame), *light.cheeks(frame), light.background(frame)]


_OF_LIGHT = (
    Component.BACKGROUND_UNIFORMITY,
    Component.ILLUMINATION_UNIFORMITY,
    Component.LUMINANCE_MEAN,
    Component.LUMINANCE_VARIANCE,
    Component.UNDER_EXPOSURE_PREVENTION,
    Component.OVER_EXPOSURE_PREVENTION,
    Component.DYNAMIC_RANGE,
    Component.NATURAL_COLOUR,
)
