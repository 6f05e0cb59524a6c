"""Notes are data, and each has its sentence."""

from __future__ import annotations

import numpy as np
import pytest

from custodes.imaging import Limits, LocalDecoder, Note, Picture
from custodes.imaging.picture import Drawn


@pytest.mark.parametrize("note", list(Note))
def test_every_note_has_a_sentence_that_can_be_filled_in(note: Note) -> None:
    drawn = Drawn(np.zeros((1, 1, 3), np.uint8), "GIF", 1, 1, 1, 77, 5, (note,))
    (sentence,) = Picture.of(drawn, original=b"", sha256="").sentences()
    assert "%" not in str(sentence)
    assert str(sentence).endswith(".")


def test_a_picture_to_which_nothing_was_done_has_no_sentences() -> None:
    drawn = Drawn(np.zeros((2, 3, 3), np.uint8), "PNG", 3, 2, 1, 0, 1, ())
    picture = Picture.of(drawn, original=b"x", sha256="y")
    assert picture.sentences() == ()
    assert (picture.width, picture.height, picture.original, picture.sha256) == (3, 2, b"x", "y")


def test_a_local_decoder_is_the_same_function_and_its_preview() -> None:
    from io import BytesIO

    from PIL import Image
    from tests.imaging.making import gradient, saved

    data = saved(Image.fromarray(gradient()), "TIFF")
    decoder = LocalDecoder()
    assert np.array_equal(decoder.decode(data, name="a.tif", limits=Limits()).pixels, gradient())
    preview = decoder.preview(data, name="a.tif", limits=Limits(), longest_side=32)
    assert Image.open(BytesIO(preview)).size == (32, 24)
