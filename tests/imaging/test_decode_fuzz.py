"""Whatever the bytes are, decoding gives a picture within its limits or an ImageError: nothing else."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.imaging.making import CORPUS

from custodes.errors import ImageError
from custodes.imaging import Limits, decode

LIMITS = Limits(max_bytes=200_000, max_pixels=250_000, max_seconds=5.0)


def _samples() -> list[bytes]:
    pixels = np.random.default_rng(7).integers(0, 255, (24, 40, 3), np.uint8)
    image = Image.fromarray(pixels)
    kinds: list[tuple[Image.Image, str, dict[str, object]]] = [
        (image, "JPEG", {"exif": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"}),
        (image, "JPEG", {"progressive": True}),
        (image.convert("CMYK"), "JPEG", {}),
        (image, "PNG", {}),
        (image.quantize(16), "PNG", {"transparency": 3}),
        (image.convert("RGBA"), "PNG", {}),
        (Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257), "PNG", {}),
        (image, "TIFF", {}),
        (image.convert("RGBA"), "TIFF", {"compression": "tiff_lzw"}),
        (image, "TIFF", {"save_all": True, "append_images": [image]}),
        (image.quantize(16), "BMP", {}),
        (image, "GIF", {"save_all": True, "append_images": [image.rotate(180)]}),
        (image, "WEBP", {}),
        (image.convert("RGBA"), "WEBP", {"lossless": True}),
        (image, "JPEG2000", {}),
        (image, "JPEG2000", {"no_jp2": True, "tile_size": (16, 16)}),
    ]
    out = []
    for picture, kind, options in kinds:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        out.append(file.getvalue())
    return [*out, *(path.read_bytes() for path in sorted((CORPUS / "heic").glob("*.heic")))]


SAMPLES = _samples()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound file after bit flips, a cut, a splice with another one, or a repeated part."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    match draw(st.sampled_from(["none", "cut", "splice", "repeat"])):
        case "cut":
            del data[draw(st.integers(0, len(data))) :]
        case "splice":
            other = draw(st.sampled_from(SAMPLES))
            data = data[: draw(st.integers(0, len(data)))] + other[draw(st.integers(0, len(other))) :]
        case "repeat":
            start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 200))
            data[start:start] = bytes(data[start : start + length]) * draw(st.integers(1, 20))
    return bytes(data)


def _survives(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        picture = decode(data, name=None, limits=LIMITS)
        assert picture.pixels.shape == (picture.height, picture.width, 3)
        assert picture.pixels.dtype == np.uint8
        assert picture.width * picture.height <= LIMITS.max_pixels
        assert picture.original == data


@given(mutated())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files_give_a_picture_or_an_error(data: bytes) -> None:
    _survives(data)


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
@settings(max_examples=300, deadline=None)
@example(b"\xff" * 50, b"\xff\xd8\xff")
@example(b"\xda\x00\x02", b"\xff\xd8\xff")
def test_arbitrary_bytes_give_an_error(tail: bytes, head: bytes) -> None:
    _survives(head + tail)
