"""Files built to exhaust the machine, and files whose end was cut off (SEC-05)."""

from __future__ import annotations

import io
import threading
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from tests.imaging.test_decode import LIMITS, SIGNATURE, chunk, code, gradient, saved

from custodes.imaging import Limits, decode
from custodes.imaging.rgb import ToRgb
from custodes.imaging.room import SMALL_PIXELS, Room


def _header(width: int, height: int, depth: int, colour: int) -> bytes:
    content = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    return SIGNATURE + chunk(b"IHDR", content) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_an_attack_by_64_million_small_pixels_is_refused_by_default() -> None:
    assert code(_header(8000, 8000, 16, 6)) == "image.too-many-pixels"


@pytest.mark.parametrize(("depth", "colour"), [(16, 6), (16, 9)])
def test_an_attack_by_wide_pixels_is_refused_before_decoding(depth: int, colour: int) -> None:
    assert code(_header(6000, 6000, depth, colour)) == "image.too-much-memory"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_several_passes_needs_more_memory_than_a_plain_one(progressive: bool) -> None:
    data = saved(Image.fromarray(gradient()), "JPEG", progressive=progressive)
    limits = Limits(max_decoded_bytes=48 * 32 * 4)
    if progressive:
        assert code(data, limits=limits) == "image.too-much-memory"
    else:
        assert decode(data, name=None, limits=limits).width == 48


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "I;16", "RGB", "P"])
def test_strips_give_the_same_pixels_as_the_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.arange(48 * 32, dtype=np.uint16).reshape(32, 48) * 40)
    else:
        image = Image.fromarray(gradient()).convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image = image.convert("RGB").convert("P") if mode == "P" else image.convert(mode)
    if mode == "P":
        image.info["transparency"] = 3
    whole = ToRgb()(image)
    monkeypatch.setattr("custodes.imaging.rgb._STRIP_PIXELS", 48 * 5)
    assert np.array_equal(ToRgb()(image), whole)


def test_conversion_holds_little_beside_its_result() -> None:
    image = Image.new("RGBA", (3000, 3000))
    tracemalloc.start()
    try:
        pixels = ToRgb()(image)
        assert tracemalloc.get_traced_memory()[1] < 1.8 * pixels.nbytes
    finally:
        tracemalloc.stop()


def test_large_pictures_wait_for_room_and_small_ones_do_not() -> None:
    room, entered, leave = Room(2 * SMALL_PIXELS), threading.Event(), threading.Event()

    def second() -> None:
        with room.taken(2 * SMALL_PIXELS):
            entered.set()
            leave.wait(10)

    with room.taken(SMALL_PIXELS + 1):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.05)
        with room.taken(SMALL_PIXELS):
            pass
    assert entered.wait(10)
    leave.set()
    thread.join()


def test_a_picture_larger_than_all_room_is_let_in_alone_and_an_error_gives_its_room_back() -> None:
    room = Room(2 * SMALL_PIXELS)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"), room.taken(9 * SMALL_PIXELS):
            raise ValueError("broken")


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_scan_cut_short_and_closed_again_is_refused(mode: str, kept: float) -> None:
    """Decoders fill the rest with grey and only warn: pixels that nobody photographed."""
    noise = np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)
    data = saved(Image.fromarray(noise).convert(mode), "JPEG", quality=90)
    start = data.index(b"\xff\xda")
    cut = data[: start + int((len(data) - start) * kept)].rstrip(b"\xff") + b"\xff\xd9"
    assert code(cut) == "image.damaged"


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"optimize": True}])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (64, 48), (129, 65)])
@pytest.mark.parametrize("white", [True, False])
def test_whole_scans_are_not_refused_even_if_they_end_in_white(
    white: bool, size: tuple[int, int], options: dict[str, object]
) -> None:
    pixels = np.full((*size, 3), 255, np.uint8)
    if not white:
        pixels = np.random.default_rng(2).integers(0, 256, pixels.shape, np.uint8)
    for mode in ("RGB", "L"):
        data = saved(Image.fromarray(pixels).convert(mode), "JPEG", **options)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert np.array_equal(decode(data, name=None, limits=LIMITS).pixels, expected)


def test_an_attack_by_a_scan_of_stuffed_bytes_is_walked_within_the_time_limit() -> None:
    """The walk looks at the clock inside a scan too, and at every megabyte."""
    plain = saved(Image.fromarray(gradient()), "JPEG")
    bomb = plain[:-2] + b"\xff\x00" * 4_000_000 + b"\xff\xd9"
    ticks = iter(range(1000))
    assert code(bomb, limits=Limits(max_seconds=12), clock=lambda: float(next(ticks))) == "image.too-slow"
