"""What a log and a witness say to each other: the `add-checkpoint` call of C2SP `tlog-witness`.

A request is the line ``old <size>``, at most 63 lines of consistency proof, an empty line, and a signed checkpoint.
An answer is a status, and under it cosignature lines (200), the size of the checkpoint cosigned last (409) or nothing.

What it is not: it judges no signature and no proof (`witnessing.witness`) and knows no HTTP (`witnessing.serving`,
`witnessing.client`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ledger.checkpoint import Checkpoint, parse_decimal
from custodes.ledger.note import MAX_SIGNATURES, Signature, SignedNote, decode_base64
from custodes.ledger.tree import HASH_BYTES
from custodes.text import N_

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 262_144
"""Room for every signature that a note may have, each of the longest kind, and for the longest proof."""
MAX_ANSWER_BYTES = 65_536

OK, MALFORMED, FORBIDDEN, UNKNOWN, CONFLICT, UNPROVEN = 200, 400, 403, 404, 409, 422


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks of a witness.

    ``old_size``: entries of the checkpoint that the witness is thought to have cosigned last, 0 for none.  ``proof``:
    at most 63 hashes of 32 bytes, from ``old_size`` to the size of ``checkpoint``.  ``note``: the signed checkpoint,
    its signatures verified by nobody yet.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: SignedNote
    checkpoint: Checkpoint

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old_size}", *(base64.b64encode(digest).decode() for digest in self.proof), ""]
        return "".join(line + "\n" for line in lines).encode() + bytes(self.note)

    @classmethod
    def make(cls, note: SignedNote, old_size: int, proof: Iterable[bytes]) -> Request:
        """Return the request for a cosignature under ``note``.

        Raises:
            InputError: ``ledger.checkpoint-malformed``, when ``note`` is not one of a checkpoint.
        """
        return cls(old_size, tuple(proof), note, Checkpoint.parse(note.text))

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """Return the request that ``data`` spells; ``bytes`` of it is ``data`` again.

        Raises:
            InputError: ``ledger.request-malformed``, ``ledger.note-malformed`` or ``ledger.checkpoint-malformed``.
        """
        above, gap, note = data.partition(b"\n\n")
        if len(data) > MAX_REQUEST_BYTES or not gap or not above.isascii():
            raise _malformed(N_("It has no empty line before its checkpoint, or is longer than any request."))
        first, *lines = above.decode("ascii").split("\n")
        old_size = parse_decimal(first.removeprefix("old ")) if first.startswith("old ") else None
        if old_size is None:
            raise _malformed(N_("Its first line is not “old” and a number of entries."))
        if len(lines) > MAX_PROOF_LINES:
            raise _malformed(N_("Its proof has more than 63 lines."))
        proof = [digest for digest in map(decode_base64, lines) if digest is not None and len(digest) == HASH_BYTES]
        if len(proof) != len(lines):
            raise _malformed(N_("A line of its proof is not a hash."))
        return cls.make(SignedNote.parse(note), old_size, proof)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers. ``status``: of HTTP; ``content_type``: "" where there is no ``body``."""

    status: int
    content_type: str = ""
    body: bytes = b""

    @classmethod
    def cosigned(cls, signatures: Iterable[Signature]) -> Answer:
        """Return the answer that holds cosignatures."""
        return cls(OK, TEXT_TYPE, "".join(map(str, signatures)).encode())

    @classmethod
    def at_size(cls, size: int) -> Answer:
        """Return the answer that says how large the checkpoint cosigned last is."""
        return cls(CONFLICT, SIZE_TYPE, f"{size}\n".encode())

    def signatures(self) -> tuple[Signature, ...]:
        """Return the signature lines in the body, whosever they are.

        Raises:
            InputError: ``ledger.note-malformed`` or ``ledger.answer-malformed``.
        """
        try:
            lines = self.body.decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise _unreadable() from error
        if lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES:
            raise _unreadable()
        return tuple(map(Signature.parse, lines))

    def size(self) -> int | None:
        """Return the size in the body of a 409; None if there is none to be read."""
        text = self.body.decode("ascii", "replace")
        declared = self.content_type.partition(";")[0].strip().lower() == SIZE_TYPE
        return parse_decimal(text.removesuffix("\n")) if declared and text.endswith("\n") else None


def _malformed(why: str) -> InputError:
    return InputError(
        "ledger.request-malformed", N_("This is not a request to a witness (C2SP tlog-witness)."), why=why
    )


def _unreadable() -> InputError:
    return InputError("ledger.answer-malformed", N_("This is not the answer of a witness (C2SP tlog-witness)."))
