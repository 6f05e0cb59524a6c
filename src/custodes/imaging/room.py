"""Room for large pictures: how many pixels one process decodes at the same moment.

Small pictures never wait and are not counted; a picture larger than all the room is decoded when nothing else is.
Memory is bounded by this and by the limits of one picture together, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

SMALL_PIXELS = 2_000_000
"""Pictures up to this size, in pixels, do not wait: a booking photograph has a quarter of it."""
ROOM_PIXELS = 80_000_000
"""Pixels that may be in decoding at once: twice the default limit of one picture."""


class Room:
    """A semaphore that weighs what it lets in by its pixels."""

    def __init__(self, pixels: int) -> None:
        self._free = pixels
        self._all = pixels
        self._changed = Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Hold room for ``pixels``, waiting for it if need be."""
        if pixels <= SMALL_PIXELS:
            yield
            return
        weight = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= weight)
            self._free -= weight
        try:
            yield
        finally:
            with self._changed:
                self._free += weight
                self._changed.notify_all()


ROOM = Room(ROOM_PIXELS)
"""The room of this process."""
