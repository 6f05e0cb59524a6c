"""Real files that nobody on this project made: photographs, records of the NIST format, films, and a browser's own."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page
from tests.imaging.making import distance, gradient

from custodes.errors import ImageError
from custodes.imaging import DecodingPool, Limits, Note, decode

LIMITS = Limits()


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodingPool]:
    made = DecodingPool(LIMITS, workers=2)
    yield made
    made.close()


@pytest.mark.parametrize("folder", ["london", "congress", "synthetic"])
def test_photographs_have_the_pixels_that_pillow_gives_and_nothing_is_done_to_them(
    pool: DecodingPool, test_data: Path, folder: str
) -> None:
    files = sorted((test_data / folder).rglob("*.jpg"))[::12]
    assert files
    for path in files:
        data = path.read_bytes()
        found = pool.decode(data, name=path.name, limits=LIMITS)
        assert np.array_equal(found.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))), path.name
        assert set(found.notes) <= {Note.GREY, Note.TRAILING_DATA}, path.name


def test_records_of_fingerprints_and_faces_are_no_images(pool: DecodingPool, test_data: Path) -> None:
    files = sorted(path for path in (test_data / "itl").rglob("*.*") if path.is_file())
    assert files
    for path in files:
        for decoder in (pool.decode, decode):
            with pytest.raises(ImageError) as caught:
                decoder(path.read_bytes(), name=None, limits=LIMITS)
            assert caught.value.code == "image.not-an-image", path.name


def test_a_face_within_such_a_record_is_an_image_with_the_rest_behind_it(pool: DecodingPool, test_data: Path) -> None:
    record = (test_data / "itl" / "valid" / "pass-type-10-sap10.an2").read_bytes()
    face = record[record.index(b"\xff\xd8\xff") :]
    found = pool.decode(face, name=None, limits=LIMITS)
    assert found.format == "JPEG"
    assert np.array_equal(found.pixels, np.asarray(Image.open(io.BytesIO(face)).convert("RGB")))


def test_films_are_named_as_what_they_are(pool: DecodingPool, test_data: Path) -> None:
    files = sorted((test_data / "video").glob("*.mp4"))
    assert files
    for path in files:
        with pytest.raises(ImageError) as caught:
            pool.decode(path.read_bytes()[: LIMITS.max_bytes], name=path.name, limits=LIMITS)
        assert caught.value.code in ("image.format-not-accepted", "image.not-an-image"), path.name


@pytest.mark.browser
def test_what_a_browser_writes(page: Page, pool: DecodingPool) -> None:
    out = io.BytesIO()
    Image.fromarray(gradient()).save(out, "PNG")
    source = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    script = """async ([source, kind]) => {
        const image = new Image(); image.src = source; await image.decode();
        const canvas = document.createElement("canvas");
        canvas.width = image.width; canvas.height = image.height;
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.toDataURL(kind, 1.0).split(",")[1];
    }"""
    made = {kind: page.evaluate(script, [source, f"image/{kind}"]) for kind in ("png", "jpeg", "webp")}
    for kind, name, most in (("png", "PNG", 0), ("jpeg", "JPEG", 12), ("webp", "WebP", 12)):
        found = pool.decode(base64.b64decode(made[kind]), name=f"a.{kind}", limits=LIMITS)
        assert found.format == name
        assert distance(found.pixels, gradient()) <= most
