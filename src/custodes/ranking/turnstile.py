"""How many searches run at once, and how many may wait: fair, and never without an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from custodes.errors import Busy
from custodes.text import N_

_USUAL_S: Final = 0.1
_SMOOTHING: Final = 0.2


class Turnstile:
    """Lets ``at_once`` searches through, in the order in which they came, and ``waiting`` more stand in line.

    ``clock`` returns seconds; it is used to say how long the line is.
    """

    def __init__(self, at_once: int, waiting: int, clock: Callable[[], float]) -> None:
        self._room = at_once
        self._most = waiting
        self._clock = clock
        self._usual = _USUAL_S
        self._condition = threading.Condition()
        self._line: list[object] = []
        self._inside = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and take it.

        Raises:
            Busy: ``search.busy``, if too many are waiting already.
        """
        ticket = object()
        with self._condition:
            if len(self._line) >= self._most and self._inside >= self._room:
                raise self._busy()
            self._line.append(ticket)
            try:
                self._condition.wait_for(lambda: self._line[0] is ticket and self._inside < self._room)
            finally:
                self._line.remove(ticket)
                self._condition.notify_all()
            self._inside += 1
        begun = self._clock()
        try:
            yield
        finally:
            with self._condition:
                self._usual += _SMOOTHING * (self._clock() - begun - self._usual)
                self._inside -= 1
                self._condition.notify_all()

    def _busy(self) -> Busy:
        seconds = max(1, round(self._usual * (len(self._line) + self._inside) / self._room))
        return Busy(
            "search.busy",
            N_("Too many searches are waiting."),
            why=N_("Each compares every eligible record, one after the other."),
            hint=N_("Try again in %(seconds)d s."),
            seconds=seconds,
        )
