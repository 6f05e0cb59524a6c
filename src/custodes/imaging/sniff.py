"""What kind of file the first bytes say it is, so that a refusal can name it."""

from __future__ import annotations

import re

from custodes.errors import ImageError
from custodes.text import N_

_ACCEPTED = {"JPEG": re.compile(rb"\xff\xd8\xff"), "PNG": re.compile(rb"\x89PNG\r\n\x1a\n")}
_KNOWN = {
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+"),
    "BMP": re.compile(rb"BM.{4}\x00\x00\x00\x00", re.DOTALL),
    "WebP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "AVIF": re.compile(rb".{4}ftypavi[fs]", re.DOTALL),
    "HEIC": re.compile(rb".{4}ftyp(?:hei|hev|mif1|msf1)", re.DOTALL),
    "MP4": re.compile(rb".{4}ftyp", re.DOTALL),
    "JPEG 2000": re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "JPEG XL": re.compile(rb"\x00\x00\x00\x0cJXL |\xff\x0a"),
    "PDF": re.compile(rb"%PDF-"),
    "SVG": re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<svg"),
    "ZIP": re.compile(rb"PK\x03\x04"),
    "Photoshop": re.compile(rb"8BPS"),
    "AVI": re.compile(rb"RIFF.{4}AVI ", re.DOTALL),
    "Matroska": re.compile(rb"\x1a\x45\xdf\xa3"),
}


def sniff(data: bytes) -> str:
    """Return ``"JPEG"`` or ``"PNG"``, as the first bytes of ``data`` say.

    Raises:
        ImageError: ``image.format-not-accepted`` for a kind that is recognised but not accepted,
            ``image.not-an-image`` otherwise.
    """
    head = data[:256]
    for name, pattern in _ACCEPTED.items():
        if pattern.match(head):
            return name
    for name, pattern in _KNOWN.items():
        if pattern.match(head):
            raise ImageError(
                "image.format-not-accepted",
                N_("This is a %(format)s file; only JPEG and PNG images are accepted."),
                hint=N_("Export it as PNG, which loses nothing, and keep the original as evidence."),
                format=name,
            )
    raise ImageError(
        "image.not-an-image",
        N_("This file is not an image."),
        why=N_("Its first bytes are those of no image format."),
        hint=N_("Choose a JPEG or PNG file."),
    )
