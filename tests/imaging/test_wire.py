"""What crosses between parent and worker: nothing is believed that was not checked (SEC-05)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.imaging.hostile import HONEST, LIES

from custodes.imaging import Limits, Measure, Note, faults
from custodes.imaging.sniff import FORMATS
from custodes.imaging.worker.wire import (
    FRAME,
    Header,
    Kind,
    Request,
    Task,
    believable,
    fault_in,
    measures_in,
    number_in,
    packed_fault,
    packed_number,
    places,
)

REQUEST = Request(Task.DECODE, "gif", 100, Limits())


def test_a_request_survives_the_journey() -> None:
    request = Request(Task.PREVIEW, "jpeg", 12345, Limits(1, 2, 3.5, 4), 640)
    assert Request.unpacked(request.packed()) == request
    assert len(request.packed()) == FRAME


@pytest.mark.parametrize("suffix", ["", "é" * 40, "\ud800", "a" * 500])
def test_a_request_of_any_name_fits(suffix: str) -> None:
    assert len(Request(Task.DECODE, suffix, 1, Limits()).packed()) == FRAME


def test_an_honest_header_is_believed() -> None:
    assert believable(LIES["honest"][1:], REQUEST, "GIF") == HONEST


@pytest.mark.parametrize("lie", [lie for lie, frame in LIES.items() if frame[0] == Kind.DRAWN and lie != "honest"])
def test_a_header_that_lies_is_not_believed(lie: str) -> None:
    assert believable(LIES[lie][1:], REQUEST, "GIF") is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_header_says_how_the_picture_was_turned(orientation: int) -> None:
    size = (4, 2) if orientation < 5 else (2, 4)
    header = Header("GIF", *size, 4, 2, orientation, 3, 7, tuple(Note))
    assert believable(header.packed()[1:], REQUEST, "GIF") == header


def test_a_preview_must_be_as_small_as_it_was_asked_for() -> None:
    small = Header("GIF", 8, 4, 800, 400, 6, 0, 1, ()).packed()[1:]
    assert believable(small, Request(Task.PREVIEW, "", 100, Limits(), 8), "GIF") is not None
    assert believable(small, Request(Task.PREVIEW, "", 100, Limits(), 7), "GIF") is None


@given(st.binary(min_size=FRAME, max_size=FRAME))
def test_random_bytes_are_never_a_picture_beyond_the_limits(body: bytes) -> None:
    for name in FORMATS:
        header = believable(body, REQUEST, name)
        assert header is None or header.width * header.height <= REQUEST.limits.max_pixels
    assert fault_in(body) is None or fault_in(body).code in faults.CODES


@pytest.mark.parametrize("lie", [lie for lie, frame in LIES.items() if frame[0] == Kind.FAULT])
def test_a_fault_that_is_none_is_not_believed(lie: str) -> None:
    assert fault_in(LIES[lie][1:]) is None


@pytest.mark.parametrize(
    "error",
    [
        faults.damaged(),
        faults.too_many_pixels(70_000, 70_000, 40_000_000),
        faults.wrong_extension("JPEG 2000"),
        faults.two_kinds("JPEG", "PDF"),
        faults.too_slow("0.5"),
    ],
    ids=lambda error: error.code,
)
def test_an_error_comes_back_with_all_its_sentences(error: faults.ImageError) -> None:
    found = fault_in(packed_fault(error)[1:])
    assert found is not None
    assert (found.code, found.values) == (error.code, error.values)
    assert (str(found.what), str(found.why), str(found.hint)) == (str(error.what), str(error.why), str(error.hint))


def test_every_code_can_cross() -> None:
    assert {code for code in faults.CODES if faults.rebuilt(code, {}) is not None} <= faults.CODES
    assert faults.rebuilt("image.too-many-scans", {"limit": 2**70}) is None
    assert faults.rebuilt("image.too-many-scans", {"limit": -1}) is None


def test_numbers_and_measures_survive_the_journey() -> None:
    assert number_in(packed_number(Kind.ROOM, 2**40)[1:]) == 2**40
    assert measures_in(0b100001) == {Measure.LIMITS, Measure.FEW_SYSTEM_CALLS}
    assert measures_in(0) == frozenset()
    assert all(measure.template for measure in Measure)


def test_file_and_pixels_have_each_their_place() -> None:
    at, size = places(Limits(max_bytes=5000, max_pixels=10))
    assert (at, size) == (8192, 12288)


def test_what_each_measure_does_and_what_its_absence_means_is_said_in_sentences_of_their_own() -> None:
    said = [sentence for measure in Measure for sentence in (measure.template, measure.absence)]
    assert len(set(said)) == 2 * len(Measure)
    assert all(sentence.endswith(".") for sentence in said)
