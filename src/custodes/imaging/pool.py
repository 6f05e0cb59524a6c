"""Decoding in worker processes: what a file does to its decoder, it does to a process that holds nothing else.

A worker's death is an error about one file, never an outage: another worker is started at once, and files that wait
are given to it.  A call takes an idle worker, or has one started, or waits for one; its thread holds nothing while it
waits.  Workers that have worked for long are replaced, so that what a decoder loses does not add up.

Workers are started by one thread of the pool's own, because the kernel ends a worker that asked for it
(``PR_SET_PDEATHSIG``) with the *thread* that started it, and threads that handle requests come and go.

A fork of the process has the pool, without the parent's workers, and starts its own.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import TypeVar

from custodes.errors import ImageError
from custodes.imaging.deadline import stopwatch
from custodes.imaging.decode import check_bytes, suffix_of
from custodes.imaging.picture import Drawn, Limits, Picture
from custodes.imaging.preview import encode_jpeg
from custodes.imaging.process import WorkerGoneError, WorkerProcess, cpu_seconds_for, does_not_start
from custodes.imaging.room import ROOM_PIXELS, Room
from custodes.imaging.worker.samples import SAMPLES
from custodes.imaging.worker.wire import Measure, Request, Task

R = TypeVar("R")
_TRIES = 3


class DecodingPool:
    """A :class:`custodes.imaging.picture.Decoder` of ``workers`` processes, for any number of threads.

    ``limits``: the widest that a call may ask for; memory is set aside for them.  ``grace``: seconds that a worker may
    overrun its limit before it is ended.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        workers: int = 1,
        grace: float = 1.0,
        start_worker: Callable[[Limits], WorkerProcess] = WorkerProcess,
    ) -> None:
        self._limits = limits
        self._workers = workers
        self._grace = grace
        self._start_worker = start_worker
        self._is_closed = False
        self._retire_after = cpu_seconds_for(limits) / 4
        self._begin()
        _POOLS.add(self)

    def _begin(self) -> None:
        self._changed = Condition()
        self._room = Room(ROOM_PIXELS)
        self._idle: list[WorkerProcess] = []
        self._alive: set[WorkerProcess] = set()
        self._ordered = 0
        self._starter: Thread | None = None
        self._trouble: Exception | None = None

    # --- what a Decoder does ----------------------------------------------------------------------

    def decode(self, data: bytes, *, name: str | None, limits: Limits) -> Picture:
        """Return the picture in ``data``; see :meth:`custodes.imaging.picture.Decoder.decode`.

        Raises:
            ImageError: any of :data:`custodes.imaging.faults.CODES`.
            SetupError: ``image.no-decoder``: no worker can be started.
        """
        request = self._request(Task.DECODE, data, name, limits)
        drawn, sha256 = self._done(request, data, lambda: hashlib.sha256(data).hexdigest())
        return Picture.of(drawn, original=data, sha256=sha256)

    def preview(self, data: bytes, *, name: str | None, limits: Limits, longest_side: int) -> bytes:
        """Return a small JPEG of ``data``; see :meth:`custodes.imaging.picture.Decoder.preview`.

        The worker decodes and shrinks; the JPEG is written here, of pixels alone, so that no worker can choose a byte
        of what a browser will read.

        Raises:
            ImageError: as :meth:`decode`.
            SetupError: as :meth:`decode`.
        """
        request = self._request(Task.PREVIEW, data, name, limits, longest_side)
        drawn, _ = self._done(request, data, lambda: None)
        return encode_jpeg(drawn.pixels)

    def _request(self, task: Task, data: bytes, name: str | None, limits: Limits, side: int = 0) -> Request:
        sizes = ("max_bytes", "max_pixels", "max_decoded_bytes")
        if any(getattr(limits, size) > getattr(self._limits, size) for size in sizes):
            raise ValueError("a call's limits are wider than its pool's")
        check_bytes(data, limits)
        return Request(task, suffix_of(name), len(data), limits, side)

    def _done(self, request: Request, data: bytes, meanwhile: Callable[[], R]) -> tuple[Drawn, R]:
        """Return what a worker made of ``data``, and what ``meanwhile`` returned while it worked.

        A worker that ended before it had the file is replaced, and the file is given to another.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._worker() as worker:
                    worker.send(request, data)
                    aside = meanwhile()
                    return worker.receive(request, data, room=self._room, grace=self._grace), aside
            except WorkerGoneError as error:
                if not tries_left:
                    raise does_not_start() from error
        raise AssertionError("unreachable")

    # --- workers ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Have every worker started, without waiting for them."""
        with self._changed:
            self._order(self._workers)

    def confinement(self) -> frozenset[Measure]:
        """Return what keeps a worker of this pool in its place, as it is in force.

        Raises:
            SetupError: ``image.no-decoder``.
        """
        try:
            with self._worker() as worker:
                return worker.measures
        except WorkerGoneError as error:
            raise does_not_start() from error

    def working_formats(self) -> tuple[str, ...]:
        """Return the formats that this installation decodes, each tried on a small file.

        Raises:
            SetupError: ``image.no-decoder``.
        """
        return tuple(name for name, refusal in self.tried_formats().items() if refusal is None)

    def tried_formats(self) -> dict[str, ImageError | None]:
        """Return every format, and with what error a small sound file of it was refused here: ``None`` if it was not.

        Raises:
            SetupError: ``image.no-decoder``.
        """
        return {name: self._refusal_of(sample) for name, sample in SAMPLES.items()}

    def _refusal_of(self, sample: bytes) -> ImageError | None:
        try:
            self.decode(sample, name=None, limits=self._limits)
        except ImageError as error:
            return error
        return None

    def close(self) -> None:
        """End every worker; files being decoded end in ``image.decoder-died``, later calls in ``RuntimeError``."""
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
            busy = self._alive.difference(idle)
            self._changed.notify_all()
        for worker in idle:
            self._discard(worker)
        for worker in busy:
            worker.kill()

    @contextmanager
    def _worker(self) -> Iterator[WorkerProcess]:
        """Hold a worker that is ready; afterwards it goes back to the others, or is ended if it did not answer well."""
        worker = self._taken()
        try:
            worker.wait_until_ready()
            busy = stopwatch()
            yield worker
            worker.busy_seconds += busy()
        finally:
            if worker.is_usable and worker.busy_seconds < self._retire_after and not self._is_closed:
                with self._changed:
                    self._idle.append(worker)
                    self._changed.notify()
            else:
                self._discard(worker)

    def _taken(self) -> WorkerProcess:
        with self._changed:
            while True:
                if self._is_closed:
                    raise RuntimeError("this pool is closed")
                if self._idle:
                    return self._idle.pop()
                if self._trouble is not None:
                    trouble, self._trouble = self._trouble, None
                    raise does_not_start() from trouble
                self._order(min(self._workers, len(self._alive) + self._ordered + 1))
                self._changed.wait()

    def _discard(self, worker: WorkerProcess) -> None:
        """End ``worker`` and have another one started in its place at once."""
        worker.end()
        with self._changed:
            self._alive.discard(worker)
            self._order(min(self._workers, len(self._alive) + self._ordered + 1))

    def _order(self, wanted: int) -> None:
        """Have workers started until there are ``wanted``; called with the lock held."""
        missing = wanted - len(self._alive) - self._ordered
        if missing <= 0 or self._is_closed:
            return
        if self._starter is None:
            starter = Thread(target=self._start_what_is_ordered, name="decoding-workers", daemon=True)
            starter.start()
            self._starter = starter
        self._ordered += missing
        self._changed.notify_all()

    def _start_what_is_ordered(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ordered or self._is_closed)
                if self._is_closed:
                    return
            worker: WorkerProcess | None = None
            trouble: Exception | None = None
            try:
                worker = self._start_worker(self._limits)
            except Exception as error:  # noqa: BLE001 - whoever waits for a worker must learn of it
                trouble = error
            self._admit(worker, trouble)

    def _admit(self, worker: WorkerProcess | None, trouble: Exception | None) -> None:
        """Take in what was started; nobody wants it if the pool was closed meanwhile."""
        with self._changed:
            self._ordered -= 1
            self._trouble = trouble
            is_wanted = not self._is_closed
            if worker is not None and is_wanted:
                self._alive.add(worker)
                self._idle.append(worker)
            self._changed.notify_all()
        if worker is not None and not is_wanted:
            worker.end()

    def forget_workers(self) -> None:
        """In a fork: leave the parent's workers to it, and begin without any."""
        for worker in self._alive:
            worker.disown()
        self._begin()


_POOLS: weakref.WeakSet[DecodingPool] = weakref.WeakSet()


def _close_all() -> None:
    for pool in tuple(_POOLS):
        pool.close()


def _forget_in_fork() -> None:
    for pool in tuple(_POOLS):
        pool.forget_workers()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_in_fork)
