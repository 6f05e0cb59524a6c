"""Who stands behind a manifest: a detached Ed25519 signature over its exact bytes, by a key that is trusted.

The manifest states the SHA-256 of every weights file, so its signature covers the weights.  ``NAME.toml.sig`` holds the
64 bytes of the signature in base64; keys are PEM files.  ``openssl pkeyutl -sign -rawin`` makes the same signature.
Not here: whether an unsigned pack may be used (`policy`), and whom to trust (a folder that the operator keeps).

Source: RFC 8032 (Ed25519), RFC 8410 (its keys in PEM).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custodes.errors import ModelPackError
from custodes.text import N_

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUFFIX = ".sig"
_LARGEST_KEY = 10_000


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key the operator trusts: ``name`` of its file without ``.pem``, and its :func:`fingerprint`."""

    name: str
    fingerprint: str
    key: Ed25519PublicKey


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 (hex) of the key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def trusted_keys(folder: Path) -> tuple[TrustedKey, ...]:
    """Return the keys in the ``*.pem`` files of ``folder``, by name; none if there is no such folder.

    Raises:
        ModelPackError: ``pack.key-unusable``, naming the file: a key that cannot be read must not pass for one less.
    """
    found = []
    for path in sorted(folder.glob("*.pem")):
        key = read_public_key(path)
        found.append(TrustedKey(path.stem, fingerprint(key), key))
    return tuple(found)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return the Ed25519 public key in the PEM file at ``path``. Raises ModelPackError ``pack.key-unusable``."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_content(path))
    except (OSError, ValueError) as error:
        raise _unusable(path) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path)
    return key


def read_private_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Return the Ed25519 private key in the PEM file at ``path``.

    Raises:
        ModelPackError: ``pack.key-unusable``, or ``pack.key-locked`` if it needs another passphrase than the one given.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    secret = passphrase.encode() if passphrase else None
    try:
        content = _content(path)
        is_locked = b"ENCRYPTED" in content
        key = load_pem_private_key(content, secret if is_locked else None)
    except OSError as error:
        raise _unusable(path) from error
    except (TypeError, ValueError) as error:
        raise (_locked(path) if is_locked else _unusable(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path)
    return key


def sign(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return what ``NAME.toml.sig`` must hold for ``manifest`` (its bytes as they are)."""
    return base64.b64encode(key.sign(manifest)) + b"\n"


def signer(manifest: bytes, signature: bytes, keys: tuple[TrustedKey, ...]) -> TrustedKey:
    """Return the trusted key that made ``signature`` over ``manifest``.

    Raises:
        ModelPackError: ``pack.signature-wrong``, if none of ``keys`` did.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        raw = base64.b64decode(b"".join(signature.split()), validate=True)
    except binascii.Error:
        raw = b""
    for trusted in keys:
        try:
            trusted.key.verify(raw, manifest)
        except InvalidSignature:
            continue
        return trusted
    raise ModelPackError(
        "pack.signature-wrong",
        N_("The manifest's signature was made by no key that is trusted here."),
        why=N_("The manifest was changed after it was signed, or somebody signed it whose key was not accepted."),
        hint=N_("Ask whoever made the pack; put their public key (.pem) into the folder of trusted keys."),
    )


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST_KEY)


def _unusable(path: Path) -> ModelPackError:
    return ModelPackError(
        "pack.key-unusable",
        N_("The file “%(file)s” holds no Ed25519 key that can be used here."),
        hint=N_("Keys are PEM files: public ones are trusted, private ones sign."),
        file=path.name,
    )


def _locked(path: Path) -> ModelPackError:
    return ModelPackError(
        "pack.key-locked",
        N_("The key in “%(file)s” needs its passphrase."),
        hint=N_("Try again and type the passphrase that it was made with."),
        file=path.name,
    )
