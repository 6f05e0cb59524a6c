"""From a walked file to pixels: the one place where decoders are called, each format's directly and no other's.

OpenCV's decoder draws plain JPEGs (ADR 0010) and JPEG 2000 of more than 8 bits a colour, whose white Pillow 13 turns
into black (it rounds 65,408 and more up to 256, which is 0 in 8 bits).  pi-heif's draws HEIC, and Pillow's, which can
be interrupted, all else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from custodes.errors import ImageError
from custodes.imaging import faults
from custodes.imaging.containers import Container
from custodes.imaging.containers.heic import open_heic
from custodes.imaging.deadline import Deadline, TimedReader
from custodes.imaging.exif import make_upright
from custodes.imaging.picture import Drawn, Note
from custodes.imaging.rgb import ToRgb
from custodes.types import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "JPEG 2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}
"""Pillow's decoder of each format: module and class."""
_OUT_OF_MEMORY = -4
"""OpenCV's status for memory that it could not have (``cv::Error::StsNoMem``)."""


def draw(container: Container, deadline: Deadline, memory_limit: int) -> Drawn:
    """Return the upright pixels of ``container``; ``memory_limit``, in bytes, is named if memory runs out.

    Raises:
        ImageError: ``image.damaged`` for whatever a decoder raises on bad bytes, ``image.too-much-memory`` or
            ``image.too-slow``.
    """
    convert = ToRgb(container.profile, container.is_inverted)
    try:
        pixels = _stored_pixels(container, deadline, convert)
        deadline.check()
        pixels = make_upright(pixels, container.orientation)
    except MemoryError as error:
        raise faults.too_much_memory(memory_limit) from error
    notes = convert.notes | _notes(container)
    return Drawn(
        pixels=pixels,
        format=container.format,
        stored_width=container.width,
        stored_height=container.height,
        orientation=container.orientation,
        trailing_bytes=container.trailing_bytes,
        frames=container.frames,
        notes=tuple(note for note in Note if note in notes),
    )


def _notes(container: Container) -> set[Note]:
    """Return what is to be said whatever the decoder did."""
    said = {
        Note.FIRST_FRAME: container.frames > 1 and container.format != "HEIC",
        Note.MAIN_PICTURE: container.frames > 1 and container.format == "HEIC",
        Note.TURNED: container.orientation != 1,
        Note.DEPTH_REDUCED: container.depth > 8,
        Note.PROFILE_IGNORED: container.has_odd_colours,
        Note.TRAILING_DATA: container.trailing_bytes > 0,
    }
    return {note for note, is_so in said.items() if is_so}


def _stored_pixels(container: Container, deadline: Deadline, convert: ToRgb) -> Pixels:
    if container.is_plain:
        pixels = _plain(container)
        return convert(_as_image(pixels)) if container.profile else pixels
    try:
        with _opened(container, deadline) as image:
            if image.size != (container.width, container.height):
                raise faults.damaged()
            image.load()
            deadline.check()
            return convert(image)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise faults.damaged() from error


def _opened(container: Container, deadline: Deadline) -> Image:
    if container.format == "HEIC":
        return open_heic(container.drawn)
    if container.is_deep_colour:
        return _deep_jpeg_2000(container)
    module, name = PLUGINS[container.format]
    plugin: Any = getattr(import_module(module), name)
    return cast("Image", plugin(TimedReader(container.drawn, deadline)))


def _as_image(pixels: Pixels) -> Image:
    from PIL.Image import fromarray

    return fromarray(pixels)


def _plain(container: Container) -> Pixels:
    """Return a plain JPEG's pixels by OpenCV: the same ones as Pillow's (both are libjpeg-turbo), in half the time.

    It cannot be interrupted, which a plain JPEG within the limits need not be.
    """
    import cv2

    pixels = _by_opencv(container, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels.shape != (container.height, container.width, 3):
        raise faults.damaged()
    return cast("Pixels", pixels)


def _deep_jpeg_2000(container: Container) -> Image:
    import cv2

    deep = _by_opencv(container, cv2.IMREAD_UNCHANGED)
    if deep.ndim != 3 or deep.shape[2] not in (3, 4):
        raise faults.damaged()
    narrow = (deep >> (container.depth - 8)).astype(np.uint8)
    return _as_image(np.ascontiguousarray(narrow[:, :, [2, 1, 0, 3][: deep.shape[2]]]))


def _by_opencv(container: Container, flags: int) -> NDArray[Any]:
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(container.drawn, np.uint8), flags)
    except cv2.error as error:
        if error.code == _OUT_OF_MEMORY:
            raise MemoryError from error
        raise faults.damaged() from error
    if pixels is None:
        raise faults.damaged()
    return pixels
