"""Previews: for eyes only, without metadata."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from custodes.imaging import encode_preview

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
