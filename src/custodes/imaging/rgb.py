"""Every way an image may store colour, brought to 8-bit sRGB.

Grey and palette are expanded, transparency is laid over neutral grey (128 of 255), 16 bits keep their upper 8 (scaled,
not clipped: within one level of the exact quotient), CMYK and colour profiles are converted.  Large pictures are
converted in strips, so that the conversion holds little beside its result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from custodes.imaging.picture import Note
from custodes.imaging.profile import UnusableProfileError, conversion, convert
from custodes.types import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

_NEUTRAL = 128
_STRIP_PIXELS = 2_000_000
_OPAQUE = 255
_COLOURS = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK"}
_TRANSPARENT_MODES = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_WIDE_GREY = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})


@dataclass(slots=True)
class ToRgb:
    """The conversion of one picture; ``notes`` grows with what it did.

    ``profile``: the file's ICC profile, or nothing.  ``is_inverted``: 16-bit grey whose zero is white.
    """

    profile: bytes = b""
    is_inverted: bool = False
    notes: set[Note] = field(default_factory=set)

    def __call__(self, image: Image) -> Pixels:
        """Return the loaded ``image`` as ``(height, width, 3)`` uint8 RGB."""
        rows = max(1, _STRIP_PIXELS // image.width)
        if rows >= image.height:
            return self._strip(image)
        pixels = np.empty((image.height, image.width, 3), np.uint8)
        for top in range(0, image.height, rows):
            bottom = min(top + rows, image.height)
            pixels[top:bottom] = self._strip(image.crop((0, top, image.width, bottom)))
        return pixels

    def _strip(self, image: Image) -> Pixels:
        alpha: Image | None = None
        if image.mode in _WIDE_GREY:
            image, alpha = self._narrowed(image)
        elif image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
            image, alpha = self._without_alpha(image)
        colour = self._srgb(image)
        if alpha is not None and cast("tuple[int, int]", alpha.getextrema())[0] < _OPAQUE:
            from PIL.Image import composite, new

            self.notes.add(Note.ALPHA_COMPOSITED)
            colour = composite(colour, new("RGB", colour.size, (_NEUTRAL,) * 3), alpha)
        return cast("Pixels", np.asarray(colour))

    def _narrowed(self, image: Image) -> tuple[Image, Image | None]:
        from PIL.Image import fromarray

        wide = np.asarray(image)
        grey = (wide.astype(np.uint32) >> 8).astype(np.uint8)
        clear = image.info.get("transparency")
        alpha = fromarray(np.where(wide == clear, 0, 255).astype(np.uint8)) if isinstance(clear, int) else None
        return fromarray(255 - grey if self.is_inverted else grey), alpha

    def _without_alpha(self, image: Image) -> tuple[Image, Image]:
        """Return the colours in which the picture is stored, and its transparency."""
        if image.mode in ("P", "PA"):
            self.notes.add(Note.PALETTE_EXPANDED)
        is_grey = image.mode in ("L", "LA", "La")
        if image.mode in ("La", "RGBa"):
            image = image.convert("LA" if is_grey else "RGBA")
        full = image.convert("RGBA")
        return (full.getchannel("R") if is_grey else full.convert("RGB")), full.getchannel("A")

    def _srgb(self, image: Image) -> Image:
        if image.mode == "P":
            self.notes.add(Note.PALETTE_EXPANDED)
            image = image.convert("RGB")
        elif image.mode == "1":
            image = image.convert("L")
        if image.mode == "L":
            self.notes.add(Note.GREY)
        elif image.mode == "CMYK":
            self.notes.add(Note.CMYK_CONVERTED)
        if self.profile:
            try:
                transform = conversion(self.profile, _COLOURS.get(image.mode, "RGB"))
            except UnusableProfileError:
                self.profile = b""
                self.notes.add(Note.PROFILE_IGNORED)
            else:
                if transform is not None:
                    self.notes.add(Note.PROFILE_CONVERTED)
                    return convert(image if image.mode in ("L", "CMYK") else image.convert("RGB"), transform)
        return image if image.mode == "RGB" else image.convert("RGB")
