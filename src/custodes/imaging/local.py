"""Decoding in this very process: for tests, and for measuring what a process of its own costs.

Not for a service: a file that crashes its decoder ends the process that reads it.
"""

from __future__ import annotations

from custodes.imaging.decode import decode
from custodes.imaging.picture import Limits, Picture
from custodes.imaging.preview import encode_preview


class LocalDecoder:
    """A :class:`custodes.imaging.picture.Decoder` without a process, a start or an end."""

    def decode(self, data: bytes, *, name: str | None, limits: Limits) -> Picture:
        """Return the picture in ``data``; raises as :func:`custodes.imaging.decode.decode`."""
        return decode(data, name=name, limits=limits)

    def preview(self, data: bytes, *, name: str | None, limits: Limits, longest_side: int) -> bytes:
        """Return a small JPEG of ``data``; raises as :func:`custodes.imaging.decode.decode`."""
        return encode_preview(decode(data, name=name, limits=limits).pixels, longest_side)
