"""Where the face is in the picture, how large it is, and which way it looks: all from five landmarks and a box.

Source: ISO/IEC 29794-5:2025, clause 7.4, by way of OFIQ 1.0 (``CropOfTheFaceImage.cpp``, ``HeadSize.cpp``,
``HeadPose.cpp``, ``SingleFacePresent.cpp``).  What differs: eye centres are the detector's points, not the middle of
eye corners; the chin is where the line from eyes through mouth leaves the detector's box; the pose is a fit of one
rigid generic face to five points, which is coarse (``docs/quality.md`` says how coarse), where OFIQ runs a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import atan2, degrees, hypot, isfinite, sqrt

import numpy as np
import numpy.typing as npt

from custodes.types import Box, Component, Face, Pixels, Unassessed

Outcome = tuple[Component, float | Unassessed]

_GENERIC = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.58, -0.43], [-0.42, 1.01, -0.05], [0.42, 1.01, -0.05]])
"""Eyes, nose tip, mouth corners in inter-eye distances: right, down, away from the camera.

Right and down are the means of the detector's landmarks over 204 frontal studio photographs (London); how far
the nose stands out is a round figure of anthropometry.
"""
_FIT = np.linalg.pinv(_GENERIC - _GENERIC.mean(axis=0)).T
"""``(5, 3)``: centred landmarks times this are the projection of the generic face nearest to them."""


def size_and_place(pixels: Pixels, face: Face) -> Iterator[Outcome]:
    """Yield inter-eye distance, head size, and the four margins.

    *Inter-eye distance* in pixels.  OFIQ divides it by the cosine of the yaw; our yaw is too coarse for that, so a
    turned head reads smaller here.  With T the length from the middle of the eyes to the chin: *head size* T over the
    height of the picture; *leftward* and *rightward crop* the distance of the nearer eye from the left and right edge,
    as the viewer sees them, over the inter-eye distance; *margin above* and *below* that of the eyes' middle from the
    upper and lower edge, over T.
    """
    height, width = pixels.shape[:2]
    (left, _), (right, _) = face.landmarks[:2]
    middle = (face.landmarks[0][1] + face.landmarks[1][1]) / 2
    eyes = face.inter_eye_distance
    yield Component.INTER_EYE_DISTANCE, eyes
    yield Component.LEFTWARD_CROP, left / eyes
    yield Component.RIGHTWARD_CROP, (width - right) / eyes
    chin = chin_distance(face)
    if chin is None:
        for component in (Component.HEAD_SIZE, Component.MARGIN_ABOVE, Component.MARGIN_BELOW):
            yield component, Unassessed.LANDMARKS_UNUSABLE
        return
    yield Component.HEAD_SIZE, chin / height
    yield Component.MARGIN_ABOVE, middle / chin
    yield Component.MARGIN_BELOW, (height - middle) / chin


def chin_distance(face: Face) -> float | None:
    """Return T in pixels: from the middle of the eyes through that of the mouth to the edge of the box, or None.

    None where that line does not leave the box beyond the mouth, as for a box that does not belong to the landmarks.
    """
    points = np.asarray(face.landmarks, np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = (mouth - eyes) / np.hypot(*(mouth - eyes))
    box = face.box
    reaches = []
    for start, step, low, size in zip(eyes, down, (box.left, box.top), (box.width, box.height), strict=True):
        if abs(step) > 1e-9:
            reaches.append(((low + size if step > 0 else low) - start) / step)
    reach = float(min(reaches))
    return reach if isfinite(reach) and reach > float(np.hypot(*(mouth - eyes))) else None


def pose(face: Face) -> Iterator[Outcome]:
    """Yield yaw, pitch and roll in degrees, with the signs of ISO/IEC 39794-5.

    Yaw is positive when the person looks to their own left, pitch when they look down, roll when the head leans to
    their own right shoulder.  Yaw and pitch: the scaled orthographic projection of a generic face that lies nearest to
    the landmarks in least squares, made a rotation by its polar decomposition.  Roll: the line through the eyes.
    """
    (ax, ay), (bx, by) = face.landmarks[:2]
    roll = atan2(by - ay, bx - ax)
    upright = _turned(np.asarray(face.landmarks, np.float64), -roll)
    forward = _forward(upright)
    yield Component.HEAD_POSE_YAW, degrees(atan2(forward[0], -forward[2]))
    yield Component.HEAD_POSE_PITCH, degrees(atan2(forward[1], hypot(forward[0], forward[2])))
    yield Component.HEAD_POSE_ROLL, degrees(-roll)


def _turned(points: npt.NDArray[np.float64], angle: float) -> npt.NDArray[np.float64]:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centred: npt.NDArray[np.float64] = (points - points.mean(axis=0)) @ turn.T
    return centred


def _forward(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the direction of the nose, a unit vector (right, down, away), for centred landmarks."""
    projection = points.T @ _FIT
    left, _, right = np.linalg.svd(projection, full_matrices=False)
    rows = left @ right
    away: npt.NDArray[np.float64] = np.cross(rows[0], rows[1])
    # the third row of a rotation says how the model's axes point away from the camera; its nose points along -z
    return np.array([-rows[0, 2], -rows[1, 2], -away[2]])


def single_face(box: Box, others: Sequence[Box]) -> Outcome:
    """Return ``sqrt(a2 / a1)`` of the box areas, the face's own and the largest other one's; 0 if alone, at most 1."""
    own = box.width * box.height
    if not (isfinite(own) and own > 0):
        return Component.SINGLE_FACE_PRESENT, Unassessed.LANDMARKS_UNUSABLE
    largest = max((other.width * other.height for other in others), default=0.0)
    return Component.SINGLE_FACE_PRESENT, min(1.0, sqrt(max(0.0, largest) / own)) if isfinite(largest) else 1.0
