"""Sharpness, compression artifacts and noise: our own formulas, held to what they are said to measure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.engine.quality.made import face_at, flat, textured

from custodes.engine.quality.detail import blockiness, blur, detail, noise
from custodes.types import Component, Face, Pixels, Unassessed


def measured(pixels: Pixels, face: Face | None = None) -> dict[Component, float | Unassessed]:
    return dict(detail(pixels, face or face_at(150, 130, eyes=60)))


def value(pixels: Pixels, component: Component, face: Face | None = None) -> float:
    found = measured(pixels, face)[component]
    assert isinstance(found, float)
    return found


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_COLOR)


def grainy(pixels: Pixels, sigma: float) -> Pixels:
    grain = np.random.default_rng(5).normal(0, sigma, pixels.shape[:2])[:, :, np.newaxis]
    return np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)


def test_the_more_it_is_blurred_the_blurrier_it_is() -> None:
    found = [value(cv2.GaussianBlur(textured(), (0, 0), s), Component.SHARPNESS) for s in (1, 2, 4, 6, 9)]
    assert found == sorted(found)
    assert found[0] < 0.33 < 0.4 < found[-1]


def test_a_stroke_blurs_as_well() -> None:
    stroke = cv2.blur(textured(), (25, 1))
    assert value(stroke, Component.SHARPNESS) > 1.3 * value(textured(), Component.SHARPNESS)


def test_blur_by_hand() -> None:
    # one step of 90 in each row; its mean over 15 pixels spreads to 15 steps of 6, so 90 - 6 of 90 is lost
    rows = np.zeros((40, 41), np.float32)
    rows[:, 20:] = 90
    rows[20:] += 90
    assert blur(rows, 24) == pytest.approx(1 - 84 / 90, abs=1e-4)


def test_blur_depends_on_neither_contrast_nor_brightness() -> None:
    grey = textured()[:, :, 0].astype(np.float32)
    assert blur(grey, 60) == pytest.approx(blur(0.3 * grey + 40, 60), rel=1e-4)


def test_blur_is_measured_at_one_size() -> None:
    # a face of twice the size, enlarged: the same face
    large = cv2.resize(textured(), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    small = value(textured(), Component.SHARPNESS)
    assert value(large, Component.SHARPNESS, face_at(300, 260, eyes=120)) == pytest.approx(small, abs=0.03)


def test_the_more_it_is_compressed_the_more_blocks_are_seen() -> None:
    found = [value(jpeg(textured(), quality), Component.COMPRESSION_ARTIFACTS) for quality in (90, 30, 10, 4)]
    assert found == sorted(found)
    assert found[0] < 0.5
    assert found[-1] > 1.5


def test_a_file_that_was_never_compressed_shows_no_blocks() -> None:
    assert value(textured(), Component.COMPRESSION_ARTIFACTS) < 0.3


@pytest.mark.parametrize("shift", [(0, 3), (5, 0), (7, 1)])
def test_blocks_are_found_wherever_the_grid_begins(shift: tuple[int, int]) -> None:
    cropped = jpeg(textured(), 8)[shift[0] :, shift[1] :]
    assert value(cropped, Component.COMPRESSION_ARTIFACTS) == pytest.approx(
        value(jpeg(textured(), 8), Component.COMPRESSION_ARTIFACTS), rel=0.15
    )


def test_blocks_by_hand() -> None:
    # steps of 16 at every eighth pixel and none beside it: 16 over a mean step of 2, and half a level
    grey = np.repeat(16.0 * np.arange(9)[:, np.newaxis], 8, axis=0)[:65] + np.repeat(16.0 * np.arange(9), 8)[:65]
    assert blockiness(grey.astype(np.float32)) == pytest.approx(16 / 2.5, rel=0.02)


def test_an_edge_is_no_grid() -> None:
    grey = np.zeros((96, 96), np.float32)
    grey[40:, :] = grey[:, 40:] = 200
    blocks = blockiness(grey)
    assert isinstance(blocks, float)
    assert blocks < blockiness(jpeg(textured(), 4)[:96, :96, 0].astype(np.float32))


@pytest.mark.parametrize("sigma", [5, 10, 20])
def test_noise_is_its_standard_deviation(sigma: float) -> None:
    assert noise(grainy(flat(), sigma)[:, :, 0].astype(np.float32)) == pytest.approx(sigma, rel=0.06)


def test_edges_are_not_noise() -> None:
    assert value(textured(), Component.NOISE) < 3


def test_noise_on_a_busy_picture_is_seen() -> None:
    assert value(grainy(textured(), 15), Component.NOISE) == pytest.approx(15, rel=0.25)


def test_a_small_face_has_no_noise_value_but_a_sharpness() -> None:
    found = measured(textured(), face_at(150, 130, eyes=10))
    assert found[Component.NOISE] is Unassessed.FACE_TOO_SMALL
    assert isinstance(found[Component.SHARPNESS], float)


def test_a_flat_face_has_nothing_to_measure_by() -> None:
    found = measured(flat())
    assert found[Component.SHARPNESS] is Unassessed.NO_CONTRAST
    assert found[Component.COMPRESSION_ARTIFACTS] is Unassessed.NO_CONTRAST
    assert found[Component.NOISE] == 0


def test_a_strip_of_a_face_is_not_enough() -> None:
    found = measured(textured(width=10), face_at(5, 130, eyes=60))
    assert set(found.values()) == {Unassessed.FACE_OUTSIDE}
