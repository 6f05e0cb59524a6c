"""A log's keys as files in a folder: one secret file per private key, and the list ``log-keys`` of the public ones.

A private key is the 32-byte seed of its algorithm (RFC 8032, FIPS 204) in a secret file of `custodes.keyfile`, named
after its type and key id.  New files are written first and the list last, so that a crash leaves the old list, and
perhaps a private key that no list names, which the next rotation removes.  A private key whose time to sign beside its
successor is over is destroyed (:func:`drop_ended`); its line in the list stays for ever.

What it is not: it is one place for private keys, not the only one.  Whatever offers
:class:`~custodes.ledger.note.Signer` can be among a :class:`~custodes.ledger.keyring.Keyring`'s signers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from custodes.errors import SetupError
from custodes.ids import Entropy
from custodes.keyfile import (
    PassphraseSource,
    destroy_file,
    is_protected,
    no_passphrase,
    protect,
    read_secret,
    replace_file,
    secret_file,
    write_new_file,
)
from custodes.ledger.keyring import LOG_KEY_TYPES, MAX_LIST_BYTES, Keyring, KeyUse, active, key_missing, parse_log_keys
from custodes.ledger.keys import SEED_BYTES, KeyType, SigningKey, VerifierKey
from custodes.text import N_

LIST_NAME = "log-keys"
_NAMES = {KeyType.ED25519: "ed25519", KeyType.COSIGNATURE_MLDSA44: "ml-dsa-44"}


def key_path(folder: Path, key: VerifierKey) -> Path:
    """Return where the private key of a log's ``key`` lies."""
    return folder / f"{_NAMES[key.type]}-{key.key_id.hex()}.key"


def create_log_keys(
    folder: Path, origin: str, entropy: Entropy, *, at: int = 0, passphrase: bytes | None = None
) -> Keyring:
    """Make an Ed25519 and an ML-DSA-44 key under ``origin`` for a new log; existing ones are never replaced.

    ``at``: seconds since 1970, written in the list.

    Raises:
        SetupError: ``ledger.log-keys-exist`` or ``keys.not-written``.
        InputError: ``ledger.key-malformed``, ``origin`` cannot be a key's name.
    """
    if (folder / LIST_NAME).exists():
        raise SetupError(
            "ledger.log-keys-exist",
            N_("There are keys of a log already."),
            hint=N_("Replace them with “custodes keys rotate log”, so that old checkpoints still verify."),
        )
    signers = _new_keys(folder, origin, entropy, passphrase)
    keyring = Keyring(tuple(KeyUse(signer.verifier, since=0, made_at=at) for signer in signers), signers)
    write_new_file(folder / LIST_NAME, keyring.published().encode())
    return keyring


def read_log_keys(folder: Path) -> Keyring:
    """Return the published keys without a signer: what a reader of the log needs.

    Raises:
        SetupError: ``ledger.no-log-keys``. InputError: ``ledger.log-keys-malformed`` or ``ledger.key-malformed``.
    """
    try:
        with (folder / LIST_NAME).open("rb") as file:
            return parse_log_keys(file.read(MAX_LIST_BYTES + 1))
    except OSError as error:
        raise SetupError(
            "ledger.no-log-keys",
            N_("The list of the log's keys cannot be read (%(reason)s)."),
            hint=N_("Put the folder of the log's keys back in its place, or set CUSTODES_LOG_KEY_DIR."),
            reason=error.strerror or type(error).__name__,
        ) from error


def open_log_keys(folder: Path, passphrase: PassphraseSource = no_passphrase) -> Keyring:
    """Return the log's keys with every private one that has something to sign still.

    Raises:
        SetupError: ``ledger.no-log-keys``, ``ledger.log-key-missing`` (one in use), ``ledger.log-key-wrong``, or what
            `custodes.keyfile` says of a file.
        InputError: ``ledger.log-keys-malformed`` or ``ledger.key-malformed``.
    """
    keyring = read_log_keys(folder)
    signers = [_opened(folder, use, passphrase) for use in active(keyring.uses)]
    return replace(keyring, signers=tuple(signer for signer in signers if signer is not None))


def rotate_log_keys(
    folder: Path,
    keyring: Keyring,
    entropy: Entropy,
    *,
    size: int,
    at: int,
    overlap: int,
    passphrase: bytes | None = None,
) -> Keyring:
    """Make a new key of each type, in use from ``size`` entries on, and publish the list that says so.

    ``at``: seconds since 1970; ``overlap``: seconds in which the old keys go on signing beside the new ones.

    Raises:
        SetupError: ``keys.not-written``. InputError: ``ledger.log-keys-malformed``, ``size`` lies in the past.
    """
    _remove_unlisted(folder, keyring)
    signers = _new_keys(folder, keyring.origin, entropy, passphrase)
    new = keyring.replaced(signers, [signer.verifier for signer in signers], size=size, at=at, overlap=overlap)
    replace_file(folder / LIST_NAME, new.published().encode())
    return drop_ended(folder, new, at)


def drop_ended(folder: Path, keyring: Keyring, at: int) -> Keyring:
    """Destroy every private key that signs nothing more at ``at`` (seconds since 1970); return the keyring without.

    Raises:
        SetupError: ``keys.not-written``.
    """
    ended = {use.key.key_id for use in keyring.uses if not use.signs_at(at)}
    for use in keyring.uses:
        if use.key.key_id in ended:
            destroy_file(key_path(folder, use.key))
    return replace(keyring, signers=tuple(s for s in keyring.signers if s.verifier.key_id not in ended))


def end_log_keys(folder: Path, number: int) -> Path:
    """Put every key of a log that has ended into a folder of its own; return it. Nothing to do if that was done.

    Raises:
        SetupError: ``keys.not-written``.
    """
    ended = folder / f"ended-{number}"
    try:
        ended.mkdir(mode=0o700, exist_ok=True)
        # the list last: while it is here, there is more to move
        for path in [*sorted(folder.glob("*.key")), folder / LIST_NAME]:
            if path.exists():
                path.replace(ended / path.name)
    except OSError as error:
        raise SetupError(
            "keys.not-written",
            N_("A new key could not be written (%(reason)s)."),
            hint=N_("Make room, or set CUSTODES_KEY_DIR to a folder on a local disk that you may write."),
            reason=error.strerror or type(error).__name__,
        ) from error
    return ended


def protection(folder: Path, keyring: Keyring) -> dict[bytes, bool]:
    """Return by key id, of the keys whose file is here, whether a passphrase protects it.

    Raises:
        SetupError: what `custodes.keyfile` says of a file.
    """
    paths = {use.key.key_id: key_path(folder, use.key) for use in active(keyring.uses)}
    return {key_id: is_protected(path) for key_id, path in paths.items() if path.exists()}


def protect_log_keys(
    folder: Path, keyring: Keyring, passphrase: PassphraseSource, new_passphrase: bytes | None, entropy: Entropy
) -> None:
    """Put every private key under ``new_passphrase``, or under none; the keys stay.

    Raises:
        SetupError: ``keys.not-written``, or what `custodes.keyfile` says of a file.
    """
    # all are read before the first is written: a passphrase that is wrong for one changes none
    for key_id in protection(folder, keyring):
        read_secret(_path_of(folder, keyring, key_id), passphrase)
    for key_id in protection(folder, keyring):
        protect(_path_of(folder, keyring, key_id), passphrase, new_passphrase, entropy)


def _path_of(folder: Path, keyring: Keyring, key_id: bytes) -> Path:
    return key_path(folder, next(use.key for use in keyring.uses if use.key.key_id == key_id))


def _new_keys(folder: Path, origin: str, entropy: Entropy, passphrase: bytes | None) -> tuple[SigningKey, ...]:
    signers = []
    for kind in LOG_KEY_TYPES:
        seed = entropy(SEED_BYTES)
        signers.append(SigningKey(origin, kind, seed))
        write_new_file(key_path(folder, signers[-1].verifier), secret_file(seed, passphrase, entropy))
    return tuple(signers)


def _opened(folder: Path, use: KeyUse, passphrase: PassphraseSource) -> SigningKey | None:
    path = key_path(folder, use.key)
    if not path.exists():
        if use.until is not None:
            return None
        raise key_missing(use.key)
    signer = SigningKey(use.key.name, use.key.type, read_secret(path, passphrase))
    if signer.verifier != use.key:
        raise SetupError(
            "ledger.log-key-wrong",
            N_("The file %(file)s does not hold the private key that its name and the list say."),
            hint=N_("Put the right file back; if there is none, replace the key: custodes keys rotate log."),
            file=path.name,
        )
    return signer


def _remove_unlisted(folder: Path, keyring: Keyring) -> None:
    listed = {key_path(folder, use.key) for use in keyring.uses}
    for path in folder.glob("*.key"):
        if path not in listed:
            destroy_file(path)
