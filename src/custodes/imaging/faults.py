"""Every way in which a file is refused, each made by one function, so that an error can cross a process boundary.

A worker process sends a code and values; :func:`rebuilt` makes the same error of them.  What it sends is untrusted:
a code that is not in the table, or a value that is not of the stated kind, is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from custodes.errors import ImageError
from custodes.text import N_

_WORD = re.compile(r"[A-Za-z0-9 .-]{1,24}")
_LARGEST = 1 << 63


def empty() -> ImageError:
    """Return the error for a file of no bytes."""
    return ImageError("image.empty", N_("This file is empty."), hint=N_("Copy it again from its source."))


def too_many_bytes(limit: int) -> ImageError:
    """Return the error for a file of more than ``limit`` bytes."""
    return ImageError(
        "image.too-many-bytes",
        N_("This file has more than %(limit)s bytes, which is the most that an image may have."),
        hint=N_("Crop it around the person, or ask the administrator to raise CUSTODES_MAX_IMAGE_BYTES."),
        limit=limit,
    )


def not_an_image() -> ImageError:
    """Return the error for bytes of no image format."""
    return ImageError(
        "image.not-an-image",
        N_("This file is not an image."),
        why=N_("Its first bytes are those of no image format."),
        hint=N_("Choose an image file: JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000 or HEIC."),
    )


def format_not_accepted(format: str) -> ImageError:  # noqa: A002 - the sentence's own word
    """Return the error for a kind of file that is recognised and not accepted."""
    return ImageError(
        "image.format-not-accepted",
        N_("This is a %(format)s file, which is not among the image formats that are accepted."),
        why=N_("Accepted are JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000 and HEIC."),
        hint=N_("Export it as PNG, which loses nothing, and keep the original as evidence."),
        format=format,
    )


def format_not_installed(format: str) -> ImageError:  # noqa: A002 - the sentence's own word
    """Return the error for a format whose decoder is an extra that this installation lacks."""
    return ImageError(
        "image.format-not-installed",
        N_("This is a %(format)s image, and the component that decodes it is not installed here."),
        why=N_("It is an extra of Custodes, called “heif”."),
        hint=N_("Ask the administrator to install “custodes[heif]”, or export the image as PNG."),
        format=format,
    )


def variant_not_accepted(format: str) -> ImageError:  # noqa: A002 - the sentence's own word
    """Return the error for a sound file of an accepted format that stores its pixels in a rare way."""
    return ImageError(
        "image.variant-not-accepted",
        N_("This %(format)s image stores its pixels in a rare way that Custodes does not decode."),
        hint=N_("Open it in an image viewer, save it as PNG, and keep the original as evidence."),
        format=format,
    )


def wrong_extension(format: str) -> ImageError:  # noqa: A002 - the sentence's own word
    """Return the error for a file whose name says something else than its bytes."""
    return ImageError(
        "image.wrong-extension",
        N_("This file is a %(format)s image, but its name ends in something else."),
        why=N_("A name that hides what a file is may be a mistake or a trick."),
        hint=N_("Check where the file came from; if it is the right one, correct its name."),
        format=format,
    )


def two_kinds(format: str, other: str) -> ImageError:  # noqa: A002 - the sentence's own word
    """Return the error for a file that begins as two kinds of file at once."""
    return ImageError(
        "image.two-kinds",
        N_("This file is a %(format)s image and a %(other)s file at the same time."),
        why=N_("Files like this are built so that two programs show two different things."),
        hint=N_("Open it in an image viewer, save it as PNG, and keep the original as evidence."),
        format=format,
        other=other,
    )


def truncated() -> ImageError:
    """Return the error for a file that stops before the picture does."""
    return ImageError(
        "image.truncated",
        N_("This image is incomplete: the file ends before the picture does."),
        why=N_("Copying or downloading it was probably interrupted."),
        hint=N_("Copy it again from its source."),
    )


def damaged() -> ImageError:
    """Return the error for a file whose inside contradicts itself."""
    return ImageError(
        "image.damaged",
        N_("This image is damaged, or of a rare kind that Custodes does not decode."),
        hint=N_("Ask for the file again from where it came, or open it in an image viewer and save it as PNG."),
    )


def too_many_pixels(width: int, height: int, limit: int) -> ImageError:
    """Return the error for a picture of more than ``limit`` pixels."""
    return ImageError(
        "image.too-many-pixels",
        N_("This image is %(width)s × %(height)s pixels; together it may have at most %(limit)s."),
        hint=N_("Crop it around the person, or ask the administrator to raise CUSTODES_MAX_IMAGE_PIXELS."),
        width=width,
        height=height,
        limit=limit,
    )


def too_much_memory(limit: int) -> ImageError:
    """Return the error for a picture whose decoder needs more than ``limit`` bytes."""
    return ImageError(
        "image.too-much-memory",
        N_("Decoding this image takes more than %(limit)s bytes of memory."),
        why=N_("Transparency, 16 bits a colour and several passes each multiply what its pixels need."),
        hint=N_("Crop it around the person, or save it as a plain PNG of 8 bits and keep the original as evidence."),
        limit=limit,
    )


def too_many_scans(limit: int) -> ImageError:
    """Return the error for a JPEG of more than ``limit`` passes."""
    return ImageError(
        "image.too-many-scans",
        N_("This JPEG draws its picture in more than %(limit)s passes."),
        why=N_("A lawful file needs about ten; files like this are built to keep a computer busy."),
        hint=N_("Save it again as a plain JPEG or PNG and keep the original as evidence."),
        limit=limit,
    )


def too_many_parts(limit: int) -> ImageError:
    """Return the error for a file of more than ``limit`` pictures, or a picture of more than ``limit`` tiles."""
    return ImageError(
        "image.too-many-parts",
        N_("This file has more than %(limit)s pictures, or its picture is cut into more pieces than that."),
        why=N_("Files like this are built to keep a computer busy, or are films."),
        hint=N_("Save the one picture that is meant as PNG and keep the original as evidence."),
        limit=limit,
    )


def too_slow(seconds: str) -> ImageError:
    """Return the error for a file whose time ran out; ``seconds`` as it is to be read."""
    return ImageError(
        "image.too-slow",
        N_("This image takes longer than %(seconds)s seconds to decode."),
        why=N_("Some files are built to keep a computer busy; decoding was abandoned."),
        hint=N_("Save it again as a plain JPEG or PNG and keep the original as evidence."),
        seconds=seconds,
    )


def decoder_died() -> ImageError:
    """Return the error for a file over which the decoding process ended."""
    return ImageError(
        "image.decoder-died",
        N_("Decoding stopped suddenly over this image; nothing else was affected."),
        why=N_("It is damaged in an unusual way, or was built to harm. It was read in a process of its own."),
        hint=N_("Try once more. If it happens again, treat the file as hostile and tell the administrator."),
    )


_TABLE: dict[str, tuple[Callable[..., ImageError], dict[str, type]]] = {
    "image.empty": (empty, {}),
    "image.too-many-bytes": (too_many_bytes, {"limit": int}),
    "image.not-an-image": (not_an_image, {}),
    "image.format-not-accepted": (format_not_accepted, {"format": str}),
    "image.format-not-installed": (format_not_installed, {"format": str}),
    "image.variant-not-accepted": (variant_not_accepted, {"format": str}),
    "image.wrong-extension": (wrong_extension, {"format": str}),
    "image.two-kinds": (two_kinds, {"format": str, "other": str}),
    "image.truncated": (truncated, {}),
    "image.damaged": (damaged, {}),
    "image.too-many-pixels": (too_many_pixels, {"width": int, "height": int, "limit": int}),
    "image.too-much-memory": (too_much_memory, {"limit": int}),
    "image.too-many-scans": (too_many_scans, {"limit": int}),
    "image.too-many-parts": (too_many_parts, {"limit": int}),
    "image.too-slow": (too_slow, {"seconds": str}),
    "image.decoder-died": (decoder_died, {}),
}
CODES = frozenset(_TABLE)
"""Every code with which a file can be refused."""


def rebuilt(code: object, values: object) -> ImageError | None:
    """Return the error of ``code`` with ``values``, both untrusted; ``None`` if they are not of the table."""
    if not isinstance(code, str) or code not in _TABLE or not isinstance(values, Mapping):
        return None
    make, kinds = _TABLE[code]
    if set(values) != set(kinds) or not all(_is_believable(values[name], kind) for name, kind in kinds.items()):
        return None
    return make(**values)


def _is_believable(value: object, kind: type) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value < _LARGEST
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
