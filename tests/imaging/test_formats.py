"""Every format, from files that other encoders made: what was stored comes back, and what was done is said."""

from __future__ import annotations

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.imaging.making import CORPUS, HEIGHT, WIDTH, distance, gradient, picture, rgb_tags, saved, tiff

from custodes.errors import ImageError
from custodes.imaging import Limits, Note, decode

LIMITS = Limits()
OPENCV = {
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WebP",
    ".jp2": "JPEG 2000",
    ".gif": "GIF",
}


def by_opencv(suffix: str, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(gradient(), cv2.COLOR_RGB2BGR), list(options))
    assert done
    return data.tobytes()


@pytest.mark.parametrize("suffix", OPENCV)
def test_what_opencv_writes_is_decoded(suffix: str) -> None:
    found = decode(by_opencv(suffix), name=f"a{suffix}", limits=LIMITS)
    assert (found.format, found.width, found.height, found.frames) == (OPENCV[suffix], WIDTH, HEIGHT, 1)
    assert np.abs(found.pixels.astype(int) - gradient()).mean() < (20 if suffix == ".gif" else 8)


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("TIFF", {}, "a.tif"),
        ("TIFF", {"compression": "tiff_lzw"}, "a.TIFF"),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, "a.tif"),
        ("TIFF", {"compression": "packbits"}, "a.tif"),
        ("TIFF", {"big_tiff": True}, "a.tif"),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 400}, "a.tif"),
        ("BMP", {}, "a.bmp"),
        ("WEBP", {"lossless": True}, "a.webp"),
        ("JPEG2000", {"irreversible": False}, "a.jp2"),
        ("JPEG2000", {"irreversible": False, "no_jp2": True}, "a.j2k"),
        ("JPEG2000", {"irreversible": False, "tile_size": (32, 32)}, "a.jpx"),
    ],
)
def test_lossless_files_come_back_exactly_and_nothing_was_done_to_them(
    kind: str, options: dict[str, object], name: str
) -> None:
    found = decode(saved(picture(), kind, **options), name=name, limits=LIMITS)
    assert np.array_equal(found.pixels, gradient())
    assert (found.notes, found.orientation, found.trailing_bytes) == ((), 1, 0)


@pytest.mark.parametrize(
    ("kind", "options"), [("TIFF", {"compression": "jpeg", "quality": 95}), ("WEBP", {"quality": 90}), ("JPEG2000", {})]
)
def test_lossy_files_come_back_nearly(kind: str, options: dict[str, object]) -> None:
    assert distance(decode(saved(picture(), kind, **options), name=None, limits=LIMITS).pixels, gradient()) < 24


class TestGrey:
    @pytest.mark.parametrize("kind", ["TIFF", "BMP", "GIF", "JPEG2000", "PNG", "JPEG"])
    def test_grey_is_said(self, kind: str) -> None:
        found = decode(saved(Image.new("L", (16, 8), 77), kind), name=None, limits=LIMITS)
        assert np.unique(found.pixels).tolist() == [77]
        assert Note.GREY in found.notes or kind == "GIF"

    @pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG"])
    def test_one_bit(self, kind: str) -> None:
        found = decode(saved(picture().convert("1"), kind), name=None, limits=LIMITS)
        assert np.array_equal(found.pixels, np.asarray(picture().convert("1").convert("RGB")))

    def test_white_that_is_stored_as_zero(self) -> None:
        tags = rgb_tags() | {258: (3, [8]), 262: (3, [0]), 277: (3, [1]), 279: (4, [WIDTH * HEIGHT])}
        found = decode(tiff(tags, bytes(WIDTH * HEIGHT)), name=None, limits=LIMITS)
        assert np.unique(found.pixels).tolist() == [255]


class TestDepth:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("JPEG2000", {"irreversible": False})],
    )
    def test_sixteen_bits_of_grey_are_scaled_and_said(self, kind: str, options: dict[str, object]) -> None:
        ramp = np.linspace(0, 65535, WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH)
        found = decode(saved(Image.fromarray(ramp), kind, **options), name=None, limits=LIMITS)
        assert distance(found.pixels[:, :, 0], ramp >> 8) <= 1
        assert np.abs(found.pixels[:, :, 0] - ramp / 257).max() <= 1
        assert found.notes == (Note.GREY, Note.DEPTH_REDUCED)

    @pytest.mark.parametrize("suffix", [".png", ".tiff", ".jp2"])
    def test_sixteen_bits_of_colour_are_scaled_and_said(self, suffix: str) -> None:
        wide = cv2.cvtColor(gradient(), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
        options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == ".jp2" else []
        data = cv2.imencode(suffix, wide, options)[1].tobytes()
        found = decode(data, name=None, limits=LIMITS)
        assert distance(found.pixels, gradient()) <= (1 if suffix == ".jp2" else 0)
        assert found.notes == (Note.DEPTH_REDUCED,)

    @pytest.mark.parametrize("channels", [3, 4])
    def test_an_attack_on_faces_by_deep_white_that_a_decoder_turns_black(self, channels: int) -> None:
        """Pillow 13 rounds the brightest 16-bit values of a JPEG 2000 up to 256, which is 0."""
        ramp = np.linspace(65_000, 65_535, 64 * 64 * channels).astype(np.uint16).reshape(64, 64, channels)
        if channels == 4:
            ramp[:, :, 3] = 65_535
        data = cv2.imencode(".jp2", ramp, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])[1].tobytes()
        assert decode(data, name=None, limits=LIMITS).pixels.min() >= 252

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("photometric", [0, 1])
    def test_sixteen_bits_in_either_byte_order_and_either_polarity(self, order: str, photometric: int) -> None:
        ramp = np.linspace(0, 65535, WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH)
        tags = rgb_tags() | {258: (3, [16]), 262: (3, [photometric]), 277: (3, [1]), 279: (4, [WIDTH * HEIGHT * 2])}
        found = decode(tiff(tags, ramp.astype(f"{order}u2").tobytes(), order=order), name=None, limits=LIMITS)
        expected = ramp >> 8 if photometric else 255 - (ramp >> 8)
        assert np.array_equal(found.pixels[:, :, 0], expected)

    def test_a_transparent_shade_of_sixteen_bits(self) -> None:
        wide = np.full((8, 8), 1000, np.uint16)
        wide[:, :4] = 50_000
        found = decode(saved(Image.fromarray(wide), "PNG", transparency=1000), name=None, limits=LIMITS)
        assert (found.pixels[0, 0, 0], found.pixels[0, 7, 0]) == (50_000 >> 8, 128)
        assert Note.ALPHA_COMPOSITED in found.notes


class TestTransparency:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("PNG", {}),
            ("TIFF", {}),
            ("WEBP", {"lossless": True, "exact": True}),
            ("JPEG2000", {"irreversible": False}),
        ],
    )
    def test_transparent_parts_are_laid_over_grey_and_it_is_said(self, kind: str, options: dict[str, object]) -> None:
        image = picture("RGBA")
        image.paste((255, 0, 0, 0), (0, 0, 16, HEIGHT))
        found = decode(saved(image, kind, **options), name=None, limits=LIMITS)
        assert np.unique(found.pixels[:, :16]).tolist() == [128]
        assert np.array_equal(found.pixels[:, 16:], gradient()[:, 16:])
        assert found.notes == (Note.ALPHA_COMPOSITED,)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_half_transparent_is_half_grey(self, kind: str) -> None:
        found = decode(saved(Image.new("RGBA", (4, 4), (255, 0, 0, 128)), kind), name=None, limits=LIMITS)
        assert np.abs(found.pixels[0, 0].astype(int) - (192, 64, 64)).max() <= 1

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_a_channel_without_any_transparency_is_nothing_to_speak_of(self, kind: str) -> None:
        assert decode(saved(picture("RGBA"), kind), name=None, limits=LIMITS).notes == ()

    def test_colours_that_were_multiplied_by_their_transparency(self) -> None:
        tags = rgb_tags(4, 4) | {258: (3, [8] * 4), 277: (3, [4]), 338: (3, [1]), 279: (4, [64])}
        found = decode(tiff(tags, bytes([100, 50, 0, 128]) * 16), name=None, limits=LIMITS)
        assert np.abs(found.pixels[0, 0].astype(int) - (164, 114, 64)).max() <= 2

    def test_a_transparent_gif(self) -> None:
        image = Image.new("P", (8, 8), 1)
        image.putpalette([0, 0, 0, 9, 99, 199])
        image.paste(0, (0, 0, 8, 4))
        found = decode(saved(image, "GIF", transparency=0), name=None, limits=LIMITS)
        assert (found.pixels[0, 0].tolist(), found.pixels[7, 7].tolist()) == ([128] * 3, [9, 99, 199])
        assert found.notes == (Note.PALETTE_EXPANDED, Note.ALPHA_COMPOSITED)


class TestPalette:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
    def test_a_palette_is_expanded_and_said(self, kind: str) -> None:
        quantised = picture().quantize(16)
        found = decode(saved(quantised, kind), name=None, limits=LIMITS)
        assert np.array_equal(found.pixels, np.asarray(quantised.convert("RGB")))
        assert found.notes == (Note.PALETTE_EXPANDED,)


class TestSeveralPictures:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
    )
    def test_the_first_of_several_is_used_and_it_is_said(self, kind: str, options: dict[str, object]) -> None:
        others = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "lime")]
        data = saved(picture(), kind, save_all=True, append_images=others, **options)
        found = decode(data, name=None, limits=LIMITS)
        assert found.frames == 3
        assert Note.FIRST_FRAME in found.notes
        assert "3" in str(found.sentences()[0])
        assert distance(found.pixels, gradient()) < 40

    def test_an_animation_whose_first_picture_does_not_fill_its_canvas(self) -> None:
        data = bytearray(saved(Image.new("RGB", (8, 8), (10, 200, 30)), "GIF"))
        data[6:10] = (20).to_bytes(2, "little") + (12).to_bytes(2, "little")
        assert decode(bytes(data), name=None, limits=LIMITS).pixels.shape == (12, 20, 3)

    def test_a_first_picture_that_is_larger_than_its_canvas(self) -> None:
        data = bytearray(saved(Image.new("RGB", (8, 8), (10, 200, 30)), "GIF"))
        data[6:10] = bytes(4)
        assert decode(bytes(data), name=None, limits=LIMITS).pixels.shape == (8, 8, 3)

    def test_smaller_copies_in_a_tiff_are_not_counted(self) -> None:
        pages = [picture(), picture().resize((8, 6))]
        out = io.BytesIO()
        pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
        data = bytearray(out.getvalue())
        assert decode(bytes(data), name=None, limits=LIMITS).frames == 2
        out = io.BytesIO()
        pages[1].encoderinfo = {"tiffinfo": {254: 1}}
        pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
        assert decode(out.getvalue(), name=None, limits=LIMITS).frames == 1


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(2, 9))
    @pytest.mark.parametrize("kind", ["TIFF", "WEBP", "PNG"])
    def test_every_format_that_states_it_is_turned_upright(self, kind: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options: dict[str, object] = {"exif": exif} | ({"lossless": True} if kind == "WEBP" else {})
        data = saved(picture(), kind, **options)
        found = decode(data, name=None, limits=LIMITS)
        reference = saved(picture(), "PNG", exif=exif)
        from PIL.ImageOps import exif_transpose

        assert np.array_equal(found.pixels, np.asarray(exif_transpose(Image.open(io.BytesIO(reference)))))
        assert found.orientation == orientation
        assert found.notes == (Note.TURNED,)


class TestTiffVariants:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("big", [False, True])
    def test_both_byte_orders_and_both_sizes(self, order: str, big: bool) -> None:
        tags = rgb_tags(start=16 if big else 8)
        if big:
            tags |= {273: (16, [16]), 279: (16, [WIDTH * HEIGHT * 3])}
        data = tiff(tags, gradient().tobytes(), order=order, big=big)
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, gradient())

    def test_planes_one_after_the_other(self) -> None:
        size = WIDTH * HEIGHT
        tags = rgb_tags() | {273: (4, [8, 8 + size, 8 + 2 * size]), 279: (4, [size] * 3), 284: (3, [2])}
        data = tiff(tags, gradient().transpose(2, 0, 1).tobytes())
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, gradient())

    def test_tiles(self) -> None:
        padded = np.zeros((48, 64, 3), np.uint8)
        padded[:HEIGHT, :WIDTH] = gradient()
        tiles = [padded[y : y + 16, x : x + 16] for y in range(0, 48, 16) for x in range(0, 64, 16)]
        tags = {tag: value for tag, value in rgb_tags().items() if tag not in (273, 278, 279)}
        tags |= {322: (3, [16]), 323: (3, [16])}
        tags |= {324: (4, [8 + 768 * i for i in range(12)]), 325: (4, [768] * 12)}
        data = tiff(tags, b"".join(tile.tobytes() for tile in tiles))
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, gradient())

    @pytest.mark.parametrize(
        "changed",
        [
            {259: (3, [50000])},
            {259: (3, [6])},
            {259: (3, [4])},
            {262: (3, [8])},
            {258: (3, [32, 32, 32])},
            {339: (3, [3])},
            {277: (3, [200])},
            {50706: (1, [1, 4, 0, 0])},
        ],
        ids=["zstd", "old-jpeg", "fax", "lab", "32-bits", "floating-point", "200-samples", "camera-raw"],
    )
    def test_ways_to_store_pixels_that_nobody_photographs_people_in(self, changed: dict[int, object]) -> None:
        with pytest.raises(ImageError) as caught:
            decode(tiff(rgb_tags() | changed, gradient().tobytes()), name=None, limits=LIMITS)
        assert caught.value.code == "image.variant-not-accepted"
        assert "TIFF" in str(caught.value.what)


class TestBmpVariants:
    @pytest.mark.parametrize("depth", [4, 8])
    def test_run_lengths(self, depth: int) -> None:
        rows = b"".join(bytes([8, value, 0, 0]) for value in (0x11, 0x22)) + b"\x00\x01"
        palette = b"".join(bytes([i * 10 % 256, i * 5 % 256, i, 0]) for i in range(1 << depth))
        offset = 54 + len(palette)
        header = b"BM" + (offset + len(rows)).to_bytes(4, "little") + bytes(4) + offset.to_bytes(4, "little")
        header += (40).to_bytes(4, "little") + (8).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"\x01\x00"
        header += depth.to_bytes(2, "little") + (1 if depth == 8 else 2).to_bytes(4, "little") + bytes(20)
        pixels = decode(header + palette + rows, name="a.bmp", limits=LIMITS).pixels
        first, second = (0x11, 0x22) if depth == 8 else (1, 2)
        assert pixels[1, 0].tolist() == [first, first * 5, first * 10 % 256]
        assert pixels[0, 7].tolist() == [second, second * 5, second * 10 % 256]

    @pytest.mark.parametrize(
        ("depth", "masks", "value", "colour"),
        [
            (16, (0xF800, 0x7E0, 0x1F), 0xF800 | 0x20 << 5, (255, 130, 0)),
            (16, (0x7C00, 0x3E0, 0x1F), 0x7C00 | 0x10 << 5, (255, 132, 0)),
            (32, (0xFF0000, 0xFF00, 0xFF), 0x00FF8000, (255, 128, 0)),
        ],
        ids=["5-6-5", "5-5-5", "8-8-8"],
    )
    def test_fields_of_bits(self, depth: int, masks: tuple[int, ...], value: int, colour: tuple[int, ...]) -> None:
        row = value.to_bytes(depth // 8, "little") * 4
        header = b"BM" + bytes(8) + (66).to_bytes(4, "little") + (40).to_bytes(4, "little")
        header += (4).to_bytes(4, "little") * 2 + b"\x01\x00" + depth.to_bytes(2, "little") + b"\x03\x00\x00\x00"
        header += bytes(20) + b"".join(mask.to_bytes(4, "little") for mask in masks)
        pixels = decode(header + row * 4, name="a.bmp", limits=LIMITS).pixels
        assert np.abs(pixels.astype(int) - colour).max() <= 1

    def test_a_bmp_with_transparency(self) -> None:
        image = Image.new("RGBA", (8, 8), (250, 0, 0, 255))
        image.paste((0, 0, 0, 0), (0, 0, 8, 4))
        data = bytearray(saved(image, "BMP"))
        found = decode(bytes(data), name=None, limits=LIMITS)
        assert found.pixels[7, 7].tolist() == [250, 0, 0]

    def test_rows_from_the_top(self) -> None:
        data = bytearray(saved(picture(), "BMP"))
        data[22:26] = (-HEIGHT).to_bytes(4, "little", signed=True)
        assert np.array_equal(decode(bytes(data), name=None, limits=LIMITS).pixels, gradient()[::-1])

    def test_a_jpeg_inside_of_a_bmp(self) -> None:
        data = bytearray(saved(picture(), "BMP"))
        data[30] = 4
        with pytest.raises(ImageError) as caught:
            decode(bytes(data), name=None, limits=LIMITS)
        assert caught.value.code == "image.variant-not-accepted"


class TestHeic:
    @pytest.fixture(autouse=True)
    def _installed(self, skip_or_fail) -> None:
        from custodes.imaging.containers.heic import is_installed

        if not is_installed():
            skip_or_fail("pi-heif is not installed")

    @pytest.mark.parametrize(
        ("name", "notes", "most"),
        [
            ("plain", (), 24),
            ("ten-bits", (Note.DEPTH_REDUCED,), 24),
            ("turned", (), 40),
            ("grey", (Note.GREY,), None),
            ("display-p3", (Note.PROFILE_CONVERTED,), None),
            ("hlg", (Note.PROFILE_IGNORED,), None),
            ("alpha", (Note.ALPHA_COMPOSITED,), None),
            ("three", (Note.MAIN_PICTURE,), None),
        ],
    )
    def test_what_pillow_heif_wrote_is_decoded(self, name: str, notes: tuple[Note, ...], most: int | None) -> None:
        found = decode((CORPUS / "heic" / f"{name}.heic").read_bytes(), name="IMG_0001.HEIC", limits=LIMITS)
        pixels = found.pixels if name != "turned" else np.rot90(found.pixels)
        assert (found.format, pixels.shape, found.notes) == ("HEIC", (HEIGHT, WIDTH, 3), notes)
        if most is not None:
            assert distance(pixels, gradient()) < most

    def test_the_main_picture_of_three_is_used(self) -> None:
        found = decode((CORPUS / "heic" / "three.heic").read_bytes(), name=None, limits=LIMITS)
        assert found.frames == 3
        assert distance(found.pixels, 255 - gradient()) < 24

    def test_transparency_is_laid_over_grey(self) -> None:
        pixels = decode((CORPUS / "heic" / "alpha.heic").read_bytes(), name=None, limits=LIMITS).pixels
        assert np.abs(pixels[:, :12].astype(int) - 128).max() < 8

    @pytest.mark.parametrize("missing", [1, 40, 200])
    def test_cut_short(self, missing: int) -> None:
        with pytest.raises(ImageError) as caught:
            decode((CORPUS / "heic" / "plain.heic").read_bytes()[:-missing], name=None, limits=LIMITS)
        assert caught.value.code == "image.truncated"

    def test_a_short_film_behind_it(self) -> None:
        data = (CORPUS / "heic" / "plain.heic").read_bytes()
        found = decode(data + b"\x00\x01\x02\x03tail of another program", name=None, limits=LIMITS)
        assert found.trailing_bytes > 0
        assert found.notes == (Note.TRAILING_DATA,)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custodes.imaging.containers.heic.is_installed", lambda: False)
    with pytest.raises(ImageError) as caught:
        decode((CORPUS / "heic" / "plain.heic").read_bytes(), name="a.heic", limits=LIMITS)
    assert caught.value.code == "image.format-not-installed"
    assert "custodes[heif]" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.heic"])
@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "JPEG2000"])
def test_a_name_that_says_another_format(kind: str, name: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(saved(picture(), kind), name=name, limits=LIMITS)
    assert caught.value.code == "image.wrong-extension"


def test_only_the_decoder_of_the_named_format_is_loaded() -> None:
    """A file may name any format in any place but its first bytes: Pillow's own search for a decoder is not used."""
    import subprocess

    script = (
        "import io, sys; from custodes.imaging import Limits, decode;"
        "from custodes.imaging.worker.samples import SAMPLES;"
        "decode(SAMPLES['BMP'], name=None, limits=Limits());"
        "from PIL import Image; print(sorted(Image.OPEN))"
    )
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "BMP" in listed.stdout
    assert not {"'PSD'", "'EPS'", "'FLI'", "'TIFF'", "'WEBP'"} & set(listed.stdout.strip("[]\n").split(", "))
