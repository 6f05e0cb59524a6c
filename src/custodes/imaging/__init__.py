"""Untrusted bytes to upright pixels, with what is needed to prove where the pixels came from.

Not here: faces (`engine`), storage of the original (`store`), and whether an image may be used at all (`policy`).
"""

from custodes.imaging.decode import decode
from custodes.imaging.local import LocalDecoder
from custodes.imaging.picture import Decoder, Limits, Note, Picture
from custodes.imaging.pool import DecodingPool
from custodes.imaging.preview import encode_preview
from custodes.imaging.worker.wire import Measure

__all__ = [
    "Decoder",
    "DecodingPool",
    "Limits",
    "LocalDecoder",
    "Measure",
    "Note",
    "Picture",
    "decode",
    "encode_preview",
]
