"""Colours: profiles are honoured, printing colours converted, and damaged profiles ignored aloud."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.imaging.making import (
    cmyk_profile,
    distance,
    gradient,
    grey_profile,
    picture,
    rgb_profile,
    saved,
    srgb_profile,
)

from custodes.imaging import Limits, Note, decode
from custodes.imaging.containers.base import MAX_PROFILE_BYTES
from custodes.imaging.profile import UnusableProfileError, conversion

LIMITS = Limits()
KINDS = [
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("PNG", {}),
    ("TIFF", {}),
    ("WEBP", {"lossless": True}),
]


def expected_from_adobe_rgb(stored: np.ndarray) -> np.ndarray:
    """The same conversion by hand: gamma 2.2, both matrices over D50, the curve of IEC 61966-2-1."""
    from tests.imaging.making import ADOBE_RGB, SRGB

    linear = (stored / 255) ** 2.2
    xyz = linear @ np.array(ADOBE_RGB)
    rgb = np.clip(xyz @ np.linalg.inv(np.array(SRGB)), 0, 1)
    return 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


class TestProfiles:
    @pytest.mark.parametrize(("kind", "options"), KINDS)
    def test_another_profile_is_converted_to_srgb_and_said(self, kind: str, options: dict[str, object]) -> None:
        found = decode(saved(picture(), kind, icc_profile=rgb_profile(), **options), name=None, limits=LIMITS)
        plain = decode(saved(picture(), kind, **options), name=None, limits=LIMITS)
        assert found.notes == (Note.PROFILE_CONVERTED,)
        assert np.abs(found.pixels - expected_from_adobe_rgb(plain.pixels)).max() <= 2
        assert distance(found.pixels, plain.pixels) > 10

    @pytest.mark.parametrize(("kind", "options"), KINDS)
    def test_a_profile_that_is_srgb_changes_nothing(self, kind: str, options: dict[str, object]) -> None:
        found = decode(saved(picture(), kind, icc_profile=srgb_profile(), **options), name=None, limits=LIMITS)
        assert np.array_equal(found.pixels, decode(saved(picture(), kind, **options), name=None, limits=LIMITS).pixels)
        assert found.notes == ()

    @pytest.mark.parametrize(("kind", "options"), KINDS)
    @pytest.mark.parametrize(
        "profile",
        [
            b"not a profile",
            bytes(200),
            rgb_profile()[:300],
            cmyk_profile(),
            rgb_profile()[:36] + b"XXXX" + rgb_profile()[40:],
        ],
        ids=["text", "zeros", "cut", "for-other-colours", "no-signature"],
    )
    def test_a_profile_that_cannot_be_used_is_ignored_and_said(
        self, kind: str, options: dict[str, object], profile: bytes
    ) -> None:
        found = decode(saved(picture(), kind, icc_profile=profile, **options), name=None, limits=LIMITS)
        assert found.notes == (Note.PROFILE_IGNORED,)
        assert np.array_equal(found.pixels, decode(saved(picture(), kind, **options), name=None, limits=LIMITS).pixels)

    def test_a_profile_for_grey(self) -> None:
        found = decode(
            saved(Image.new("L", (8, 8), 128), "PNG", icc_profile=grey_profile(1.0)), name=None, limits=LIMITS
        )
        assert found.notes == (Note.GREY, Note.PROFILE_CONVERTED)
        assert np.abs(found.pixels.astype(int) - 188).max() <= 1

    def test_transparent_pixels_are_converted_before_they_are_laid_over_grey(self) -> None:
        image = picture("RGBA")
        image.paste((9, 9, 9, 0), (0, 0, 8, 8))
        found = decode(saved(image, "PNG", icc_profile=rgb_profile()), name=None, limits=LIMITS)
        assert np.unique(found.pixels[:8, :8]).tolist() == [128]
        assert np.abs(found.pixels[10:] - expected_from_adobe_rgb(gradient()[10:])).max() <= 2
        assert found.notes == (Note.PROFILE_CONVERTED, Note.ALPHA_COMPOSITED)

    def test_a_palette_with_a_profile(self) -> None:
        quantised = picture().quantize(8)
        found = decode(saved(quantised, "PNG", icc_profile=rgb_profile()), name=None, limits=LIMITS)
        assert found.notes == (Note.PALETTE_EXPANDED, Note.PROFILE_CONVERTED)

    def test_large_pictures_are_converted_in_strips_alike(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = saved(picture(), "PNG", icc_profile=rgb_profile())
        whole = decode(data, name=None, limits=LIMITS)
        monkeypatch.setattr("custodes.imaging.rgb._STRIP_PIXELS", 64 * 5)
        strips = decode(data, name=None, limits=LIMITS)
        assert np.array_equal(strips.pixels, whole.pixels)
        assert strips.notes == whole.notes

    def test_a_profile_in_a_bmp_is_honoured_and_a_link_to_one_is_not_followed(self) -> None:
        core = bytearray(saved(picture(), "BMP"))
        pixels = bytes(core[54:])
        for mark, note in ((b"DEBM", Note.PROFILE_CONVERTED), (b"KNIL", None)):
            header = bytearray(124)
            header[:40] = (124).to_bytes(4, "little") + core[18:54]
            header[56:60] = mark
            header[112:120] = struct.pack("<II", 124 + len(pixels), len(rgb_profile()))
            start = (14 + 124).to_bytes(4, "little")
            data = b"BM" + bytes(8) + start + bytes(header) + pixels + rgb_profile()
            found = decode(data, name=None, limits=LIMITS)
            assert found.notes == ((note,) if note else (Note.TRAILING_DATA,))

    def test_a_profile_in_a_jpeg_2000(self) -> None:
        data = saved(picture(), "JPEG2000", irreversible=False)
        at = data.index(b"colr") - 4
        (length,) = struct.unpack_from(">I", data, at)
        profile = rgb_profile()
        colr = struct.pack(">I", 11 + len(profile)) + b"colr\x02\x00\x00" + profile
        header_at = data.index(b"jp2h") - 4
        (header,) = struct.unpack_from(">I", data, header_at)
        grown = struct.pack(">I", header + len(colr) - length)
        changed = data[:header_at] + grown + data[header_at + 4 : at] + colr + data[at + length :]
        found = decode(changed, name=None, limits=LIMITS)
        assert found.notes == (Note.PROFILE_CONVERTED,)
        assert np.abs(found.pixels - expected_from_adobe_rgb(gradient())).max() <= 2


class TestJpegProfileParts:
    def parts(self, *parts: tuple[int, int, bytes]) -> bytes:
        plain = saved(picture(), "JPEG", quality=95, subsampling=0)
        segments = b"".join(
            b"\xff\xe2" + struct.pack(">H", 16 + len(part)) + b"ICC_PROFILE\x00" + bytes([number, count]) + part
            for number, count, part in parts
        )
        return plain[:2] + segments + plain[2:]

    def test_parts_in_any_order_are_put_together(self) -> None:
        profile = rgb_profile()
        whole = decode(self.parts((1, 1, profile)), name=None, limits=LIMITS)
        split = decode(self.parts((2, 2, profile[200:]), (1, 2, profile[:200])), name=None, limits=LIMITS)
        assert np.array_equal(whole.pixels, split.pixels)
        assert split.notes == (Note.PROFILE_CONVERTED,)

    @pytest.mark.parametrize("numbers", [[(1, 2)], [(1, 1), (1, 1)], [(0, 1)], [(3, 2)], [(1, 2), (2, 3)]], ids=str)
    def test_parts_that_are_missing_or_come_twice(self, numbers: list[tuple[int, int]]) -> None:
        parts = [(number, count, rgb_profile()) for number, count in numbers]
        assert decode(self.parts(*parts), name=None, limits=LIMITS).notes == (Note.PROFILE_IGNORED,)

    def test_an_attack_by_a_profile_of_sixteen_megabytes(self) -> None:
        parts = [(number, 255, bytes(65_500)) for number in range(1, 256)]
        found = decode(self.parts(*parts), name=None, limits=LIMITS)
        assert sum(len(part) for _, _, part in parts) > MAX_PROFILE_BYTES
        assert found.notes == (Note.PROFILE_IGNORED,)


def test_an_attack_by_a_compressed_profile_that_unpacks_to_a_gigabyte() -> None:
    from tests.imaging.test_decode import chunk

    png = saved(picture(), "PNG")
    bomb = chunk(b"iCCP", b"x\x00\x00" + zlib.compress(bytes(50_000_000)))
    found = decode(png[:33] + bomb + png[33:], name=None, limits=LIMITS)
    assert found.notes == (Note.PROFILE_IGNORED,)
    assert np.array_equal(found.pixels, gradient())


@pytest.mark.parametrize("wide", [bytes([9, 16, 0, 1]), bytes([12, 13, 0, 1]), bytes([1, 18, 0, 1])])
def test_a_png_in_the_colours_of_television_says_that_they_are_not_applied(wide: bytes) -> None:
    from tests.imaging.test_decode import chunk

    png = saved(picture(), "PNG")
    assert decode(png[:33] + chunk(b"cICP", wide) + png[33:], name=None, limits=LIMITS).notes == (Note.PROFILE_IGNORED,)
    ordinary = chunk(b"cICP", bytes([1, 13, 0, 1]))
    assert decode(png[:33] + ordinary + png[33:], name=None, limits=LIMITS).notes == ()


class TestPrintingColours:
    def stored(self, *inks: int) -> bytes:
        return saved(Image.new("CMYK", (16, 16), inks), "JPEG", quality=100)

    @pytest.mark.parametrize(
        ("inks", "colour"),
        [((0, 0, 0, 0), (255, 255, 255)), ((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0))],
    )
    def test_adobes_inverted_inks_come_out_right(self, inks: tuple[int, ...], colour: tuple[int, ...]) -> None:
        found = decode(self.stored(*inks), name=None, limits=LIMITS)
        assert np.abs(found.pixels[8, 8].astype(int) - colour).max() <= 3
        assert found.notes == (Note.CMYK_CONVERTED,)

    def test_inks_stored_as_brightness_and_colour(self) -> None:
        """YCCK: three of the four are stored as luminance and two differences; Adobe's marker says so by a 2."""
        data = bytearray(self.stored(0, 0, 0, 0))
        where = data.index(b"Adobe") + 11
        data[where] = 2
        found = decode(bytes(data), name=None, limits=LIMITS)
        # stored 255 each: Y, Cb, Cr of 255 are red 433, green 121, blue 480 before clipping, so that the inks,
        # inverted twice, are (255, 121, 255, 0), which is a green
        assert np.abs(found.pixels[8, 8].astype(int) - (0, 134, 0)).max() <= 3
        assert found.notes == (Note.CMYK_CONVERTED,)

    def test_a_tiff_of_inks(self) -> None:
        found = decode(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "TIFF"), name=None, limits=LIMITS)
        assert found.pixels[8, 8].tolist() == [255, 0, 0]
        assert found.notes == (Note.CMYK_CONVERTED,)

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_the_profile_of_a_press_is_honoured(self, kind: str) -> None:
        for inks, grey in (((0, 0, 0, 0), 255), ((255, 255, 255, 255), 0)):
            options = {"quality": 100} if kind == "JPEG" else {}
            data = saved(Image.new("CMYK", (16, 16), inks), kind, icc_profile=cmyk_profile(), **options)
            found = decode(data, name=None, limits=LIMITS)
            assert np.abs(found.pixels.astype(int) - grey).max() <= 3
            assert found.notes == (Note.CMYK_CONVERTED, Note.PROFILE_CONVERTED)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_of_another_kind_of_colour_is_unusable(mode: str) -> None:
    profiles = {"RGB": rgb_profile(), "L": grey_profile(), "CMYK": cmyk_profile()}
    conversion(profiles[mode], mode)
    for other in set(profiles) - {mode}:
        with pytest.raises(UnusableProfileError):
            conversion(profiles[other], mode)
