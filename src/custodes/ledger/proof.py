"""Proofs that fit in a file: C2SP `tlog-proof`, what a person is handed to keep.

A ``.tlog-proof`` holds the number of an entry, its audit path and the signed checkpoint that it leads to.  With the
entry itself and a policy of trusted keys it is verified anywhere, without a server; ``extra`` is carried along and
proves nothing (`tlog-proof`, "Format").

What it is not: it does not hold the entry.  Who may see that is decided elsewhere.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ledger.checkpoint import Checkpoint, parse_decimal
from custodes.ledger.note import MAX_NOTE_BYTES, SignedNote, decode_base64
from custodes.ledger.quorum import Policy, Witnessed
from custodes.ledger.tree import HASH_BYTES, NodeReader, inclusion_proof, leaf_hash, verify_inclusion
from custodes.text import N_

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_EXTRA_BYTES = 1_000_000
_MAX_HASHES = 62
_MAX_BYTES = MAX_NOTE_BYTES + MAX_EXTRA_BYTES * 4 // 3 + 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is in a log.

    ``index``: from 0.  ``path``: hashes of 32 bytes, from the leaf's sibling upwards.  ``note``: the bytes of a signed
    checkpoint.  ``extra``: bytes that nothing vouches for, or None.
    """

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        extra = [] if self.extra is None else ["extra " + base64.b64encode(self.extra).decode()]
        lines = [
            HEADER,
            *extra,
            f"index {self.index}",
            *(base64.b64encode(digest).decode() for digest in self.path),
            "",
        ]
        return "".join(line + "\n" for line in lines).encode() + self.note

    @classmethod
    def make(cls, nodes: NodeReader, index: int, note: bytes, *, extra: bytes | None = None) -> Proof:
        """Return the proof that entry ``index`` is under the signed checkpoint ``note`` of the tree behind ``nodes``.

        Raises:
            InputError: ``ledger.index-outside``, or what makes ``note`` no checkpoint.
        """
        checkpoint = Checkpoint.parse(SignedNote.parse(note).text)
        return cls(index, inclusion_proof(nodes, index, checkpoint.size), note, extra)

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Return the proof that a ``.tlog-proof`` file spells; ``bytes`` of it is ``data`` again.

        Raises:
            InputError: ``ledger.proof-malformed``, ``ledger.note-malformed`` or ``ledger.checkpoint-malformed``.
        """
        above, gap, note = data.partition(b"\n\n")
        if len(data) > _MAX_BYTES or not gap or not above.isascii():
            raise _malformed(N_("It has no empty line before its checkpoint, or is longer than any proof."))
        header, *lines = above.decode("ascii").split("\n")
        if header != HEADER:
            raise _malformed(N_("Its first line does not say what it is."))
        extra: bytes | None = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
            if extra is None:
                raise _malformed(N_("Its extra data are not base64."))
        index = parse_decimal(lines.pop(0).removeprefix("index ")) if lines and lines[0].startswith("index ") else None
        if index is None:
            raise _malformed(N_("It does not give the number of an entry."))
        path = [digest for digest in map(decode_base64, lines) if digest is not None and len(digest) == HASH_BYTES]
        if len(path) != len(lines) or len(path) > _MAX_HASHES:
            raise _malformed(N_("A line of its audit path is not a hash, or there are too many."))
        Checkpoint.parse(SignedNote.parse(note).text)
        return cls(index, tuple(path), note, extra)

    def verify(self, entry: bytes, policy: Policy) -> Witnessed:
        """Verify that ``entry`` is entry ``index`` of a log of ``policy``, in a checkpoint that a quorum cosigned.

        Raises:
            InputError: ``ledger.inclusion-wrong``, or as :meth:`~custodes.ledger.quorum.Policy.accept`.
        """
        witnessed = policy.accept(self.note)
        checkpoint = witnessed.checkpoint
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)
        return witnessed


def _malformed(why: str) -> InputError:
    return InputError("ledger.proof-malformed", N_("This is not a proof (C2SP tlog-proof)."), why=why)
