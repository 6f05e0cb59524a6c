"""What decoding gives, what it may cost, and what was done to the pixels on the way.

Not here: how any of it is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self

from custodes.config import Config
from custodes.text import N_, Text
from custodes.types import Pixels


@dataclass(frozen=True, slots=True)
class Limits:
    """What one image may cost: file size in bytes, width times height in pixels, decoding in seconds.

    ``max_decoded_bytes``: what its decoder must hold, as the file's own header tells.
    """

    max_bytes: int = 40_000_000
    max_pixels: int = 40_000_000
    max_seconds: float = 10.0
    max_decoded_bytes: int = 256_000_000

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return the limits this installation is set to."""
        return cls(config.max_image_bytes, config.max_image_pixels, config.max_decode_seconds)


class Note(StrEnum):
    """One thing that was done to the stored pixels, or that a person should know of them."""

    FIRST_FRAME = "first-frame"
    MAIN_PICTURE = "main-picture"
    TURNED = "turned"
    GREY = "grey"
    PALETTE_EXPANDED = "palette-expanded"
    DEPTH_REDUCED = "depth-reduced"
    CMYK_CONVERTED = "cmyk-converted"
    PROFILE_CONVERTED = "profile-converted"
    PROFILE_IGNORED = "profile-ignored"
    ALPHA_COMPOSITED = "alpha-composited"
    TRAILING_DATA = "trailing-data"

    @property
    def template(self) -> str:
        """The sentence that explains the note: an English gettext template over ``frames`` and ``bytes``."""
        return _SENTENCES[self]


_SENTENCES = {
    Note.FIRST_FRAME: N_("The file holds %(frames)s pictures; the first one is used."),
    Note.MAIN_PICTURE: N_("The file holds %(frames)s pictures; the one that it names as the main one is used."),
    Note.TURNED: N_("The picture was turned upright, as the file says that the camera was held."),
    Note.GREY: N_("The picture is in shades of grey."),
    Note.PALETTE_EXPANDED: N_("The picture has a palette of few colours; it may have lost shades of skin."),
    Note.DEPTH_REDUCED: N_("Each colour was reduced to 8 bits; the file has finer ones."),
    Note.CMYK_CONVERTED: N_("Printing colours (CMYK) were converted to screen colours, which is not exact."),
    Note.PROFILE_CONVERTED: N_("Colours were converted to sRGB by the colour profile in the file."),
    Note.PROFILE_IGNORED: N_("The file's description of its colours cannot be used; they are shown as stored."),
    Note.ALPHA_COMPOSITED: N_("Transparent parts were laid over a neutral grey."),
    Note.TRAILING_DATA: N_("%(bytes)s bytes follow the picture; they are kept, and were not looked into."),
}


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Pixels and what the file says of itself.

    ``pixels``: ``(height, width, 3)`` uint8 RGB in sRGB, upright.  ``stored_width``/``stored_height``: pixels,
    before orientation.  ``orientation``: EXIF 1-8.  ``trailing_bytes``: bytes after the picture's end, which phones
    and editors lawfully add and which are not looked into.  ``frames``: pictures in the file, at least 1.
    ``notes``: in the order of :class:`Note`, each once.
    """

    pixels: Pixels
    format: str
    stored_width: int
    stored_height: int
    orientation: int
    trailing_bytes: int
    frames: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image and where it came from.

    ``pixels``: ``(height, width, 3)`` uint8 RGB in sRGB, EXIF orientation applied.  ``sha256``: hex digest of
    ``original``, the bytes as they were given.  ``stored_width``/``stored_height``: before orientation.
    ``orientation``: EXIF 1-8.  ``trailing_bytes``: bytes after the picture's end, which phones and editors
    lawfully add and which are not looked into.  ``frames``: pictures in the file; one was used.  ``notes``: what was
    done to the stored pixels, each note once.
    """

    pixels: Pixels
    sha256: str
    format: str
    width: int
    height: int
    stored_width: int
    stored_height: int
    orientation: int
    trailing_bytes: int
    original: bytes = field(repr=False)
    frames: int = 1
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, drawn: Drawn, *, original: bytes, sha256: str) -> Self:
        """Return ``drawn`` with the bytes it was drawn from and their SHA-256 in hex."""
        height, width = drawn.pixels.shape[:2]
        return cls(
            pixels=drawn.pixels,
            sha256=sha256,
            format=drawn.format,
            width=width,
            height=height,
            stored_width=drawn.stored_width,
            stored_height=drawn.stored_height,
            orientation=drawn.orientation,
            trailing_bytes=drawn.trailing_bytes,
            original=original,
            frames=drawn.frames,
            notes=drawn.notes,
        )

    def sentences(self) -> tuple[Text, ...]:
        """Return one sentence per note, for people."""
        values = {"frames": self.frames, "bytes": self.trailing_bytes}
        return tuple(Text(note.template, values) for note in self.notes)


class Decoder(Protocol):
    """Whatever turns untrusted bytes into a picture: in this process, or in one that may die."""

    def decode(self, data: bytes, *, name: str | None, limits: Limits) -> Picture:
        """Return the picture in ``data``, a whole file; ``name`` is its file name, if it has one.

        Raises:
            ImageError: the file cannot be decoded within ``limits``.
        """
        ...

    def preview(self, data: bytes, *, name: str | None, limits: Limits, longest_side: int) -> bytes:
        """Return ``data`` as a JPEG without metadata whose longer side is at most ``longest_side`` pixels.

        Raises:
            ImageError: the file cannot be decoded within ``limits``.
        """
        ...
