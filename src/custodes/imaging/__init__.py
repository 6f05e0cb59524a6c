"""Untrusted bytes to upright pixels, with what is needed to prove where the pixels came from.

Not here: faces (`engine`), storage of the original (`store`), and whether an image may be used at all (`policy`).
"""

from custodes.imaging.decode import Limits, Picture, decode
from custodes.imaging.preview import encode_preview

__all__ = ["Limits", "Picture", "decode", "encode_preview"]
