"""Sealing: every image, template and private log detail is AES-256-GCM ciphertext under a data key of its own.

The associated data binds a ciphertext to its kind and id, so that one record's bytes cannot be put in another's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.errors import SetupError
from custodes.ids import Entropy, KeyId
from custodes.store.protocol import KeyStore
from custodes.text import N_

_NONCE_BYTES = 12
_KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext (nonce ‖ AES-GCM output) and the id of the key that opens it."""

    key: KeyId
    ciphertext: bytes


class Vault:
    """Seals and opens; knows no table."""

    def __init__(self, keys: KeyStore, entropy: Entropy) -> None:
        self.keys = keys
        self._entropy = entropy

    def seal(self, uid: str, plaintext: bytes) -> Sealed:
        """Seal one record under a fresh key, bound to ``uid``."""
        return self.seal_all([(uid, plaintext)])[0]

    def seal_all(self, records: Sequence[tuple[str, bytes]]) -> list[Sealed]:
        """Seal records, each under a fresh key; the keys are durable before this returns."""
        if not records:
            return []
        sealed = []
        for (key_id, key), (uid, plaintext) in zip(self.keys.mint(len(records)), records, strict=True):
            nonce = self._entropy(_NONCE_BYTES)
            sealed.append(Sealed(key_id, nonce + AESGCM(key).encrypt(nonce, plaintext, uid.encode())))
        return sealed

    def open(self, uid: str, sealed: Sealed) -> bytes:
        """Return the plaintext of one record.

        Raises:
            SetupError: ``vault.key-gone`` (destroyed or another key store) or ``vault.altered``.
        """
        keys = self.keys.fetch([sealed.key])
        return _open(uid, sealed, keys)

    def open_all(self, records: Iterable[tuple[str, Sealed]]) -> Iterator[tuple[str, bytes]]:
        """Yield ``(uid, plaintext)`` of every record; none is left out.

        Raises:
            SetupError: as :meth:`open`.
        """
        for batch in _batches(records):
            keys = self.keys.fetch([sealed.key for _, sealed in batch])
            yield from ((uid, _open(uid, sealed, keys)) for uid, sealed in batch)

    def open_remaining(self, records: Iterable[tuple[str, Sealed]]) -> Iterator[tuple[str, bytes]]:
        """Yield ``(uid, plaintext)`` of every record whose key still exists; the others may lawfully be gone.

        Raises:
            SetupError: ``vault.altered``.
        """
        for batch in _batches(records):
            keys = self.keys.fetch([sealed.key for _, sealed in batch])
            yield from ((uid, _open(uid, sealed, keys)) for uid, sealed in batch if sealed.key in keys)


def _batches(records: Iterable[tuple[str, Sealed]]) -> Iterator[list[tuple[str, Sealed]]]:
    rest = iter(records)
    while batch := list(islice(rest, _KEYS_AT_ONCE)):
        yield batch


def _open(uid: str, sealed: Sealed, keys: Mapping[KeyId, bytes]) -> bytes:
    key = keys.get(sealed.key)
    if key is None:
        raise SetupError(
            "vault.key-gone",
            N_("The key of this record no longer exists, so it cannot be read."),
            hint=N_("If the record was not destroyed on purpose, the key store is not the one that belongs here."),
        )
    nonce, body = sealed.ciphertext[:_NONCE_BYTES], sealed.ciphertext[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, body, uid.encode())
    except (InvalidTag, ValueError) as error:
        raise SetupError(
            "vault.altered",
            N_("A sealed record was altered or put in another's place."),
            hint=N_("Stop using this installation and tell the person responsible for its security."),
        ) from error
