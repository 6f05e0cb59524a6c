"""A worker that was taken over: it does to its parent what the file it was given tells it to.

The file is ``GIF89a|WHAT|...``.  Runs in a process of its own, under the same confinement as a true worker.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
from collections.abc import Callable

from custodes.imaging.picture import Limits, Note
from custodes.imaging.worker.confine import confine
from custodes.imaging.worker.wire import FRAME, GO, Header, Kind, Measure, Request, frame, packed_number, places

HONEST = Header("GIF", 4, 2, 4, 2, 1, 0, 1, (Note.GREY,))
DRAWN = struct.Struct("<BIIIIBQII")


def drawn(*fields: int) -> bytes:
    return frame(Kind.DRAWN, DRAWN.pack(*fields))


def fault(text: str) -> bytes:
    return frame(Kind.FAULT, text.encode())


LIES: dict[str, bytes] = {
    "honest": HONEST.packed(),
    "enormous": drawn(4, 2**31, 2**31, 2**31, 2**31, 1, 0, 1, 0),
    "beyond-the-limit": drawn(4, 7000, 7000, 7000, 7000, 1, 0, 1, 0),
    "larger-than-stored": drawn(4, 400, 400, 4, 2, 1, 0, 1, 0),
    "nothing": drawn(4, 0, 0, 0, 0, 1, 0, 1, 0),
    "turned-without-saying": drawn(4, 2, 4, 4, 2, 1, 0, 1, 0),
    "another-format": drawn(0, 4, 2, 4, 2, 1, 0, 1, 0),
    "unknown-format": drawn(200, 4, 2, 4, 2, 1, 0, 1, 0),
    "impossible-orientation": drawn(4, 4, 2, 4, 2, 9, 0, 1, 0),
    "unknown-note": drawn(4, 4, 2, 4, 2, 1, 0, 1, 1 << 31),
    "more-behind-it-than-there-is": drawn(4, 4, 2, 4, 2, 1, 10**9, 1, 0),
    "no-picture-at-all": drawn(4, 4, 2, 4, 2, 1, 0, 0, 0),
    "two-billion-pictures": drawn(4, 4, 2, 4, 2, 1, 0, 2**31, 0),
    "unknown-kind": b"\xee" * FRAME,
    "ready-again": packed_number(Kind.READY, 63),
    "no-json": fault("{{{{"),
    "deep-json": fault("[" * 1000),
    "unknown-code": fault('["policy.allowed", {}]'),
    "code-of-another-kind": fault('[{"a": 1}, {}]'),
    "missing-value": fault('["image.too-many-pixels", {"width": 1}]'),
    "text-for-a-number": fault('["image.too-many-bytes", {"limit": "%(secret)s"}]'),
    "template-for-a-word": fault('["image.wrong-extension", {"format": "%(x)s <script>"}]'),
    "true-for-a-number": fault('["image.too-many-bytes", {"limit": true}]'),
    "value-too-many": fault('["image.damaged", {"why": "because"}]'),
}


def main(arguments: list[str]) -> None:  # noqa: C901 - one small function per attack
    requests, replies, shared, parent, memory_bytes, cpu_seconds, most_bytes, most_pixels = map(int, arguments)
    at, size = places(Limits(most_bytes, most_pixels))
    memory = mmap.mmap(shared, size)
    measures = confine(memory_bytes=memory_bytes, cpu_seconds=cpu_seconds, parent=parent)
    os.write(replies, packed_number(Kind.READY, sum(1 << measure for measure in measures)))

    def honest() -> None:
        memory[at : at + 24] = bytes(range(24))
        os.write(replies, LIES["honest"])

    def eat() -> None:
        try:
            kept = [bytearray(1 << 24) for _ in range(1000)]
            os.write(replies, LIES["no-json"] if kept else b"")
        except MemoryError:
            os.write(replies, frame(Kind.LAST_FAULT, b'["image.too-much-memory", {"limit": 256000000}]'))

    def shrink() -> None:
        for length in (0, 4096):
            try:
                os.ftruncate(shared, length)
            except OSError:
                continue
        honest()

    def ask_for_all_room() -> None:
        os.write(replies, packed_number(Kind.ROOM, 2**63))
        assert os.read(requests, FRAME) == GO
        honest()

    def ask_for_room_without_end() -> None:
        for _ in range(50):
            os.write(replies, packed_number(Kind.ROOM, 5))

    def change_later() -> None:
        honest()
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            memory[at : at + 24] = b"\xff" * 24

    def chatter() -> None:
        honest()
        os.write(replies, LIES["honest"] * 3)

    behaviours: dict[str, Callable[[], object]] = {
        "hang": lambda: time.sleep(600),
        "spin": lambda: [None for _ in iter(int, 1)],
        "kill-itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "abort": os.abort,
        "leave": lambda: os._exit(0),
        "half-an-answer": lambda: (os.write(replies, b"\x03" * 10), time.sleep(600)),
        "eat": eat,
        "shrink": shrink,
        "ask-for-all-room": ask_for_all_room,
        "ask-for-room-without-end": ask_for_room_without_end,
        "change-later": change_later,
        "chatter": chatter,
        "run-a-program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - which is the attack
        "honest": honest,
    }
    while piece := os.read(requests, FRAME):
        what = memory[: Request.unpacked(piece).size].split(b"|")[1].decode()
        if what in behaviours:
            behaviours[what]()
        else:
            os.write(replies, LIES[what])
    assert Measure.LIMITS in measures
