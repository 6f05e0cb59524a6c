"""Size, place and pose from five landmarks and a box (PRB-09)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.quality.made import face_at, flat

from custodes.engine.quality.geometry import _GENERIC, chin_distance, pose, single_face, size_and_place
from custodes.types import Box, Component, Face, Unassessed


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0) -> Face:
    """The generic face itself, looked at from elsewhere: angles with the signs of ISO/IEC 39794-5."""
    y, p, r = np.radians([-yaw, pitch, -roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = 60 * _GENERIC @ (about_z @ about_x @ about_y).T + [200, 150, 0]
    return replace(face_at(), landmarks=tuple((float(a), float(b)) for a, b, _ in points))


def angles(face: Face) -> dict[Component, float]:
    return {component: value for component, value in pose(face) if not isinstance(value, Unassessed)}


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
def test_a_turned_head_is_seen_to_be_turned(yaw: float) -> None:
    found = angles(turned(yaw=yaw))
    assert found[Component.HEAD_POSE_YAW] == pytest.approx(yaw, abs=3)
    assert found[Component.HEAD_POSE_PITCH] == pytest.approx(0, abs=3)


@pytest.mark.parametrize("pitch", [-25, -10, 0, 10, 25])
def test_a_nodding_head_is_seen_to_nod(pitch: float) -> None:
    found = angles(turned(pitch=pitch))
    assert found[Component.HEAD_POSE_PITCH] == pytest.approx(pitch, abs=4)
    assert found[Component.HEAD_POSE_YAW] == pytest.approx(0, abs=1)


@pytest.mark.parametrize("roll", [-170, -90, -30, 0, 30, 90, 170])
def test_roll_is_that_of_the_eyes(roll: float) -> None:
    found = angles(turned(roll=roll))
    assert found[Component.HEAD_POSE_ROLL] == pytest.approx(roll, abs=1e-6)
    assert found[Component.HEAD_POSE_YAW] == pytest.approx(0, abs=1e-6)


def test_who_looks_to_their_left_has_a_positive_yaw() -> None:
    # the person's left is the viewer's right: the nose goes there
    points = list(face_at().landmarks)
    points[2] = (points[2][0] + 12, points[2][1])
    assert angles(replace(face_at(), landmarks=tuple(points)))[Component.HEAD_POSE_YAW] > 5


def test_who_looks_down_has_a_positive_pitch() -> None:
    points = list(face_at().landmarks)
    points[2] = (points[2][0], points[2][1] + 10)
    assert angles(replace(face_at(), landmarks=tuple(points)))[Component.HEAD_POSE_PITCH] > 5


def test_who_leans_to_their_right_has_a_positive_roll() -> None:
    # the person's right is the viewer's left: the head's top goes there, anticlockwise in the picture
    assert angles(face_at(turned=-20))[Component.HEAD_POSE_ROLL] == pytest.approx(20)


def test_place_by_hand() -> None:
    # eyes at (125, 120) and (175, 120), chin where the line down leaves the box: 120 - 45 + 135 = 210
    found = dict(size_and_place(flat(width=300, height=300), face_at(150, 120, eyes=50)))
    assert found[Component.INTER_EYE_DISTANCE] == pytest.approx(50)
    assert found[Component.LEFTWARD_CROP] == pytest.approx(125 / 50)
    assert found[Component.RIGHTWARD_CROP] == pytest.approx(125 / 50)
    assert found[Component.HEAD_SIZE] == pytest.approx(90 / 300, rel=1e-4)
    assert found[Component.MARGIN_ABOVE] == pytest.approx(120 / 90, rel=1e-4)
    assert found[Component.MARGIN_BELOW] == pytest.approx(180 / 90, rel=1e-4)


def test_a_box_that_is_not_this_faces_has_no_chin() -> None:
    elsewhere = replace(face_at(), box=Box(0, 0, 20, 20))
    assert chin_distance(elsewhere) is None
    found = dict(size_and_place(flat(), elsewhere))
    assert found[Component.HEAD_SIZE] is Unassessed.LANDMARKS_UNUSABLE
    assert found[Component.INTER_EYE_DISTANCE] == pytest.approx(50)


def test_the_chin_of_a_head_on_its_side() -> None:
    # turned clockwise by a quarter, the mouth lies to the viewer's left of the eyes
    face = replace(face_at(150, 120, eyes=50, turned=90), box=Box(60, 70, 135, 100))
    assert chin_distance(face) == pytest.approx(90, rel=1e-3)


@pytest.mark.parametrize(
    ("others", "native"), [([], 0.0), ([(5, 5)], 0.5), ([(10, 10)], 1.0), ([(40, 40)], 1.0), ([(1, 1), (5, 5)], 0.5)]
)
def test_single_face_is_the_root_of_the_areas(others: list[tuple[float, float]], native: float) -> None:
    assert single_face(Box(0, 0, 10, 10), [Box(0, 0, *size) for size in others])[1] == native
