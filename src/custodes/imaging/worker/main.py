"""What runs in a worker: take a file's bytes, decode them, leave the pixels, wait for the next.

Everything that decoding may need is imported, and tried once on a small sample, before the process gives up the means
to load anything more.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from custodes.errors import ImageError
from custodes.imaging import faults
from custodes.imaging.decode import decode_pixels
from custodes.imaging.picture import Drawn, Limits
from custodes.imaging.preview import shrink
from custodes.imaging.profile import UnusableProfileError, conversion
from custodes.imaging.room import SMALL_PIXELS
from custodes.imaging.worker.confine import confine
from custodes.imaging.worker.samples import SAMPLES
from custodes.imaging.worker.wire import (
    FRAME,
    Header,
    Kind,
    Request,
    Task,
    packed_fault,
    packed_number,
    places,
)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where work comes in and goes out: two pipes and the memory shared with the parent."""

    requests: int
    replies: int
    shared: mmap.mmap
    pixels_at: int

    def next_request(self) -> Request | None:
        """Return the next job; ``None`` when the parent has gone or wants no more."""
        frame = self._frame()
        return Request.unpacked(frame) if frame else None

    def _frame(self) -> bytes:
        frame = b""
        while len(frame) < FRAME:
            piece = os.read(self.requests, FRAME - len(frame))
            if not piece:
                return b""
            frame += piece
        return frame

    def reply(self, frame: bytes) -> None:
        os.write(self.replies, frame)

    @contextmanager
    def room(self, pixels: int) -> Iterator[None]:
        """Ask the parent for room for a large picture and wait for it; it takes the room back with the answer."""
        if pixels > SMALL_PIXELS:
            self.reply(packed_number(Kind.ROOM, pixels))
            if not self._frame():
                os._exit(0)
        yield

    def do(self, request: Request) -> bytes:
        """Return the answer to ``request``; its pixels lie in the shared memory."""
        data = self.shared[: request.size]
        try:
            drawn = decode_pixels(data, suffix=request.suffix, limits=request.limits, take_room=self.room)
            if request.task is Task.PREVIEW:
                return self._lay_down(drawn, shrink(drawn.pixels, request.longest_side))
            return self._lay_down(drawn, drawn.pixels)
        except ImageError as error:
            # a header that asks for too much has cost nothing yet; only memory that ran out wears a worker out
            return packed_fault(error, is_last=isinstance(error.__cause__, MemoryError))
        except MemoryError:
            return packed_fault(faults.too_much_memory(request.limits.max_decoded_bytes), is_last=True)
        except Exception:  # noqa: BLE001 - whatever a file does to its decoder, the worker goes on
            return packed_fault(faults.damaged())

    def _lay_down(self, drawn: Drawn, pixels: np.ndarray) -> bytes:
        height, width = pixels.shape[:2]
        np.copyto(np.frombuffer(self.shared, np.uint8, pixels.size, self.pixels_at).reshape(pixels.shape), pixels)
        return Header(
            drawn.format,
            width,
            height,
            drawn.stored_width,
            drawn.stored_height,
            drawn.orientation,
            drawn.trailing_bytes,
            drawn.frames,
            drawn.notes,
        ).packed()


def warm_up() -> None:
    """Load every decoder, and all that it loads when it is first used."""
    import cv2
    from PIL import ImageCms

    cv2.setNumThreads(1)
    for sample in SAMPLES.values():
        with suppress(ImageError):
            decode_pixels(sample, suffix="", limits=Limits())
    with suppress(ImageError):
        decode_pixels(SAMPLES["JPEG"][:-20], suffix="jpg", limits=Limits())
    with suppress(UnusableProfileError):
        conversion(bytes(200), "RGB")
    conversion(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), "RGB")
    shrink(np.zeros((4, 4, 3), np.uint8), 2)


def main(arguments: list[str]) -> None:
    """Work until the parent goes; ``arguments`` are numbers, as :mod:`custodes.imaging.process` gives them."""
    requests, replies, shared, parent, memory_bytes, cpu_seconds, most_bytes, most_pixels = map(int, arguments)
    pixels_at, size = places(Limits(most_bytes, most_pixels))
    desk = _Desk(requests, replies, mmap.mmap(shared, size), pixels_at)
    os.close(shared)
    warm_up()
    measures = confine(memory_bytes=memory_bytes, cpu_seconds=cpu_seconds, parent=parent)
    desk.reply(packed_number(Kind.READY, sum(1 << measure for measure in measures)))
    while (request := desk.next_request()) is not None:
        desk.reply(desk.do(request))
    os._exit(0)
