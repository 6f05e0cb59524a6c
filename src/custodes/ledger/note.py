"""Signed notes: C2SP `signed-note`, the text format of everything that a log or a witness signs.

A note is text that ends in a newline, an empty line, and signature lines ``— <key name> <base64>``, where the base64
is four bytes of key id and the signature.  This module reads and writes the format, strictly: one spelling of each
note, canonical base64 (RFC 4648, section 3.5), no control characters, at most :data:`MAX_SIGNATURES` lines.

What it is not: it knows no algorithm.  A :class:`Verifier` or :class:`Signer` does (`ledger.keys`), and which keys
must have signed is a policy's business (`ledger.quorum`).  As the specification demands, signatures of unknown keys
are ignored, even where name or id alone is a known one's, and one wrong signature of a known key refuses the note.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from custodes.errors import InputError
from custodes.text import N_

KEY_ID_BYTES = 4
MAX_SIGNATURES = 64
"""`signed-note` asks for at least 16."""
MAX_NOTE_BYTES = 1_000_000

_DASH = "\N{EM DASH} "
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: ``name`` and ``key_id`` (4 bytes) say whose it claims to be; ``payload`` is the signature."""

    name: str
    key_id: bytes
    payload: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.payload).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Return the signature that ``line`` (without its newline) holds.

        Raises:
            InputError: ``ledger.note-malformed``.
        """
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        raw = decode_base64(encoded)
        if not line.startswith(_DASH) or not is_key_name(name) or raw is None or len(raw) <= KEY_ID_BYTES:
            raise _malformed(N_("A signature line is not “— name base64”."))
        return cls(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class SignedNote:
    """``text`` (ends in a newline, signed as UTF-8) and the signatures under it, verified by nobody yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode()

    @classmethod
    def parse(cls, data: bytes) -> SignedNote:
        """Return the note that ``data`` holds.

        Raises:
            InputError: ``ledger.note-malformed``.
        """
        if len(data) > MAX_NOTE_BYTES:
            raise _malformed(N_("It is longer than any note."))
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed(N_("It is not UTF-8.")) from error
        if _CONTROLS.search(whole):
            raise _malformed(N_("It contains a control character."))
        text, gap, below = whole.rpartition("\n\n")
        lines = below.split("\n")
        if not gap or lines.pop() or not lines:
            raise _malformed(N_("It does not end in an empty line and whole signature lines."))
        if len(lines) > MAX_SIGNATURES:
            raise _malformed(N_("It has more signatures than any note."))
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def with_signatures(self, more: Iterable[Signature]) -> SignedNote:
        """Return this note with more signatures; one of a key that had signed already replaces its old one."""
        new = tuple(more)
        replaced = {(signature.name, signature.key_id) for signature in new}
        kept = (old for old in self.signatures if (old.name, old.key_id) not in replaced)
        return SignedNote(self.text, (*kept, *new))


class Verifier(Protocol):
    """A public key by name: says whether a signature is its own."""

    @property
    def name(self) -> str:
        """The key name."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; not a fingerprint."""
        ...

    def verify(self, text: bytes, payload: bytes) -> bool:
        """Return whether ``payload`` is this key's signature of a note's ``text``; never raises."""
        ...


class Signer(Protocol):
    """A private key by name, wherever it is kept: a file, an HSM, a service."""

    @property
    def verifier(self) -> Verifier:
        """The public key of the signatures made."""
        ...

    def sign(self, text: bytes, at: int) -> bytes:
        """Return the signature of ``text``; ``at`` (seconds since 1970, UTC) is put in where the type has a time."""
        ...


def sign_note(text: str, signers: Iterable[Signer], at: int) -> SignedNote:
    """Return ``text`` signed by each of ``signers`` at ``at`` (seconds since 1970, UTC).

    Raises:
        InputError: ``ledger.note-malformed``, the text cannot be a note's.
    """
    if not text.endswith("\n") or _CONTROLS.search(text):
        raise _malformed(N_("Its text does not end in a newline, or contains a control character."))
    return cosign(SignedNote(text, ()), signers, at)


def cosign(note: SignedNote, signers: Iterable[Signer], at: int) -> SignedNote:
    """Return ``note`` with the signatures of ``signers`` added."""
    text = note.text.encode()
    return note.with_signatures(
        Signature(signer.verifier.name, signer.verifier.key_id, signer.sign(text, at)) for signer in signers
    )


def verified_signatures(note: SignedNote, known: Sequence[Verifier]) -> tuple[tuple[Verifier, Signature], ...]:
    """Return the signatures of ``known`` keys, each verified, in the order of the note; none is not an error.

    Raises:
        InputError: ``ledger.signature-wrong``, when a known key's signature is not one of this text.
    """
    text = note.text.encode()
    verified: list[tuple[Verifier, Signature]] = []
    for signature in note.signatures:
        for verifier in known:
            if (verifier.name, verifier.key_id) != (signature.name, signature.key_id):
                continue
            if not verifier.verify(text, signature.payload):
                raise InputError(
                    "ledger.signature-wrong",
                    N_("The signature of %(key)s is not one of this text."),
                    why=N_("The text or the signature was altered, or it was taken from another note."),
                    key=signature.name,
                )
            verified.append((verifier, signature))
    return tuple(verified)


def open_note(data: bytes, known: Sequence[Verifier]) -> SignedNote:
    """Return the note in ``data`` after at least one of ``known`` proved to have signed it.

    Raises:
        InputError: ``ledger.note-malformed``, ``ledger.signature-wrong`` or ``ledger.signature-missing``.
    """
    note = SignedNote.parse(data)
    if not verified_signatures(note, known):
        raise unsigned(known)
    return note


def unsigned(known: Iterable[Verifier]) -> InputError:
    """Return the error for a note that none of ``known`` signed."""
    return InputError(
        "ledger.signature-missing",
        N_("The note carries no signature of a key that is trusted here."),
        hint=N_("Trusted here: %(keys)s."),
        keys=", ".join(verifier.name for verifier in known) or "–",
    )


def is_key_name(name: str) -> bool:
    """Return whether ``name`` can name a key: not empty, no space of any script, no plus sign, nothing unprintable."""
    return bool(name) and "+" not in name and not any(c.isspace() for c in name) and not _CONTROLS.search(name)


def decode_base64(text: str) -> bytes | None:
    """Return what canonical base64 (RFC 4648, sections 3.5 and 4) stands for; None if ``text`` is none."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def _malformed(why: str) -> InputError:
    return InputError("ledger.note-malformed", N_("This is not a signed note (C2SP signed-note)."), why=why)
