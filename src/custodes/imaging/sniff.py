"""What kind of file the first bytes say it is, so that a refusal can name it.

The first bytes decide, and nothing else: a picture that is found further in, behind the header of another kind of
file, is not looked for.  Bytes *after* a picture are lawful (a phone's short film, a second picture) and are counted
elsewhere.  One thing further in is refused: the header of a PDF, which its readers accept anywhere in the first
1,024 bytes (Adobe PDF Reference 1.7, Appendix H, note 13), so that such a file is an image to one program and a
document to another.
"""

from __future__ import annotations

import re

from custodes.imaging import faults

_PDF_READERS_LOOK_AT = 1024

_ACCEPTED = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "TIFF": re.compile(rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+"),
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WebP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "JPEG 2000": re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "HEIC": re.compile(rb".{4}ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)(?!.{4}(?:.{4}){0,12}avi[fs])", re.DOTALL),
}
_KNOWN = {
    "AVIF": re.compile(rb".{4}ftyp(?:avi[fs]|mif1|msf1)", re.DOTALL),
    "MP4": re.compile(rb".{4}ftyp", re.DOTALL),
    "JPEG XL": re.compile(rb"\x00\x00\x00\x0cJXL |\xff\x0a"),
    "PDF": re.compile(rb"%PDF-"),
    "SVG": re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<svg"),
    "HTML": re.compile(rb"\s*<(?:!doctype html|html|script)", re.IGNORECASE),
    "ZIP": re.compile(rb"PK\x03\x04"),
    "Photoshop": re.compile(rb"8BPS"),
    "AVI": re.compile(rb"RIFF.{4}AVI ", re.DOTALL),
    "Matroska": re.compile(rb"\x1a\x45\xdf\xa3"),
}

FORMATS = tuple(_ACCEPTED)
"""The formats that are decoded, by the name that people know."""
EXTENSIONS = {
    "JPEG": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    "PNG": frozenset({"png", "apng"}),
    "TIFF": frozenset({"tif", "tiff"}),
    "BMP": frozenset({"bmp", "dib"}),
    "GIF": frozenset({"gif"}),
    "WebP": frozenset({"webp"}),
    "JPEG 2000": frozenset({"jp2", "j2k", "j2c", "jpc", "jpf", "jpx"}),
    "HEIC": frozenset({"heic", "heif", "hif", "heics"}),
}
"""What the name of a file of each format may end in, in lower case."""


def sniff(data: bytes) -> str:
    """Return one of :data:`FORMATS`, as the first bytes of ``data`` say.

    Raises:
        ImageError: ``image.format-not-accepted`` for a kind that is recognised but not accepted,
            ``image.two-kinds`` for an image that is a PDF as well, ``image.not-an-image`` otherwise.
    """
    head = data[:256]
    for name, pattern in _ACCEPTED.items():
        if pattern.match(head):
            if b"%PDF-" in data[:_PDF_READERS_LOOK_AT]:
                raise faults.two_kinds(name, "PDF")
            return name
    for name, pattern in _KNOWN.items():
        if pattern.match(head):
            raise faults.format_not_accepted(name)
    raise faults.not_an_image()
