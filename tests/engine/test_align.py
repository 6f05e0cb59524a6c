"""Alignment: the least-squares similarity, and the crop it makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.engine import find_pack
from custodes.engine.align import align, similarity

TARGET = find_pack("opencv-zoo").preprocessing.alignment.points


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20.0),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_a_turned_scaled_and_moved_face_is_brought_back(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = np.array(TARGET) @ turn.T + [x, y]
    matrix = similarity([tuple(point) for point in seen], TARGET)
    np.testing.assert_allclose(seen @ matrix[:, :2].T + matrix[:, 2], TARGET, atol=1e-6)


def test_it_never_mirrors() -> None:
    mirrored = [(100 - x, y) for x, y in TARGET]
    assert np.linalg.det(similarity(mirrored, TARGET)[:, :2]) > 0


def test_it_is_the_least_squares_answer() -> None:
    rng = np.random.default_rng(4)
    seen = np.array(TARGET) * 2 + rng.normal(0, 3, (5, 2))
    design = np.concatenate([[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in seen])
    a, b, shift_x, shift_y = np.linalg.lstsq(design, np.array(TARGET).ravel(), rcond=None)[0]
    matrix = similarity([tuple(point) for point in seen], TARGET)
    np.testing.assert_allclose(matrix, [[a, -b, shift_x], [b, a, shift_y]], atol=1e-9)


def test_five_landmarks_in_one_point_give_a_finite_matrix() -> None:
    assert np.isfinite(similarity([(3.0, 3.0)] * 5, TARGET)).all()


def test_a_face_already_in_place_is_cut_out_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    moved = [(x + 40, y + 30) for x, y in TARGET]
    assert np.array_equal(align(pixels, moved, TARGET, 112), pixels[30:142, 40:152])


def test_beyond_the_edge_is_black() -> None:
    pixels = np.full((112, 112, 3), 200, np.uint8)
    crop = align(pixels, [(x - 60, y) for x, y in TARGET], TARGET, 112)
    assert not crop[:, :55].any()
    assert (crop[:, 65:] == 200).all()


@pytest.mark.parametrize("shape", [(120, 40_000), (40_000, 120)])
@pytest.mark.parametrize("near", [5, 39_900])
def test_a_picture_longer_than_opencv_can_warp(shape: tuple[int, int], near: int) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    along = int(shape[0] > shape[1])
    moved = [(x + near * (1 - along), y + near * along) for x, y in TARGET]
    part = pixels[near : near + 112, :112] if along else pixels[:112, near : near + 112]
    part[:] = np.random.default_rng(0).integers(0, 255, part.shape, np.uint8)
    crop = align(pixels, moved, TARGET, 112)
    assert np.array_equal(crop[: part.shape[0], : part.shape[1]], part)
