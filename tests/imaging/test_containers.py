"""Walks through files that lie about themselves: loops, holes, bombs, and ends that come too soon."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct

import numpy as np
import pytest
from tests.imaging.making import CORPUS, HEIGHT, WIDTH, gradient, picture, rgb_tags, saved, tiff

from custodes.errors import ImageError
from custodes.imaging import Limits, decode
from custodes.imaging.containers import read_container
from custodes.imaging.containers.base import MAX_PARTS
from custodes.imaging.deadline import Deadline

LIMITS = Limits()
FILES: dict[str, bytes] = {
    "TIFF": tiff(rgb_tags(), gradient().tobytes()),
    "TIFF of strips": saved(picture(), "TIFF", compression="tiff_lzw", strip_size=800),
    "BMP": saved(picture(), "BMP"),
    "GIF": saved(picture(), "GIF"),
    "GIF of frames": saved(picture(), "GIF", save_all=True, append_images=[picture().rotate(90), picture()]),
    "WebP": saved(picture(), "WEBP", quality=90),
    "WebP lossless": saved(picture(), "WEBP", lossless=True),
    "WebP of frames": saved(picture(), "WEBP", save_all=True, append_images=[picture().rotate(90)]),
    "JP2": saved(picture(), "JPEG2000"),
    "J2K": saved(picture(), "JPEG2000", no_jp2=True),
    "J2K of tiles": saved(picture(), "JPEG2000", no_jp2=True, tile_size=(32, 32)),
    "HEIC": (CORPUS / "heic" / "plain.heic").read_bytes(),
}


def code(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, name=None, limits=limits)
    return caught.value.code


def patched(data: bytes, where: int, new: bytes) -> bytes:
    return data[:where] + new + data[where + len(new) :]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_files_cut_short_give_one_clear_error(name: str, share: float) -> None:
    assert code(FILES[name][: max(20, int(len(FILES[name]) * share))]) in ("image.truncated", "image.damaged")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("TIFF")])
def test_files_that_lack_their_last_bytes_are_said_to_be_incomplete(name: str) -> None:
    for missing in (1, 2, 7, 30):
        assert code(FILES[name][:-missing]) == "image.truncated"


@pytest.mark.parametrize("name", FILES)
def test_a_walk_stops_when_time_runs_out(name: str) -> None:
    kind = {"JP2": "JPEG 2000", "J2K": "JPEG 2000"}.get(name.split(maxsplit=1)[0], name.split(maxsplit=1)[0])
    data = FILES[name] if "TIFF" not in name else saved(picture(), "TIFF", save_all=True, append_images=[picture()])
    ticks = itertools.count(0, 6.0)
    with pytest.raises(ImageError) as caught:
        read_container(data, kind, Deadline.after(1, lambda: next(ticks)))
    assert caught.value.code == "image.too-slow"


@pytest.mark.parametrize("name", FILES)
def test_no_byte_can_be_changed_into_a_crash(name: str) -> None:
    data = FILES[name]
    step = max(1, len(data) // 150)
    for where, value in itertools.product(range(0, len(data), step), (0x00, 0xFF)):
        with contextlib.suppress(ImageError):
            found = decode(patched(data, where, bytes([value])), name=None, limits=Limits(max_pixels=10**6))
            assert found.pixels.shape == (found.height, found.width, 3)


class TestTiff:
    def test_an_attack_by_a_directory_that_follows_itself(self) -> None:
        plain = tiff(rgb_tags(), gradient().tobytes())
        (at,) = struct.unpack_from("<I", plain, 4)
        assert code(tiff(rgb_tags(), gradient().tobytes(), following=at)) == "image.damaged"

    def test_an_attack_by_two_directories_that_follow_each_other(self) -> None:
        first, second = 8, 8 + 18
        body = struct.pack("<HHHII", 1, 254, 4, 1, 0) + struct.pack("<I", second)
        body += struct.pack("<HHHII", 1, 254, 4, 1, 0) + struct.pack("<I", first)
        assert code(tiff(rgb_tags(start=60), body.ljust(52) + gradient().tobytes(), following=first)) == "image.damaged"

    def test_an_attack_by_a_hundred_thousand_pages(self) -> None:
        size = 18
        pages = b"".join(
            struct.pack("<HHHII", 1, 254, 4, 1, 0) + struct.pack("<I", 8 + size * (i + 1)) for i in range(20_000)
        )
        start = 8 + len(pages) + size
        body = pages + struct.pack("<HHHIII", 1, 254, 4, 1, 0, 0) + gradient().tobytes()
        assert MAX_PARTS < 20_000
        assert code(tiff(rgb_tags(start=start), body, following=8)) == "image.too-many-parts"

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({256: (4, [0])}, "image.damaged"),
            ({257: (4, [2**31])}, "image.damaged"),
            ({256: (4, [2**20]), 257: (4, [2**20])}, "image.damaged"),
            ({273: (4, [2**31])}, "image.truncated"),
            ({279: (4, [2**32 - 1])}, "image.truncated"),
            ({279: (4, [10])}, "image.damaged"),
            ({278: (4, [1])}, "image.damaged"),
            ({273: (4, []), 279: (4, [])}, "image.damaged"),
            ({322: (4, [60_000]), 323: (4, [60_000]), 324: (4, [8]), 325: (4, [9216])}, "image.damaged"),
            ({322: (4, [0]), 323: (4, [16]), 324: (4, [8]), 325: (4, [9216])}, "image.damaged"),
        ],
        ids=[
            *("no-width", "too-high", "too-large", "strip-outside", "strip-endless", "strip-short", "strips-missing"),
            *("no-strips", "huge-tile", "no-tile"),
        ],
    )
    def test_pieces_that_are_not_where_they_should_be(self, changed: dict[int, object], expected: str) -> None:
        assert code(tiff(rgb_tags() | changed, gradient().tobytes())) == expected

    def test_more_pixels_than_allowed_are_refused_from_the_header(self) -> None:
        tags = rgb_tags(10_000, 10_000) | {259: (3, [5]), 279: (4, [100])}
        assert code(tiff(tags, bytes(100))) == "image.too-many-pixels"

    def test_a_directory_that_lies_outside(self) -> None:
        assert code(patched(FILES["TIFF"], 4, struct.pack("<I", 2**31))) == "image.truncated"

    def test_no_further_directory_reaches_a_decoder(self) -> None:
        exif = rgb_tags() | {34665: (4, [8]), 330: (4, [8]), 700: (1, [0] * 5000), 37500: (1, [7] * 100)}
        walked = read_container(tiff(exif, gradient().tobytes(), following=0), "TIFF", Deadline.after(10))
        from PIL.TiffImagePlugin import TiffImageFile

        tags = TiffImageFile(io.BytesIO(walked.drawn)).tag_v2
        assert set(tags) == set(rgb_tags())


class TestGif:
    def test_an_attack_by_more_pictures_than_anybody_draws(self) -> None:
        plain = FILES["GIF"]
        frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
        assert code(plain[:-1] + frame * (MAX_PARTS + 1) + b";") == "image.too-many-parts"

    def test_a_canvas_beyond_the_limit(self) -> None:
        assert code(patched(FILES["GIF"], 6, b"\xff\xff\xff\xff")) == "image.too-many-pixels"

    def test_a_picture_beyond_the_limit(self) -> None:
        where = FILES["GIF"].index(b"\x2c" + bytes(4)) + 5
        assert code(patched(FILES["GIF"], where, b"\xff\xff\xff\xff")) == "image.too-many-pixels"

    def test_without_any_picture(self) -> None:
        assert code(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;") == "image.damaged"


class TestBmp:
    @pytest.mark.parametrize(
        ("where", "new", "expected"),
        [
            (10, bytes(4), "image.damaged"),
            (10, b"\xff\xff\xff\x7f", "image.truncated"),
            (18, bytes(4), "image.damaged"),
            (18, b"\xff\xff\xff\xff", "image.damaged"),
            (18, b"\xff\xff\x00\x00", "image.truncated"),
            (28, b"\x05\x00", "image.damaged"),
            (30, b"\x01\x00\x00\x00", "image.damaged"),
            (30, b"\x09\x00\x00\x00", "image.variant-not-accepted"),
        ],
    )
    def test_headers_that_lie(self, where: int, new: bytes, expected: str) -> None:
        assert code(patched(FILES["BMP"], where, new)) == expected

    def test_an_attack_by_runs_without_end(self) -> None:
        header = b"BM" + bytes(8) + (54 + 1024).to_bytes(4, "little") + (40).to_bytes(4, "little")
        header += (6000).to_bytes(4, "little") * 2 + b"\x01\x00\x08\x00\x01\x00\x00\x00" + bytes(20) + bytes(1024)
        assert code(header + b"\x01\x00" * 2_000_000, Limits(max_seconds=0.5)) == "image.too-slow"


class TestWebp:
    def test_a_canvas_beyond_the_limit(self) -> None:
        header = b"VP8X" + struct.pack("<I", 10) + b"\x10\x00\x00\x00" + b"\xff\x3f\x00" * 2
        body = b"WEBP" + header + FILES["WebP"][12:]
        assert code(b"RIFF" + struct.pack("<I", len(body)) + body) == "image.too-many-pixels"

    def test_a_canvas_of_another_size_than_its_picture(self) -> None:
        header = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\x3f\x01\x00" * 2
        body = b"WEBP" + header + FILES["WebP"][12:]
        assert code(b"RIFF" + struct.pack("<I", len(body)) + body) == "image.damaged"

    def test_a_chunk_that_reaches_beyond_the_file(self) -> None:
        assert code(patched(FILES["WebP"], 16, b"\xff\xff\xff\x7f")) == "image.damaged"


class TestJpeg2000:
    def test_an_attack_by_sixty_thousand_tiles(self) -> None:
        where = FILES["J2K"].index(b"\xff\x51") + 4 + 2 + 16
        tiny = patched(FILES["J2K"], where, struct.pack(">II", 1, 1))
        wide = patched(tiny, where - 16, struct.pack(">II", 250, 250))
        assert code(wide) == "image.too-many-parts"

    def test_a_header_that_promises_another_picture(self) -> None:
        where = FILES["JP2"].index(b"ihdr") + 4
        assert code(patched(FILES["JP2"], where, struct.pack(">II", 5, 5))) == "image.damaged"

    def test_more_pixels_than_allowed(self) -> None:
        where = FILES["J2K"].index(b"\xff\x51") + 4 + 2
        assert code(patched(FILES["J2K"], where, struct.pack(">II", 60_000, 60_000))) in (
            "image.too-many-pixels",
            "image.too-many-parts",
        )

    def test_components_of_different_sizes(self) -> None:
        where = FILES["J2K"].index(b"\xff\x51") + 4 + 38 - 2
        assert FILES["J2K"][where : where + 3] == b"\x07\x01\x01"
        assert code(patched(FILES["J2K"], where + 4, b"\x02\x02")) == "image.variant-not-accepted"

    def test_a_tile_part_without_a_length_reaches_to_the_end(self) -> None:
        where = FILES["J2K"].index(b"\xff\x90") + 6
        found = decode(patched(FILES["J2K"], where, bytes(4)), name=None, limits=LIMITS)
        assert (found.width, found.height) == (WIDTH, HEIGHT)


def test_a_jpeg_of_twelve_bits_is_named_as_rare() -> None:
    plain = saved(picture(), "JPEG")
    assert code(patched(plain, plain.index(b"\xff\xc0") + 4, b"\x0c")) == "image.variant-not-accepted"


def test_pixels_are_bounded_for_every_format() -> None:
    for name, data in FILES.items():
        assert code(data, Limits(max_pixels=WIDTH * HEIGHT - 1)) == "image.too-many-pixels", name
        assert np.asarray(decode(data, name=None, limits=Limits(max_pixels=WIDTH * HEIGHT)).pixels).size


def test_memory_is_bounded_for_every_format_before_decoding() -> None:
    for name, data in FILES.items():
        assert code(data, Limits(max_decoded_bytes=WIDTH * HEIGHT)) == "image.too-much-memory", name
