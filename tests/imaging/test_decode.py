"""Decoding: sound files give upright pixels and provenance; every other file gives one clear error."""

from __future__ import annotations

import hashlib
import io
import itertools
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from custodes.config import Config
from custodes.errors import ImageError
from custodes.imaging import Limits, Note, Picture, decode

LIMITS = Limits()
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def gradient(width: int = 48, height: int = 32) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, 255 - x * 255 // width], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def exif(orientation: int, order: str = "<", kind: int = 3) -> bytes:
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, kind, 1, orientation, 0, 0)


def with_exif(jpeg: bytes, tiff: bytes) -> bytes:
    content = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def header(width: int, height: int) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def code(data: bytes, name: str | None = None, limits: Limits = LIMITS, **options: object) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, name=name, limits=limits, **options)
    assert str(caught.value.what)
    assert str(caught.value.hint)
    return caught.value.code


@pytest.fixture
def jpeg() -> bytes:
    return saved(Image.fromarray(gradient()), "JPEG", quality=95)


@pytest.fixture
def png() -> bytes:
    return saved(Image.fromarray(gradient()), "PNG")


class TestSoundFiles:
    def test_png_pixels_are_exact_and_the_original_is_kept(self, png: bytes) -> None:
        picture = decode(png, name="a.png", limits=LIMITS)
        assert np.array_equal(picture.pixels, gradient())
        assert (picture.format, picture.width, picture.height, picture.orientation) == ("PNG", 48, 32, 1)
        assert picture.original == png
        assert picture.sha256 == hashlib.sha256(png).hexdigest()

    def test_jpeg_pixels_are_what_pillow_gives(self, jpeg: bytes) -> None:
        picture = decode(jpeg, name="a.JPG", limits=LIMITS)
        assert picture.format == "JPEG"
        assert np.array_equal(picture.pixels, np.asarray(Image.open(io.BytesIO(jpeg))))

    def test_progressive_jpeg_is_decoded(self) -> None:
        data = saved(Image.fromarray(gradient()), "JPEG", quality=95, progressive=True)
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, np.asarray(Image.open(io.BytesIO(data))))

    def test_pixels_are_contiguous_uint8_of_three_channels(self, jpeg: bytes) -> None:
        pixels = decode(with_exif(jpeg, exif(6)), name=None, limits=LIMITS).pixels
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        assert pixels.shape == (48, 32, 3)

    def test_the_original_is_not_in_the_repr(self, png: bytes) -> None:
        assert "IHDR" not in repr(decode(png, name=None, limits=LIMITS))

    @pytest.mark.parametrize("name", [None, "photo", "a.jpeg", "a.JPE", "a.jfif", "IMG 12.03.2024"])
    def test_names_that_do_not_contradict_a_jpeg(self, jpeg: bytes, name: str | None) -> None:
        assert decode(jpeg, name=name, limits=LIMITS).format == "JPEG"

    def test_limits_come_from_the_configuration(self, tmp_path: Path) -> None:
        config = Config.from_environment({"CUSTODES_DATA_DIR": str(tmp_path), "CUSTODES_MAX_IMAGE_PIXELS": "7"})
        assert Limits.from_config(config) == Limits(config.max_image_bytes, 7, config.max_decode_seconds)


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_every_orientation_is_undone_as_pillow_undoes_it(self, orientation: int, order: str) -> None:
        from PIL.ImageOps import exif_transpose

        plain = saved(Image.fromarray(gradient()), "JPEG", quality=95)
        data = with_exif(plain, exif(orientation, order))
        picture = decode(data, name=None, limits=LIMITS)
        assert picture.orientation == orientation
        assert np.array_equal(picture.pixels, np.asarray(exif_transpose(Image.open(io.BytesIO(data)))))
        assert (picture.stored_width, picture.stored_height) == (48, 32)
        assert (picture.width, picture.height) == ((48, 32) if orientation < 5 else (32, 48))

    def test_png_states_its_orientation_too(self, png: bytes) -> None:
        turned = png[:33] + chunk(b"eXIf", exif(8)) + png[33:]
        assert decode(turned, name=None, limits=LIMITS).height == 48

    @pytest.mark.parametrize(
        "tiff",
        [
            b"",
            b"II*\x00",
            b"II*\x00\xff\xff\xff\x7f",
            exif(0),
            exif(9),
            exif(6, kind=4),
            b"JUNK" + exif(6)[4:],
            exif(6)[:12],
        ],
    )
    def test_damaged_exif_leaves_the_picture_as_stored(self, jpeg: bytes, tiff: bytes) -> None:
        assert decode(with_exif(jpeg, tiff), name=None, limits=LIMITS).orientation == 1


class TestColour:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_grey_becomes_three_equal_channels(self, kind: str) -> None:
        data = saved(Image.new("L", (9, 7), 77), kind)
        picture = decode(data, name=None, limits=LIMITS)
        assert np.unique(picture.pixels).tolist() == [77]
        assert picture.notes == (Note.GREY,)

    def test_transparency_is_laid_over_neutral_grey(self) -> None:
        data = saved(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG")
        assert np.unique(decode(data, name=None, limits=LIMITS).pixels).tolist() == [128]

    def test_grey_with_alpha(self) -> None:
        data = saved(Image.new("LA", (4, 4), (200, 255)), "PNG")
        assert np.unique(decode(data, name=None, limits=LIMITS).pixels).tolist() == [200]

    def test_palette_is_expanded(self) -> None:
        data = saved(Image.fromarray(gradient()).quantize(8), "PNG")
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, expected)

    def test_palette_with_a_transparent_entry(self) -> None:
        image = Image.new("P", (4, 4), 0)
        image.putpalette([10, 20, 30])
        data = saved(image, "PNG", transparency=0)
        assert np.unique(decode(data, name=None, limits=LIMITS).pixels).tolist() == [128]

    def test_black_and_white_is_expanded(self) -> None:
        data = saved(Image.new("1", (4, 4), 1), "PNG")
        assert np.unique(decode(data, name=None, limits=LIMITS).pixels).tolist() == [255]

    def test_cmyk_jpeg_becomes_rgb(self) -> None:
        data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
        red, green, blue = decode(data, name=None, limits=LIMITS).pixels[8, 8]
        assert red > 200
        assert green < 60
        assert blue < 60

    def test_sixteen_bit_grey_is_scaled_not_clipped(self) -> None:
        ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
        pixels = decode(saved(Image.fromarray(ramp), "PNG"), name=None, limits=LIMITS).pixels
        assert np.array_equal(pixels[:, :, 0], ramp >> 8)


class TestNotAnImage:
    def test_zero_bytes(self) -> None:
        assert code(b"") == "image.empty"

    @pytest.mark.parametrize("data", [b"hello, this is text", b"\x00" * 100, b"\xff\xd8", b"\x89PNG"])
    def test_bytes_of_no_known_kind(self, data: bytes) -> None:
        assert code(data) == "image.not-an-image"

    @pytest.mark.parametrize(
        ("head", "name"),
        [
            (b"\x00\x00\x00\x18ftypavif", "AVIF"),
            (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif", "AVIF"),
            (b"\x00\x00\x00\x18ftypisom", "MP4"),
            (b"%PDF-1.7", "PDF"),
            (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
            (b"8BPS\x00\x01", "Photoshop"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"<?xml version='1.0'?>\n<svg>", "SVG"),
            (b"PK\x03\x04", "ZIP"),
        ],
    )
    def test_other_kinds_of_file_are_named(self, head: bytes, name: str) -> None:
        with pytest.raises(ImageError) as caught:
            decode(head + b"\x00" * 40, name=None, limits=LIMITS)
        assert caught.value.code == "image.format-not-accepted"
        assert name in str(caught.value.what)

    @pytest.mark.parametrize("name", ["a.png", "a.exe", "photo.jpg.pdf", "a.heic"])
    def test_a_name_that_says_something_else(self, jpeg: bytes, name: str) -> None:
        assert code(jpeg, name) == "image.wrong-extension"

    def test_a_png_named_jpg(self, png: bytes) -> None:
        assert code(png, "a.jpg") == "image.wrong-extension"


class TestDamage:
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.99])
    def test_jpeg_cut_short(self, jpeg: bytes, share: float) -> None:
        assert code(jpeg[: int(len(jpeg) * share)]) == "image.truncated"

    @pytest.mark.parametrize("missing", [1, 4, 12, 40])
    def test_png_cut_short(self, png: bytes, missing: int) -> None:
        assert code(png[:-missing]) == "image.truncated"

    def test_pixels_that_a_whole_file_does_not_state_are_black_never_old_memory(self) -> None:
        stated = zlib.compress((b"\x00" + b"\xc8" * 96) * 2)
        pixels = decode(header(32, 32) + chunk(b"IDAT", stated) + chunk(b"IEND", b""), name=None, limits=LIMITS).pixels
        assert np.unique(pixels[:2]).tolist() == [200]
        assert not pixels[2:].any()

    def test_png_with_a_wrong_checksum(self, png: bytes) -> None:
        where = png.index(b"IDAT") + 6
        assert code(png[:where] + bytes([png[where] ^ 255]) + png[where + 1 :]) == "image.damaged"

    def test_png_with_two_headers(self, png: bytes) -> None:
        assert code(png[:33] + png[8:33] + png[33:]) == "image.damaged"

    def test_png_without_a_header(self, png: bytes) -> None:
        assert code(png[:8] + png[33:]) == "image.damaged"

    def test_png_of_no_width(self) -> None:
        assert code(header(0, 5) + chunk(b"IEND", b"")) == "image.damaged"

    def test_jpeg_with_two_frames(self, jpeg: bytes) -> None:
        start = jpeg.index(b"\xff\xc0")
        (length,) = struct.unpack_from(">H", jpeg, start + 2)
        assert code(jpeg[:start] + jpeg[start : start + 2 + length] + jpeg[start:]) == "image.damaged"

    def test_jpeg_without_a_scan(self) -> None:
        assert code(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9") == "image.damaged"

    def test_jpeg_segment_of_impossible_length(self, jpeg: bytes) -> None:
        assert code(jpeg[:2] + b"\xff\xe0\x00\x01" + jpeg[2:]) == "image.damaged"

    def test_jpeg_of_a_kind_no_decoder_takes(self, jpeg: bytes) -> None:
        assert code(jpeg.replace(b"\xff\xc0", b"\xff\xc3", 1)) == "image.damaged"


class TestTrailingData:
    @pytest.mark.parametrize("tail", [b"\x00", b"PK\x03\x04 a zip archive", b"x" * 5000])
    def test_bytes_after_the_picture_are_counted_kept_and_not_looked_into(
        self, jpeg: bytes, png: bytes, tail: bytes
    ) -> None:
        for data in (jpeg, png):
            picture = decode(data + tail, name=None, limits=LIMITS)
            assert picture.trailing_bytes == len(tail)
            assert picture.original == data + tail
            assert np.array_equal(picture.pixels, decode(data, name=None, limits=LIMITS).pixels)

    def test_a_phones_multi_picture_file_gives_its_first_picture(self, jpeg: bytes) -> None:
        out = io.BytesIO()
        first, second = Image.fromarray(gradient()), Image.new("RGB", (8, 8))
        first.save(out, "MPO", save_all=True, append_images=[second])
        picture = decode(out.getvalue(), name="a.jpg", limits=LIMITS)
        assert (picture.width, picture.height) == (48, 32)
        assert picture.trailing_bytes > 0


class TestBombs:
    def test_too_many_bytes_is_refused_before_anything_is_read(self) -> None:
        assert code(b"x" * 11, limits=Limits(max_bytes=10)) == "image.too-many-bytes"

    def test_too_many_pixels_is_refused_from_the_header_alone(self) -> None:
        data = header(60_000, 60_000) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
        assert code(data) == "image.too-many-pixels"

    def test_as_many_pixels_as_the_limit_are_decoded(self, png: bytes) -> None:
        assert decode(png, name=None, limits=Limits(max_pixels=48 * 32)).width == 48
        assert code(png, limits=Limits(max_pixels=48 * 32 - 1)) == "image.too-many-pixels"

    def test_a_jpeg_header_of_65535_squared(self, jpeg: bytes) -> None:
        where = jpeg.index(b"\xff\xc0") + 5
        assert code(jpeg[:where] + b"\xff\xff\xff\xff" + jpeg[where + 4 :]) == "image.too-many-pixels"

    def test_progressive_scans_without_end(self) -> None:
        data = saved(Image.fromarray(gradient()), "JPEG", progressive=True)
        start = data.rindex(b"\xff\xda")
        assert code(data[:start] + data[start:-2] * 200 + data[-2:]) == "image.too-many-scans"

    def test_compressed_text_never_reaches_a_decoder(self, png: bytes) -> None:
        bomb = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(b"\x00" * 80_000_000))
        assert np.array_equal(decode(png[:33] + bomb + png[33:], name=None, limits=LIMITS).pixels, gradient())

    def test_pixels_that_decompress_to_more_than_the_picture(self) -> None:
        data = header(4, 4) + chunk(b"IDAT", zlib.compress(b"\x00" * 50_000_000)) + chunk(b"IEND", b"")
        assert decode(data, name=None, limits=LIMITS).pixels.shape == (4, 4, 3)

    def test_time_that_runs_out_while_the_file_is_walked(self, jpeg: bytes) -> None:
        ticks = itertools.count(0, 4.0)
        assert code(jpeg, clock=lambda: next(ticks)) == "image.too-slow"

    def test_time_that_runs_out_while_pixels_are_decoded(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)
        data = saved(Image.fromarray(noise), "PNG")
        calls = itertools.count()
        walked = 3 + data.count(b"IDAT")

        def clock() -> float:
            return 0.0 if next(calls) <= walked + 2 else 100.0

        assert code(data, clock=clock) == "image.too-slow"

    def test_enough_time_is_enough(self, jpeg: bytes) -> None:
        assert isinstance(decode(jpeg, name=None, limits=LIMITS, clock=lambda: 0.0), Picture)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [35, 75, 98])
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (640, 481)])
def test_a_plain_jpeg_has_the_same_pixels_whichever_decoder_draws_it(
    subsampling: int, quality: int, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (9, 9), 3)
    out = io.BytesIO()
    Image.fromarray(smooth).save(out, "JPEG", quality=quality, subsampling=subsampling)
    expected = np.asarray(Image.open(io.BytesIO(out.getvalue())).convert("RGB"))
    assert np.array_equal(decode(out.getvalue(), name="a.jpg", limits=Limits()).pixels, expected)
