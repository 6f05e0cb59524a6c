"""Files that are two things at once: what begins as something else is refused, what merely follows is counted."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import numpy as np
import pytest
from tests.imaging.making import CORPUS, gradient, picture, rgb_tags, saved, tiff

from custodes.errors import ImageError
from custodes.imaging import Limits, Note, decode

LIMITS = Limits()
KINDS = ["JPEG", "PNG", "GIF", "BMP", "WEBP", "JPEG2000"]


def archive() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("hidden.txt", "hello")
    return out.getvalue()


def code(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, name=None, limits=LIMITS)
    return caught.value.code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tail",
    [
        archive(),
        b"\x00\x00\x00\x18ftypmp42 a phone's short film",
        b"<script>alert(1)</script>",
        saved(picture(), "JPEG"),
    ],
    ids=["zip", "film", "html", "another-jpeg"],
)
def test_what_follows_a_picture_is_counted_kept_and_said(kind: str, tail: bytes) -> None:
    plain = saved(picture(), kind)
    found = decode(plain + tail, name=None, limits=LIMITS)
    assert found.original == plain + tail
    assert Note.TRAILING_DATA in found.notes
    assert str(found.trailing_bytes) in str(found.sentences()[-1])
    assert np.array_equal(found.pixels, decode(plain, name=None, limits=LIMITS).pixels)
    assert found.trailing_bytes == len(tail)


def test_an_archive_behind_a_tiff_changes_nothing() -> None:
    plain = tiff(rgb_tags(), gradient().tobytes())
    assert np.array_equal(decode(plain + archive(), name=None, limits=LIMITS).pixels, gradient())


@pytest.mark.parametrize("kind", [*KINDS, "TIFF"])
@pytest.mark.parametrize(
    ("head", "refused"),
    [
        (b"%PDF-1.7\n", "image.format-not-accepted"),
        (archive(), "image.format-not-accepted"),
        (b"<!DOCTYPE html><html>", "image.format-not-accepted"),
        (b"<script>", "image.format-not-accepted"),
        (b"\x00\x00\x00\x18ftypmp42", "image.format-not-accepted"),
        (b"#!/bin/sh\n", "image.not-an-image"),
        (b"MZ\x90\x00", "image.not-an-image"),
        (b"\x7fELF", "image.not-an-image"),
        (b"\n", "image.not-an-image"),
    ],
    ids=["pdf", "zip", "html", "script", "film", "shell", "exe", "elf", "newline"],
)
def test_a_picture_behind_the_head_of_something_else_is_refused(kind: str, head: bytes, refused: str) -> None:
    assert code(head + saved(picture(), kind)) == refused


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF"])
def test_a_picture_that_is_a_document_too_is_refused(kind: str) -> None:
    """Readers of PDF accept its head anywhere in the first 1,024 bytes."""
    plain = saved(picture(), kind)
    if kind == "JPEG":
        made = plain[:2] + b"\xff\xfe" + struct.pack(">H", 20) + b"%PDF-1.7 and so on" + plain[2:]
    elif kind == "GIF":
        start = 13 + (3 << ((plain[10] & 7) + 1) if plain[10] & 0x80 else 0)
        made = plain[:start] + b"\x21\xfe\x08%PDF-1.7\x00" + plain[start:]
    elif kind == "PNG":
        made = plain[:33] + struct.pack(">I", 8) + b"teXt%PDF-1.7" + bytes(4) + plain[33:]
    else:
        made = tiff(rgb_tags(start=24), b"%PDF-1.7" + bytes(8) + gradient().tobytes())
    assert code(made) == "image.two-kinds"


def test_a_document_named_far_inside_of_a_picture_is_only_words() -> None:
    plain = saved(picture(), "JPEG")
    made = plain[:2] + b"\xff\xfe" + struct.pack(">H", 2002) + b"x" * 1900 + b"%PDF-1.7".ljust(100) + plain[2:]
    assert decode(made, name=None, limits=LIMITS).format == "JPEG"


def test_a_gif_that_is_a_script_is_no_picture() -> None:
    assert code(b"GIF89a=1;alert(document.cookie)//" + bytes(400)) in ("image.damaged", "image.truncated")


def test_an_avif_that_calls_itself_a_heic() -> None:
    data = (CORPUS / "heic" / "plain.heic").read_bytes()
    assert code(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif" + data[data.index(b"meta") - 4 :]) == (
        "image.format-not-accepted"
    )
