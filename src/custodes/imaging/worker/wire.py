"""What parent and worker say to each other: frames of a fixed size over two pipes, and memory that both see.

The shared memory begins with the file's bytes; the pixels follow at a place that both compute.  Nothing is pickled,
and the parent believes nothing that it has not checked: see :func:`believable`.
"""

from __future__ import annotations

import json
import mmap
import struct
from dataclasses import dataclass
from enum import IntEnum

from custodes.errors import ImageError
from custodes.imaging import faults
from custodes.imaging.containers.base import MAX_PARTS
from custodes.imaging.picture import Limits, Note
from custodes.imaging.sniff import FORMATS
from custodes.text import N_

FRAME = 1024
"""Bytes of every frame: less than a pipe takes at once, so that none is ever half written (POSIX ``PIPE_BUF``)."""
GO = b"\x01" * FRAME
"""The answer to a request for room."""

_REQUEST = struct.Struct("<B16sQQQQdI")
_DRAWN = struct.Struct("<BIIIIBQII")
_NUMBER = struct.Struct("<Q")
_NOTES = tuple(Note)


class Task(IntEnum):
    """What is asked of a worker."""

    DECODE = 1
    PREVIEW = 2


class Kind(IntEnum):
    """What a worker says."""

    READY = 1
    ROOM = 2
    DRAWN = 3
    FAULT = 4
    LAST_FAULT = 5
    """After which the worker is not fit for another file: its memory ran out, and there may be little left of it."""


class Measure(IntEnum):
    """One thing that keeps a worker in its place."""

    LIMITS = 0
    NO_NEW_PRIVILEGES = 1
    UNPRIVILEGED = 2
    NO_TRACING = 3
    DIES_WITH_PARENT = 4
    FEW_SYSTEM_CALLS = 5

    @property
    def template(self) -> str:
        """What it does: an English gettext template."""
        return _MEASURES[self]

    @property
    def absence(self) -> str:
        """What it means that it is not in force: an English gettext template."""
        return _ABSENCES[self]


_MEASURES = {
    Measure.LIMITS: N_("It has a limit of memory and of processor time, and can open no file."),
    Measure.NO_NEW_PRIVILEGES: N_("It cannot gain privileges."),
    Measure.UNPRIVILEGED: N_("It is not the superuser."),
    Measure.NO_TRACING: N_("Other processes of its user cannot read its memory."),
    Measure.DIES_WITH_PARENT: N_("It ends when Custodes does."),
    Measure.FEW_SYSTEM_CALLS: N_("It may call few functions of the system: no files, no network, no programs."),
}
_ABSENCES = {
    Measure.LIMITS: N_("It has no limits: one file could use up this machine's memory, or have others opened."),
    Measure.NO_NEW_PRIVILEGES: N_("It could gain privileges, by a program that lends them to whoever starts it."),
    Measure.UNPRIVILEGED: N_("It is the superuser, who can lift every limit that was set for it."),
    Measure.NO_TRACING: N_("Other processes of its user could read its memory, and pictures in it."),
    Measure.DIES_WITH_PARENT: N_("It could outlive Custodes, with pictures in its memory, if Custodes ends suddenly."),
    Measure.FEW_SYSTEM_CALLS: N_(
        "It may call every function of the system: a file that took it over could start programs and end others."
    ),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A job: ``size`` bytes lie at the start of the shared memory; ``longest_side`` in pixels, for a preview."""

    task: Task
    suffix: str
    size: int
    limits: Limits
    longest_side: int = 0

    def packed(self) -> bytes:
        """Return the frame."""
        limits = self.limits
        fields = (limits.max_bytes, limits.max_pixels, limits.max_decoded_bytes, limits.max_seconds)
        suffix = self.suffix.encode("utf-8", "replace")[:16]
        return _REQUEST.pack(self.task, suffix, self.size, *fields, self.longest_side).ljust(FRAME, b"\x00")

    @classmethod
    def unpacked(cls, frame: bytes) -> Request:
        """Return what :meth:`packed` packed."""
        task, suffix, size, most_bytes, pixels, decoded, seconds, side = _REQUEST.unpack_from(frame)
        limits = Limits(most_bytes, pixels, seconds, decoded)
        return cls(Task(task), suffix.rstrip(b"\x00").decode("utf-8", "replace"), size, limits, side)


@dataclass(frozen=True, slots=True)
class Header:
    """What a worker says of the pixels it drew; fields as in :class:`custodes.imaging.picture.Drawn`."""

    format: str
    width: int
    height: int
    stored_width: int
    stored_height: int
    orientation: int
    trailing_bytes: int
    frames: int
    notes: tuple[Note, ...]

    def packed(self) -> bytes:
        """Return the frame."""
        notes = sum(1 << _NOTES.index(note) for note in self.notes)
        sizes = (self.width, self.height, self.stored_width, self.stored_height)
        fields = (FORMATS.index(self.format), *sizes, self.orientation, self.trailing_bytes, self.frames, notes)
        return frame(Kind.DRAWN, _DRAWN.pack(*fields))


def believable(body: bytes, request: Request, expected_format: str) -> Header | None:
    """Return the header in ``body``, which is untrusted; ``None`` if it contradicts the request or itself."""
    number, width, height, stored_w, stored_h, orientation, trailing, frames, bits = _DRAWN.unpack_from(body)
    is_sound = (
        number < len(FORMATS)
        and FORMATS[number] == expected_format
        and 1 <= orientation <= 8
        and bits < 1 << len(_NOTES)
        and trailing < request.size
        and 1 <= frames <= MAX_PARTS + 1
        and width > 0
        and height > 0
        and width * height <= stored_w * stored_h <= request.limits.max_pixels
    )
    if not is_sound:
        return None
    if request.task is Task.PREVIEW:
        if max(width, height) > request.longest_side:
            return None
    elif (width, height) != ((stored_w, stored_h) if orientation < 5 else (stored_h, stored_w)):
        return None
    notes = tuple(note for place, note in enumerate(_NOTES) if bits >> place & 1)
    return Header(expected_format, width, height, stored_w, stored_h, orientation, trailing, frames, notes)


def frame(kind: Kind, body: bytes) -> bytes:
    """Return a worker's frame."""
    return (bytes([kind]) + body).ljust(FRAME, b"\x00")


def packed_number(kind: Kind, number: int) -> bytes:
    """Return a frame of one number: pixels that want room, or measures as bits."""
    return frame(kind, _NUMBER.pack(number))


def number_in(body: bytes) -> int:
    """Return the number of such a frame."""
    return int(_NUMBER.unpack_from(body)[0])


def measures_in(bits: int) -> frozenset[Measure]:
    """Return the measures that ``bits`` name."""
    return frozenset(measure for measure in Measure if bits >> measure & 1)


def packed_fault(error: ImageError, *, is_last: bool = False) -> bytes:
    """Return the frame of an error: its code and its values, no sentence."""
    kind = Kind.LAST_FAULT if is_last else Kind.FAULT
    return frame(kind, json.dumps([error.code, dict(error.values)]).encode())


def fault_in(body: bytes) -> ImageError | None:
    """Return the error in ``body``, which is untrusted; ``None`` if there is none that could be."""
    try:
        code, values = json.loads(body.rstrip(b"\x00"))
    except (ValueError, TypeError, RecursionError):
        return None
    return faults.rebuilt(code, values)


def places(limits: Limits) -> tuple[int, int]:
    """Return where the pixels begin in the shared memory, and its size, in bytes."""
    pixels_at = _whole_pages(limits.max_bytes)
    return pixels_at, pixels_at + _whole_pages(3 * limits.max_pixels)


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
