"""Light and colour, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.engine.quality.made import face_at, flat, textured

from custodes.engine.quality.frame import EYES_APART, Frame
from custodes.engine.quality.light import background, cheeks, face_light, luminance
from custodes.types import Component, Pixels, Unassessed


def linear(value: float) -> float:
    """sRGB 0..255 to light in [0, 1] (IEC 61966-2-1)."""
    share = value / 255
    return ((share + 0.055) / 1.055) ** 2.4 if share > 0.04045 else share / 12.92


def of_face(pixels: Pixels, *, x: float = 150) -> dict[Component, float | Unassessed]:
    return dict(face_light(Frame(pixels, face_at(x).landmarks)))


def of_cheeks(pixels: Pixels, *, x: float = 150) -> dict[Component, float | Unassessed]:
    return dict(cheeks(Frame(pixels, face_at(x).landmarks)))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 90), (10, 250, 3)])
def test_luminance_is_that_of_srgb(colour: tuple[int, int, int]) -> None:
    red, green, blue = map(linear, colour)
    expected = math.floor(255 * (0.2126 * red + 0.7152 * green + 0.0722 * blue) + 0.5)
    assert (luminance(flat(colour, width=3, height=2)) == expected).all()


@pytest.mark.parametrize("value", [0, 60, 188, 255])
def test_a_flat_face_has_its_luminance_and_no_variance(value: int) -> None:
    found = of_face(flat(value))
    level = math.floor(255 * linear(value) + 0.5)
    assert found[Component.LUMINANCE_MEAN] == pytest.approx(level / 255)
    assert found[Component.LUMINANCE_VARIANCE] == pytest.approx(0, abs=1e-12)
    assert found[Component.DYNAMIC_RANGE] == 0
    # 0..25 is dark, 247..255 is light: 88 in sRGB is the last that is dark
    assert found[Component.UNDER_EXPOSURE_PREVENTION] == (level <= 25)
    assert found[Component.OVER_EXPOSURE_PREVENTION] == (level >= 247)


@pytest.mark.parametrize(("value", "dark"), [(89, 1), (90, 0)])
def test_the_border_of_under_exposure(value: int, dark: int) -> None:
    assert math.floor(255 * linear(value) + 0.5) == 26 - dark
    assert of_face(flat(value))[Component.UNDER_EXPOSURE_PREVENTION] == dark


def test_a_face_half_black_half_white_by_hand() -> None:
    pixels = flat(0)
    pixels[:, 150:] = 255
    found = of_face(pixels)
    assert found[Component.LUMINANCE_MEAN] == pytest.approx(0.5, abs=0.02)
    assert found[Component.LUMINANCE_VARIANCE] == pytest.approx(0.25, abs=0.01)
    assert found[Component.DYNAMIC_RANGE] == pytest.approx(1, abs=0.1)
    assert found[Component.UNDER_EXPOSURE_PREVENTION] == pytest.approx(0.5, abs=0.03)
    assert found[Component.OVER_EXPOSURE_PREVENTION] == pytest.approx(0.5, abs=0.03)


def test_256_even_shades_have_eight_bits() -> None:
    # one luminance level after the other along the rows, so fine that every level is met alike
    level = (np.arange(300)[:, np.newaxis] * 7 + np.arange(300)[np.newaxis]) % 256
    share = level / 255
    back = np.where(share > 0.0031308, 1.055 * share ** (1 / 2.4) - 0.055, 12.92 * share)
    pixels = np.repeat(np.rint(255 * back).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    # sRGB has fewer codes for the darkest levels: 8 bits are not reached
    assert 6.5 < of_face(pixels, x=150)[Component.DYNAMIC_RANGE] < 8


def test_what_is_beside_the_face_does_not_count() -> None:
    pixels = flat(128)
    pixels[:, :90] = pixels[:, 210:] = 0
    assert of_face(pixels) == of_face(flat(128))


def test_half_a_face_is_needed() -> None:
    # the ellipse reaches from 101 to 199 about an x of 150
    assert of_face(flat(), x=10)[Component.LUMINANCE_MEAN] != Unassessed.FACE_OUTSIDE
    assert of_face(flat(), x=-10)[Component.LUMINANCE_MEAN] is Unassessed.FACE_OUTSIDE


def test_cheeks_of_one_shade_are_lit_alike() -> None:
    assert of_cheeks(flat())[Component.ILLUMINATION_UNIFORMITY] == pytest.approx(1)


def test_cheeks_without_a_shade_in_common_are_not() -> None:
    pixels = flat(100)
    pixels[:, 150:] = 180
    assert of_cheeks(pixels)[Component.ILLUMINATION_UNIFORMITY] == 0


def test_a_cheek_outside_the_picture() -> None:
    assert of_cheeks(flat(), x=20)[Component.ILLUMINATION_UNIFORMITY] is Unassessed.FACE_OUTSIDE
    assert of_cheeks(flat(), x=20)[Component.NATURAL_COLOUR] is Unassessed.FACE_OUTSIDE


@pytest.mark.parametrize(
    ("colour", "native"),
    [
        # CIELAB (D50) of these: a 17.4, b 20.0; a 14.0, b 17.6: inside 5..25 and 5..35
        ((224, 172, 145), 0.0),
        ((120, 80, 58), 0.0),
        # grey: a = b = 0, so 5 too little of each
        ((128, 128, 128), math.hypot(5, 5)),
        ((0, 0, 255), 100.0),
        ((0, 255, 0), 100.0),
    ],
)
def test_natural_colour(colour: tuple[int, int, int], native: float) -> None:
    assert of_cheeks(flat(colour))[Component.NATURAL_COLOUR] == pytest.approx(native, abs=0.05)


def test_an_even_wall_has_no_gradient() -> None:
    assert background(Frame(flat(), face_at(150, 140).landmarks)) == (Component.BACKGROUND_UNIFORMITY, 0)


def test_a_ramp_has_the_gradient_of_its_slope() -> None:
    # 1 level a pixel of sRGB; in the frame's 0.72 a pixel of the picture is 113 / 50 * 0.72 of one; Sobel sums 8 steps
    level = np.arange(300)[np.newaxis].repeat(300, axis=0).clip(0, 255)
    share = level / 255
    back = np.where(share > 0.0031308, 1.055 * share ** (1 / 2.4) - 0.055, 12.92 * share)
    pixels = np.repeat(np.rint(255 * back).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    native = background(Frame(pixels, face_at(125, 140).landmarks))[1]
    assert native == pytest.approx(8 * 50 / EYES_APART / 0.72, rel=0.15)


def test_a_busy_background_is_less_even() -> None:
    busy = background(Frame(textured(), face_at(150, 140).landmarks))[1]
    assert isinstance(busy, float)
    assert busy > 5


def test_what_is_on_the_face_is_not_background() -> None:
    pixels = flat(128)
    pixels[100:250, 100:200] = textured()[100:250, 100:200]
    assert background(Frame(pixels, face_at(150, 120).landmarks))[1] == 0


def test_a_picture_cut_close_has_no_background() -> None:
    pixels = flat(width=120, height=200)
    assert background(Frame(pixels, face_at(60, 90).landmarks))[1] is Unassessed.NO_BACKGROUND


def test_turning_the_picture_changes_little() -> None:
    upright = of_face(textured(seed=3), x=150)
    turned = dict(face_light(Frame(textured(seed=3)[::-1, ::-1].copy(), face_at(149, 179, turned=180).landmarks)))
    for component, value in upright.items():
        assert turned[component] == pytest.approx(value, rel=0.02, abs=0.005)
