"""The fake engine: pictures made on the spot behave as pictures of people should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from custodes.engine import FaceEngine, require_one_face
from custodes.engine.fake import FAKE_CONTRACT, FakeEngine, picture
from custodes.errors import FaceError
from custodes.imaging import Limits, decode
from custodes.types import Box, Face, Pixels

ENGINE = FakeEngine()


def pixels_of(*identities: int, **options: object) -> Pixels:
    return decode(picture(*identities, **options), name=None, limits=Limits()).pixels


def vector(identity: int, **options: object) -> np.ndarray:
    pixels = pixels_of(identity, **options)
    return ENGINE.embed([(pixels, require_one_face(ENGINE.detect(pixels)))])[0].vector


def test_it_is_a_face_engine_of_unmistakable_contract() -> None:
    assert isinstance(ENGINE, FaceEngine)
    assert ENGINE.contract.id.startswith("fake-")
    assert not ENGINE.allows_operational_use


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40])
def test_it_finds_as_many_faces_as_were_drawn(count: int) -> None:
    assert len(ENGINE.detect(pixels_of(*range(count)))) == count


def test_faces_are_drawn_in_rows_where_a_size_is_given() -> None:
    pixels = pixels_of(*range(40), cell=2, size=(400, 400))
    assert pixels.shape == (400, 400, 3)
    assert len(ENGINE.detect(pixels)) == 40


def test_too_many_for_the_size_is_an_error_of_the_test() -> None:
    with pytest.raises(ValueError, match="fit"):
        picture(1, 2, 3, size=(100, 100))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_one_identity_resembles_itself_in_every_variation(kind: str) -> None:
    vectors = [vector(5, variation=variation, kind=kind) for variation in range(6)]
    assert min(float(one @ other) for one, other in itertools.combinations(vectors, 2)) > 0.8


def test_two_identities_do_not_resemble_each_other() -> None:
    vectors = [vector(identity) for identity in range(40)]
    assert max(float(one @ other) for one, other in itertools.combinations(vectors, 2)) < 0.3


def test_variations_are_different_files() -> None:
    assert len({picture(1, variation=variation) for variation in range(20)}) == 20


def test_the_same_call_gives_the_same_bytes_and_bits() -> None:
    assert picture(1, 2, variation=3) == picture(1, 2, variation=3)
    assert np.array_equal(vector(9), vector(9))


def test_each_face_of_a_group_is_read_as_itself() -> None:
    pixels = pixels_of(1, 2, 3)
    faces = sorted(ENGINE.detect(pixels), key=lambda face: face.box.left)
    templates = ENGINE.embed([(pixels, face) for face in faces])
    for identity, template in zip((1, 2, 3), templates, strict=True):
        assert float(template.vector @ vector(identity)) > 0.99
        assert template.contract == FAKE_CONTRACT


def test_a_small_cell_makes_a_face_too_small_to_enrol() -> None:
    with pytest.raises(FaceError, match="too-small"):
        require_one_face(ENGINE.detect(pixels_of(1, cell=1)))


def test_a_picture_without_faces_is_no_face() -> None:
    with pytest.raises(FaceError, match="No face was found"):
        require_one_face(ENGINE.detect(pixels_of()))


def test_a_face_outside_the_picture_does_not_crash() -> None:
    face = Face(Box(-500, -500, 10, 10), ((0, 0),) * 5, 0.9)
    assert len(ENGINE.embed([(pixels_of(1), face)])) == 1
