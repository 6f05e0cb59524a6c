"""A log's own keys through the years: which one signs, and which one a checkpoint of long ago was signed with.

A log has one name, its origin, and under it a key of each type that it signs with, Ed25519 and ML-DSA-44.  When a key
is replaced, the old one stays in the published list ``log-keys`` with the sizes at which it was in use, so that every
old checkpoint still verifies.  A checkpoint of ``n`` entries is good if, of each type, a key in use at ``n`` has
signed it.  A key is in use from the size at which it was made to the size at which the next one replaced it, both
included: at the size of the change itself either will do.  An old key may go on signing *beside* the new one for a
time, for verifiers that have not had the new list yet; its signature alone is worth nothing beyond its sizes, so that
a thief who has it can add to no log.

The list is text, one key to a line, oldest first::

    custodes log keys 1
    <verifier key> <first size> <last size or -> <made at> <signs until or ->

Sizes are entries; times are seconds since 1970 (UTC).  Whoever changes the list changes what is believed: it is
published where the checkpoints are, and each change is an entry of the log itself (``key.rotated``).

What it is not: it reads no file (`key_folder` does) and keeps no private key (a :class:`~custodes.ledger.note.Signer`
does, which may be one of an HSM or a KMS: docs/keys.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from custodes.errors import InputError, SetupError
from custodes.ledger.checkpoint import Checkpoint, parse_decimal
from custodes.ledger.keys import KeyType, VerifierKey
from custodes.ledger.note import SignedNote, Signer, sign_note, unsigned, verified_signatures
from custodes.text import N_

MAX_LIST_BYTES = 1_000_000
LOG_KEY_TYPES = (KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44)
_TITLE = "custodes log keys 1"
_OPEN = "-"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key of a log.

    ``since`` and ``until``: first and last size (entries) at which its signature suffices; None: it is in use.
    ``made_at``: seconds since 1970.  ``signs_until``: seconds since 1970 until which it signs beside its successor.
    """

    key: VerifierKey
    since: int
    until: int | None = None
    made_at: int = 0
    signs_until: int | None = None

    def suffices_at(self, size: int) -> bool:
        """Return whether a checkpoint of ``size`` entries is good with this key's signature."""
        return self.since <= size and (self.until is None or size <= self.until)

    def signs_at(self, moment: int) -> bool:
        """Return whether a checkpoint of ``moment`` (seconds since 1970) is signed with this key."""
        return self.until is None or (self.signs_until is not None and moment < self.signs_until)

    def __str__(self) -> str:
        ends = (_OPEN if end is None else str(end) for end in (self.until, self.signs_until))
        until, signs_until = ends
        return f"{self.key} {self.since} {until} {self.made_at} {signs_until}"


@dataclass(frozen=True, slots=True)
class Keyring:
    """``uses``: every key that a log ever had, oldest first; ``signers``: those of which the private key is at hand."""

    uses: tuple[KeyUse, ...]
    signers: tuple[Signer, ...] = ()

    def __post_init__(self) -> None:
        ids = [use.key.key_id for use in self.uses]
        if not self.uses or len({use.key.name for use in self.uses}) != 1 or len(set(ids)) != len(ids):
            raise _malformed(N_("It names no key, a key twice, or keys of several logs."))
        for kind in KeyType:
            chain = [use for use in self.uses if use.key.type is kind]
            if kind not in LOG_KEY_TYPES and chain:
                raise _malformed(N_("A key has a type that no log signs with."))
            if any(old.until is None or old.until != new.since for old, new in pairwise(chain)):
                raise _malformed(N_("Between two keys of a type there is a gap, or one begins before the other ended."))
            if any(use.until is not None and use.until < use.since for use in chain):
                raise _malformed(N_("A key ended before it began."))
            if chain and chain[-1].until is not None:
                raise _malformed(N_("The last key of a type has ended, and none replaced it."))

    @property
    def origin(self) -> str:
        """The log's origin, which is the name of each of its keys."""
        return self.uses[0].key.name

    def keys_at(self, size: int) -> tuple[VerifierKey, ...]:
        """Return the keys whose signature under a checkpoint of ``size`` entries suffices."""
        return tuple(use.key for use in self.uses if use.suffices_at(size))

    def open(self, data: bytes) -> Checkpoint:
        """Return the checkpoint in a signed note after this log proved to have signed it with a key of each type.

        Raises:
            InputError: ``ledger.note-malformed``, ``ledger.checkpoint-malformed``, ``ledger.signature-wrong`` or
                ``ledger.signature-missing``.
        """
        note = SignedNote.parse(data)
        checkpoint = Checkpoint.parse(note.text)
        known = self.keys_at(checkpoint.size) if checkpoint.origin == self.origin else ()
        signed = {verifier.key_id for verifier, _ in verified_signatures(note, known)}
        kinds = {use.key.type for use in self.uses if use.since <= checkpoint.size}
        if not kinds or not all(any(k.key_id in signed for k in known if k.type is kind) for kind in kinds):
            raise unsigned(known)
        return checkpoint

    def sign(self, checkpoint_text: str, at: int) -> bytes:
        """Return ``checkpoint_text`` as a note that every key signed which signs at ``at`` (seconds since 1970).

        Raises:
            SetupError: ``ledger.log-key-missing``, the private key of one in use is not at hand.
            InputError: ``ledger.note-malformed`` or ``ledger.checkpoint-malformed``.
        """
        at_hand = {signer.verifier.key_id: signer for signer in self.signers}
        wanted = [use for use in self.uses if use.signs_at(at)]
        missing = [use.key for use in wanted if use.until is None and use.key.key_id not in at_hand]
        if missing:
            raise key_missing(missing[0])
        chosen = [at_hand[use.key.key_id] for use in wanted if use.key.key_id in at_hand]
        return bytes(sign_note(checkpoint_text, chosen, at))

    def replaced(
        self, signers: Sequence[Signer], keys: Sequence[VerifierKey], *, size: int, at: int, overlap: int
    ) -> Keyring:
        """Return this keyring with ``keys`` in the place of those of their types, from ``size`` on.

        ``size``: that of the newest checkpoint that the old ones signed; a larger one of theirs would verify no more.
        ``signers`` make the signatures of ``keys``.  ``overlap``: seconds from ``at`` in which the old ones go on
        signing beside them.

        Raises:
            InputError: ``ledger.log-keys-malformed``, if ``size`` is one that the log had already passed.
        """
        kinds = {key.type for key in keys}
        ended = [
            replace(use, until=size, signs_until=at + overlap if overlap else None)
            if use.until is None and use.key.type in kinds
            else use
            for use in self.uses
        ]
        new = [KeyUse(key, since=size, made_at=at) for key in keys]
        return Keyring((*ended, *new), (*self.signers, *signers))

    def published(self) -> str:
        """Return the list of keys as it is published; :func:`parse_log_keys` reads it."""
        return "".join(f"{line}\n" for line in (_TITLE, *self.uses))


def parse_log_keys(data: bytes) -> Keyring:
    """Return the keyring, without signers, that a published list spells.

    Raises:
        InputError: ``ledger.log-keys-malformed`` or ``ledger.key-malformed``.
    """
    try:
        lines = data.decode("utf-8").split("\n") if len(data) <= MAX_LIST_BYTES else []
    except UnicodeDecodeError:
        lines = []
    if len(lines) < 3 or lines[0] != _TITLE or lines[-1]:
        raise _malformed(N_("It does not begin with its title, or does not end in a whole line."))
    return Keyring(tuple(map(_use, lines[1:-1])))


def key_missing(key: VerifierKey) -> SetupError:
    """Return the error for a private key that should be at hand and is not."""
    return SetupError(
        "ledger.log-key-missing",
        N_("The private key of the log's key %(key)s is not here."),
        hint=N_("Put its file back from its copy; if there is none, replace the key: custodes keys rotate log."),
        key=key.key_id.hex(),
    )


def active(uses: Iterable[KeyUse]) -> list[KeyUse]:
    """Return the keys that may have something to sign still: those in use, and those beside them."""
    return [use for use in uses if use.until is None or use.signs_until is not None]


def _use(line: str) -> KeyUse:
    key, *rest = line.split(" ")
    if len(rest) != 4:
        raise _malformed(N_("A line does not have a key, two sizes and two times."))
    since, made_at = parse_decimal(rest[0]), parse_decimal(rest[2])
    until, signs_until = (None if text == _OPEN else parse_decimal(text) for text in (rest[1], rest[3]))
    is_whole = (until is None) == (rest[1] == _OPEN) and (signs_until is None) == (rest[3] == _OPEN)
    if since is None or made_at is None or not is_whole:
        raise _malformed(N_("A size or time is not a number."))
    return KeyUse(VerifierKey.parse(key), since, until, made_at, signs_until)


def _malformed(why: str) -> InputError:
    return InputError("ledger.log-keys-malformed", N_("This is not a list of a log's keys."), why=why)
