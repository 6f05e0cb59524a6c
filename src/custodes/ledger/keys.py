"""The keys of logs and witnesses, and the three ways in which they sign.

* ``0x01`` Ed25519 (RFC 8032) over the note's text: C2SP `signed-note`; how a log signs.
* ``0x04`` Ed25519 over ``cosignature/v1``, a time and the text: C2SP `tlog-cosignature`; how a witness signs.
* ``0x06`` ML-DSA-44 (FIPS 204, pure, empty context) over the structure ``cosigned_message``: C2SP `tlog-cosignature`;
  how both sign against quantum computers.  It covers origin, size and root, not extension lines, so a checkpoint that
  has some is neither signed nor accepted with it here: lines that nobody signed must not ride along.

Public keys are written as verifier keys, ``<name>+<key id>+<base64 of type and key>`` (`signed-note`, "Verifier
keys").  A key of any other type cannot be parsed; its signature lines are an unknown key's and ignored.

What it is not: it keeps no private key.  :class:`SigningKey` is the one that lives in memory, from a file or made in
a test; an HSM is another :class:`~custodes.ledger.note.Signer`.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import re
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from custodes.errors import CustodesError, InputError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.note import KEY_ID_BYTES, Signature, decode_base64, is_key_name
from custodes.text import N_

SEED_BYTES = 32
_MAX_TIME = 2**63 - 1
_TIME_BYTES = 8
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", re.ASCII | re.DOTALL)


class KeyType(enum.IntEnum):
    """The signature types that this product makes and accepts (`signed-note`, "Signature types")."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_MLDSA44 = 0x06


_PUBLIC_BYTES = {KeyType.ED25519: 32, KeyType.COSIGNATURE_ED25519: 32, KeyType.COSIGNATURE_MLDSA44: 1312}
_SIGNATURE_BYTES = {KeyType.ED25519: 64, KeyType.COSIGNATURE_ED25519: 64, KeyType.COSIGNATURE_MLDSA44: 2420}
LOG_TYPES = frozenset({KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44})
WITNESS_TYPES = frozenset({KeyType.COSIGNATURE_ED25519, KeyType.COSIGNATURE_MLDSA44})


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key: a :class:`~custodes.ledger.note.Verifier`. ``public``: 32 (Ed25519) or 1,312 bytes (ML-DSA-44)."""

    name: str
    type: KeyType
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.name.encode()) > 255:
            raise _malformed(N_("Its name is empty, longer than 255 bytes, or has a space or a plus sign."))
        if len(self.public) != _PUBLIC_BYTES[self.type] or _public(self.type, self.public) is None:
            raise _malformed(N_("It is not a key of its type."))
        material = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        object.__setattr__(self, "key_id", hashlib.sha256(material).digest()[:KEY_ID_BYTES])

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the verifier key that ``text`` spells.

        Raises:
            InputError: ``ledger.key-malformed``.
        """
        found = _VKEY.fullmatch(text) if len(text) <= 4000 and text.isprintable() else None
        raw = decode_base64(found[3]) if found else None
        if found is None or not raw:
            raise _malformed(N_("It is not “name+id+base64”."))
        if raw[0] not in list(KeyType):
            raise _malformed(N_("Its type is not one that is accepted here: Ed25519 or ML-DSA-44."))
        key = cls(found[1], KeyType(raw[0]), raw[1:])
        if key.key_id.hex() != found[2]:
            raise _malformed(N_("Its id does not belong to its name and key."))
        return key

    def verify(self, text: bytes, payload: bytes) -> bool:
        """Return whether ``payload`` is this key's signature of the checkpoint or note ``text``."""
        time, signature = _parted(self.type, payload)
        public = _public(self.type, self.public)
        try:
            message = signed_message(self.type, self.name, text, time)
        except CustodesError:
            return False  # not a checkpoint: nothing that a cosignature could be of
        if public is None or len(signature) != _SIGNATURE_BYTES[self.type]:
            return False
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key in memory: a :class:`~custodes.ledger.note.Signer`. ``seed``: 32 bytes of randomness."""

    def __init__(self, name: str, kind: KeyType, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise _malformed(N_("A private key is made of 32 bytes."))
        self._private: Ed25519PrivateKey | MLDSA44PrivateKey = (
            MLDSA44PrivateKey.from_seed_bytes(seed)
            if kind is KeyType.COSIGNATURE_MLDSA44
            else Ed25519PrivateKey.from_private_bytes(seed)
        )
        self._verifier = VerifierKey(name, kind, self._private.public_key().public_bytes_raw())

    @property
    def verifier(self) -> VerifierKey:
        return self._verifier

    def sign(self, text: bytes, at: int) -> bytes:
        """Return the signature of ``text``; ``at``: seconds since 1970, in the signature of a cosigning type.

        Raises:
            InputError: ``ledger.checkpoint-malformed`` or ``ledger.cosignature-impossible``, for a cosigning type.
        """
        kind = self._verifier.type
        signature = self._private.sign(signed_message(kind, self._verifier.name, text, at))
        return signature if kind is KeyType.ED25519 else struct.pack(">Q", at) + signature


def cosignature_time(key: VerifierKey, signature: Signature) -> int | None:
    """Return when a verified cosignature was made (seconds since 1970), None for a type without a time."""
    return None if key.type is KeyType.ED25519 else _parted(key.type, signature.payload)[0]


def signed_message(kind: KeyType, name: str, text: bytes, time: int) -> bytes:
    """Return the bytes that a key of type ``kind`` and ``name`` signs for a note's ``text`` at ``time``.

    Raises:
        InputError: ``ledger.checkpoint-malformed`` or ``ledger.cosignature-impossible``.
    """
    if kind is KeyType.ED25519:
        return text
    try:
        checkpoint = Checkpoint.parse(text.decode("utf-8"))
    except UnicodeDecodeError:
        checkpoint = Checkpoint.parse("")  # refused with the sentence for what is no checkpoint
    origin = checkpoint.origin.encode()
    is_mldsa = kind is KeyType.COSIGNATURE_MLDSA44
    if not 0 <= time <= _MAX_TIME or (is_mldsa and (checkpoint.extensions or len(origin) > 255)):
        raise InputError(
            "ledger.cosignature-impossible",
            N_("This checkpoint cannot be cosigned."),
            why=N_("The time is before 1970; or, with ML-DSA-44, it has extension lines or an origin over 255 bytes."),
        )
    if not is_mldsa:
        return f"cosignature/v1\ntime {time}\n".encode() + text
    return b"".join(
        [
            b"subtree/v1\n\0",
            bytes([len(name.encode())]) + name.encode(),
            struct.pack(">Q", time),
            bytes([len(origin)]) + origin,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        ]
    )


def _parted(kind: KeyType, payload: bytes) -> tuple[int, bytes]:
    if kind is KeyType.ED25519:
        return 0, payload
    return int.from_bytes(payload[:_TIME_BYTES], "big"), payload[_TIME_BYTES:]


def _public(kind: KeyType, raw: bytes) -> Ed25519PublicKey | MLDSA44PublicKey | None:
    try:
        if kind is KeyType.COSIGNATURE_MLDSA44:
            return MLDSA44PublicKey.from_public_bytes(raw)
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        return None


def _malformed(why: str) -> InputError:
    return InputError("ledger.key-malformed", N_("This is not a verifier key (C2SP signed-note)."), why=why)
