"""The parent's side of one worker: start it, hand it a job, wait no longer than allowed, believe nothing unchecked.

The memory that both see is sealed at its size, so that a worker cannot cut it short and make the parent's own reading
a crash.  Pixels are copied out of it once; what the worker does to it later changes nothing.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import select
import subprocess
import sys
from contextlib import ExitStack, suppress

import numpy as np

from custodes.errors import CustodesError, ImageError, SetupError
from custodes.imaging import faults
from custodes.imaging.deadline import Deadline
from custodes.imaging.picture import Drawn, Limits
from custodes.imaging.room import Room
from custodes.imaging.sniff import sniff
from custodes.imaging.worker.wire import (
    FRAME,
    GO,
    Header,
    Kind,
    Measure,
    Request,
    believable,
    fault_in,
    measures_in,
    number_in,
    places,
)
from custodes.text import N_
from custodes.types import Pixels

START_SECONDS = 60.0
"""A worker starts in half a second; a machine under load may need more, and one that hangs is not waited for."""
_LEAST_CPU_SECONDS = 600

_BOOT = "import sys; sys.path[:] = sys.argv[9:]; from %s import main; main(sys.argv[1:9])"
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # keep up to 64 MB for the next picture: fetching it anew from the kernel costs as much as half of the decoding
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 26),
}
_LARGE = 1 << 24
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_SPARE_BYTES = 100_000_000


class WorkerGoneError(Exception):
    """The worker had ended before it was given the file, whose fault it therefore cannot be."""


def memory_for(limits: Limits) -> int:
    """Return the bytes that decoding within ``limits`` may hold.

    What the decoder needs, Pillow's four bytes and our three for each pixel, three copies of the file, and some.
    """
    return limits.max_decoded_bytes + 7 * limits.max_pixels + 3 * limits.max_bytes + _SPARE_BYTES


def cpu_seconds_for(limits: Limits) -> int:
    """Return the processor time in a worker's whole life, at which the kernel ends it.

    The pool retires a worker after a quarter of it, and one job takes no more than a quarter either.
    """
    return max(_LEAST_CPU_SECONDS, math.ceil(10 * limits.max_seconds))


class WorkerProcess:
    """One worker, used by one thread at a time.

    ``measures``: what confines it, once it has said that it is ready.  ``is_usable``: whether it waits for a job.
    ``busy_seconds``: how long it has worked.  ``program``: the module whose ``main`` runs in it.
    """

    program = "custodes.imaging.worker.main"

    def __init__(self, limits: Limits) -> None:
        """Start a worker for files within ``limits``; it gets ready while nobody waits.

        Raises:
            OSError: the machine has no memory, process or file descriptor to spare.
        """
        self._limits = limits
        self._pixels_at, size = places(limits)
        self.measures: frozenset[Measure] = frozenset()
        self.is_usable = False
        self._is_ready = False
        self.busy_seconds = 0.0
        with ExitStack() as theirs, ExitStack() as ours:
            shared = os.memfd_create("custodes-picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            theirs.callback(os.close, shared)
            os.ftruncate(shared, size)
            fcntl.fcntl(shared, fcntl.F_ADD_SEALS, _SEALS)
            self._shared = mmap.mmap(shared, size)
            requests, self._requests = os.pipe()
            theirs.callback(os.close, requests)
            ours.callback(os.close, self._requests)
            self._replies, replies = os.pipe()
            theirs.callback(os.close, replies)
            ours.callback(os.close, self._replies)
            self._process = self._started(requests, replies, shared)
            self._open = ours.pop_all()
        self._poll = select.poll()
        self._poll.register(self._replies, select.POLLIN)

    def _started(self, *handed_over: int) -> subprocess.Popen[bytes]:
        numbers = (
            *handed_over,
            os.getpid(),
            memory_for(self._limits),
            cpu_seconds_for(self._limits),
            self._limits.max_bytes,
            self._limits.max_pixels,
        )
        paths = [path for path in sys.path if path.startswith(os.sep)]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-I", "-S", "-B", "-c", _BOOT % self.program, *map(str, numbers), *paths],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=handed_over,
            # Ctrl-C in a terminal is for the parent
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return as soon as the worker is ready for work.

        Raises:
            WorkerGoneError: it ended before, or does not get ready.
        """
        if self._is_ready:
            return
        try:
            kind, body = self._frame(Deadline.after(START_SECONDS))
        except ImageError as error:
            raise WorkerGoneError from error
        if kind is not Kind.READY:
            raise WorkerGoneError
        self.measures = measures_in(number_in(body))
        self._is_ready = self.is_usable = True

    def send(self, request: Request, data: bytes) -> None:
        """Hand over a job.

        Raises:
            WorkerGoneError: the worker has ended, or says things that nobody asked.
        """
        self.is_usable = False
        if self._poll.poll(0):
            raise WorkerGoneError
        np.copyto(np.frombuffer(self._shared, np.uint8, len(data)), np.frombuffer(data, np.uint8))
        try:
            os.write(self._requests, request.packed())
        except OSError as error:
            raise WorkerGoneError from error

    def receive(self, request: Request, data: bytes, *, room: Room, grace: float) -> Drawn:
        """Return what the worker drew of ``data``.

        Raises:
            ImageError: what it says is wrong with the file; ``image.too-slow`` if it does not answer within the
                limit and ``grace`` seconds; ``image.decoder-died`` if it ends, or answers with what cannot be.
        """
        seconds = request.limits.max_seconds
        with ExitStack() as held:
            kind, body = self._frame(Deadline.after(seconds + grace), seconds)
            if kind is Kind.ROOM:
                held.enter_context(room.taken(min(number_in(body), request.limits.max_pixels)))
                with suppress(OSError):
                    os.write(self._requests, GO)
                kind, body = self._frame(Deadline.after(seconds + grace), seconds)
            if kind in (Kind.FAULT, Kind.LAST_FAULT):
                raise self._fault(kind, body)
            header = believable(body, request, _format_of(data)) if kind is Kind.DRAWN else None
            if header is None:
                raise faults.decoder_died()
            drawn = self._taken_out(header, request.size)
        self.is_usable = True
        return drawn

    def _fault(self, kind: Kind | None, body: bytes) -> ImageError:
        error = fault_in(body)
        self.is_usable = error is not None and kind is Kind.FAULT
        return error or faults.decoder_died()

    def _taken_out(self, header: Header, size: int) -> Drawn:
        shape = (header.height, header.width, 3)
        count = header.height * header.width * 3
        pixels: Pixels = np.empty(shape, np.uint8)
        np.copyto(pixels, np.frombuffer(self._shared, np.uint8, count, self._pixels_at).reshape(shape))
        if count > _LARGE:
            self._shared.madvise(mmap.MADV_REMOVE, self._pixels_at, count)
        if size > _LARGE:
            self._shared.madvise(mmap.MADV_REMOVE, 0, size)
        return Drawn(
            pixels,
            header.format,
            header.stored_width,
            header.stored_height,
            header.orientation,
            header.trailing_bytes,
            header.frames,
            header.notes,
        )

    def _frame(self, deadline: Deadline, allowed: float | None = None) -> tuple[Kind | None, bytes]:
        """Return the next frame's kind (``None`` for one that is unknown) and content."""
        frame = b""
        while len(frame) < FRAME:
            if not self._poll.poll(max(0.0, deadline.left) * 1000):
                raise faults.too_slow(f"{allowed or deadline.allowed:g}")
            piece = os.read(self._replies, FRAME - len(frame))
            if not piece:
                raise faults.decoder_died()
            frame += piece
        try:
            return Kind(frame[0]), frame[1:]
        except ValueError:
            return None, b""

    def kill(self) -> None:
        """End the process, whatever it is doing; who waits for it learns of it."""
        self._process.kill()

    def end(self) -> None:
        """End the process and give everything back."""
        self.is_usable = False
        self._process.kill()
        self._process.wait()
        self._let_go()

    def disown(self) -> None:
        """In a fork of the parent: the worker is the parent's, and this process has no part in it."""
        self._process.returncode = 0
        self._let_go()

    def _let_go(self) -> None:
        self._open.close()
        # a view of it may still be held by the traceback of an error, or by a thread that a fork left behind
        with suppress(BufferError):
            self._shared.close()


def does_not_start() -> SetupError:
    """Return the error for an installation whose workers end before they are given a file."""
    return SetupError(
        "image.no-decoder",
        N_("The process that decodes images does not start."),
        why=N_("Images are read only in a process of their own, because a file may be built to harm."),
        hint=N_("Run “custodes doctor”; check that the machine has memory and processes to spare."),
    )


def _format_of(data: bytes) -> str:
    """Return the format that the first bytes name, or nothing that any worker could say."""
    try:
        return sniff(data)
    except CustodesError:
        return ""
