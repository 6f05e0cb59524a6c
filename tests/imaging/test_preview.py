"""Previews and crops: for eyes only, without metadata."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from custodes.imaging import crop, encode_preview
from custodes.types import Box

PIXELS = np.random.default_rng(3).integers(0, 255, (60, 100, 3), np.uint8)


@pytest.mark.parametrize(("longest", "size"), [(50, (50, 30)), (100, (100, 60)), (4000, (100, 60))])
def test_preview_is_scaled_down_never_up(longest: int, size: tuple[int, int]) -> None:
    image = Image.open(io.BytesIO(encode_preview(PIXELS, longest)))
    assert (image.format, image.size) == ("JPEG", size)


def test_preview_carries_no_metadata() -> None:
    data = encode_preview(PIXELS, 50)
    assert b"Exif" not in data
    assert Image.open(io.BytesIO(data)).getexif() == {}


def test_preview_of_a_picture_one_pixel_high() -> None:
    assert Image.open(io.BytesIO(encode_preview(np.zeros((1, 900, 3), np.uint8), 30))).size == (30, 1)


def test_crop_without_margin_is_the_box() -> None:
    assert np.array_equal(crop(PIXELS, Box(10, 20, 30, 15), margin=0), PIXELS[20:35, 10:40])


def test_crop_is_widened_by_the_margin() -> None:
    assert np.array_equal(crop(PIXELS, Box(20, 20, 20, 20), margin=0.5), PIXELS[10:50, 10:50])


@pytest.mark.parametrize(("box", "corner"), [(Box(-10, -10, 20, 20), (0, 0)), (Box(90, 50, 20, 20), (-1, -1))])
def test_beyond_the_edge_is_neutral_grey(box: Box, corner: tuple[int, int]) -> None:
    part = crop(PIXELS, box, margin=0)
    assert part.shape == (20, 20, 3)
    assert part[corner].tolist() == [128, 128, 128]


def test_a_box_wholly_outside_is_all_grey() -> None:
    assert np.unique(crop(PIXELS, Box(500, 500, 10, 10), margin=0)).tolist() == [128]


def test_crop_is_a_copy() -> None:
    part = crop(PIXELS, Box(0, 0, 5, 5), margin=0)
    part[:] = 0
    assert PIXELS[:5, :5].any()
