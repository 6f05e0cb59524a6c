"""Checkpoints: C2SP `tlog-checkpoint`, what a log says that it is at one moment.

The text of a checkpoint is the log's origin, its number of entries, the root of the tree over them, and, if it must
be, extension lines.  Signing and verifying is `ledger.keys`; which signatures suffice is `ledger.quorum`.

Extension lines are read and kept, and never written by this product: the ML-DSA-44 cosignature does not cover them
(`tlog-cosignature`), and no monitor can audit them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ledger.note import decode_base64
from custodes.ledger.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from custodes.text import N_

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def parse_decimal(text: str) -> int | None:
    """Return an ASCII decimal without leading zeros as a number up to 2**62; None if ``text`` is none."""
    number = int(text) if _DECIMAL.fullmatch(text) else None
    return None if number is None or number > MAX_SIZE else number


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin``: which log; ``size``: entries, 0 to 2**62; ``root``: 32 bytes; ``extensions``: opaque lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint that a note's ``text`` spells; ``str`` of it is ``text`` again.

        Raises:
            InputError: ``ledger.checkpoint-malformed``.
        """
        lines = text.split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines):
            raise _malformed(N_("It does not have three or more lines, none of them empty."))
        size, root = parse_decimal(lines[1]), decode_base64(lines[2])
        if size is None:
            raise _malformed(N_("Its second line is not a number of entries."))
        if root is None or len(root) != HASH_BYTES:
            raise _malformed(N_("Its third line is not a root hash."))
        if size == 0 and root != EMPTY_ROOT:
            raise _malformed(N_("A log without entries has one root only, and it is another."))
        return cls(lines[0], size, root, tuple(lines[3:]))


def _malformed(why: str) -> InputError:
    return InputError("ledger.checkpoint-malformed", N_("This is not a checkpoint (C2SP tlog-checkpoint)."), why=why)
