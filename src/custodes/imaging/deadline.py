"""Time given to one image: work that outlives it is abandoned, not waited for."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from custodes.errors import ImageError
from custodes.imaging import faults

Monotonic = Callable[[], float]
"""Seconds from an arbitrary start, never going back: ``time.monotonic`` or a test's own."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, in seconds, and the allowance it came from."""

    clock: Monotonic
    moment: float
    allowed: float

    @classmethod
    def after(cls, seconds: float, clock: Monotonic = time.monotonic) -> Self:
        """Return the deadline ``seconds`` from now."""
        return cls(clock, clock() + seconds, seconds)

    @property
    def left(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.moment - self.clock()

    @property
    def error(self) -> ImageError:
        """The error for work that outlived it: ``image.too-slow``."""
        return faults.too_slow(f"{self.allowed:g}")

    def check(self) -> None:
        """Do nothing while there is time left.

        Raises:
            ImageError: ``image.too-slow``.
        """
        if self.left < 0:
            raise self.error


def stopwatch(clock: Monotonic = time.monotonic) -> Monotonic:
    """Return a function that tells the seconds since now."""
    started = clock()
    return lambda: clock() - started


class TimedReader(io.BytesIO):
    """Bytes that can be read only while there is time: how a decoder in C is interrupted."""

    def __init__(self, data: bytes, deadline: Deadline) -> None:
        super().__init__(data)
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes.

        Raises:
            ImageError: ``image.too-slow``.
        """
        self._deadline.check()
        return super().read(size)
