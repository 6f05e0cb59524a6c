"""What is declared when the end of a log is lost with every copy of it: a new log begins, and says what is missing.

Witnesses know a longer log than the one that is left, and cosign no shorter one.  Two overseers sign a declaration
(:class:`Declaration`) that names what was cosigned and what is left; the successor's first entry states it, and each
witness accepts the successor only by its operator's act (`witnessing.witness`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.errors import Conflict, InputError
from custodes.ledger.checkpoint import Checkpoint, parse_decimal
from custodes.ledger.keys import VerifierKey
from custodes.ledger.note import SignedNote, decode_base64
from custodes.ledger.tree import HASH_BYTES
from custodes.ledger.witnessing.standing import signed_by_two
from custodes.text import N_

HEADER = "custodes/successor-log@v1"
_NAME_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Tree:
    """``size`` entries with the RFC 6962 ``root`` (32 bytes)."""

    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.size} {base64.b64encode(self.root).decode()}"

    @classmethod
    def parse(cls, text: str) -> Tree | None:
        size, _, root = text.partition(" ")
        number, digest = parse_decimal(size), decode_base64(root)
        return cls(number, digest) if number is not None and digest and len(digest) == HASH_BYTES else None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Tree:
        """Return what a checkpoint names."""
        return cls(checkpoint.size, checkpoint.root)


@dataclass(frozen=True, slots=True)
class Declaration:
    """That the log ``origin``, of which ``cosigned`` was seen by witnesses, goes on from ``left``; ``at``: seconds."""

    origin: str
    cosigned: Tree
    left: Tree
    at: int

    def __str__(self) -> str:
        """The text of the note that two overseers sign, each with an Ed25519 key (C2SP `signed-note`)."""
        return f"{HEADER}\n{self.origin}\ncosigned {self.cosigned}\nleft {self.left}\ndeclared {self.at}\n"

    @property
    def gap(self) -> int:
        """How many cosigned entries are given up."""
        return self.cosigned.size - self.left.size

    @property
    def successor(self) -> str:
        """The name of the log that follows: the old one's, and digits of what was declared."""
        stem = self.origin.partition("~")[0]
        return f"{stem}~{hashlib.sha256(str(self).encode()).hexdigest()[:_NAME_DIGITS]}"

    @classmethod
    def open(cls, data: bytes, overseers: Sequence[VerifierKey]) -> tuple[Declaration, tuple[bytes, ...]]:
        """Return the declaration in a signed note, and the key ids of those of ``overseers`` who signed it.

        Raises:
            InputError: ``ledger.note-malformed``, ``ledger.signature-wrong``, ``ledger.declaration-malformed``, or
                ``ledger.overseers-missing``.
        """
        note = SignedNote.parse(data)
        header, origin, *lines = [*note.text.split("\n"), "", ""][:5]
        cosigned, left = (
            Tree.parse(line.removeprefix(word)) for word, line in zip(("cosigned ", "left "), lines, strict=False)
        )
        at = parse_decimal(lines[2].removeprefix("declared "))
        found = cls(origin, cosigned, left, at) if cosigned and left and at is not None else None
        if found is None or header != HEADER or str(found) != note.text:
            raise _malformed(N_("Its lines are not a header, the log, what was cosigned, what is left, and a time."))
        if found.gap <= 0:
            raise _malformed(N_("Nothing is missing: what is left reaches as far as what was cosigned."))
        return found, signed_by_two(note, overseers)


def unfinished() -> Conflict:
    """Return the error for a log while its successor is half begun."""
    return Conflict(
        "ledger.succession-unfinished",
        N_("A successor log was begun, and not all of it is done."),
        why=N_("Until it is, nothing is sealed."),
        hint=N_("Run “custodes ledger succeed” again with the same declaration."),
    )


def _malformed(why: str) -> InputError:
    return InputError("ledger.declaration-malformed", N_("This is not a declaration of a successor log."), why=why)
