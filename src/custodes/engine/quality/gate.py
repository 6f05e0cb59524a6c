"""Whether a photograph may be enrolled: one person, and large enough to compare (ENR-04).

This gate is all that quality refuses by itself; everything else is measured, kept and shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.errors import FaceError
from custodes.text import N_
from custodes.types import Face

MINIMUM_INTER_EYE = 10.0
_BYSTANDER_AREA = 0.25
_DOUBTFUL = 0.75


def require_one_face(faces: Sequence[Face], *, minimum_inter_eye: float = MINIMUM_INTER_EYE) -> Face:
    """Return the one face of a booking photograph; ``minimum_inter_eye`` in pixels.

    A second detection is let pass only when its box has less than a quarter of the largest's area (someone, or
    a poster, in the background) or its confidence is below 0.75.

    Raises:
        FaceError: ``face.none``, ``face.several`` or ``face.too-small``.
    """
    if not faces:
        raise FaceError(
            "face.none",
            N_("No face was found in this image."),
            hint=N_("Use an image in which the face is visible from the front and not covered."),
        )
    ordered = sorted(faces, key=_area, reverse=True)
    face = ordered[0]
    rivals = [other for other in ordered[1:] if _area(other) >= _BYSTANDER_AREA * _area(face)]
    if any(other.confidence >= _DOUBTFUL for other in rivals):
        raise FaceError(
            "face.several",
            N_("This image shows %(count)s faces; a booking photograph shows one person."),
            why=N_("It cannot be known which of them the record is about."),
            hint=N_("Use a photograph of this person alone, or crop this one."),
            count=len(faces),
        )
    if face.inter_eye_distance < minimum_inter_eye:
        raise FaceError(
            "face.too-small",
            N_("The face is too small: %(distance)s pixels between the eyes, at least %(minimum)s are needed."),
            hint=N_("Use the photograph at its original size."),
            distance=f"{face.inter_eye_distance:.0f}",
            minimum=f"{minimum_inter_eye:g}",
        )
    return face


def _area(face: Face) -> float:
    return face.box.width * face.box.height
