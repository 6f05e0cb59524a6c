"""The installation's keys: seeing which there are, protecting them with a passphrase, replacing them.

Every change is an outside effect: its intent is in the log before a file is touched.  A rotation that was interrupted
is finished by asking for it again (`store.rotation`, `ledger.key_folder`).  Whoever calls keeps every other process
out of the installation meanwhile (`custodes.app.alone`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from custodes.config import Config
from custodes.errors import InputError, SetupError
from custodes.keyfile import PassphraseSource, is_protected, protect
from custodes.ledger import Event
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.events import KeyIdText, KeyName, KeyProtected, KeyRotated, KeyRotation
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.key_folder import (
    LIST_NAME,
    open_log_keys,
    protect_log_keys,
    protection,
    read_log_keys,
    rotate_log_keys,
)
from custodes.ledger.keyring import Keyring, KeyUse
from custodes.ledger.note import SignedNote
from custodes.policy import Action
from custodes.store.keys import SqliteKeyStore
from custodes.store.rotation import Rotation, next_master_file, rotate_master_key
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services

LONGEST_OVERLAP = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Key:
    """One key.  ``use``: of a log's key, its public part and the sizes it was in use for; None for the master key.

    ``protected``: whether a passphrase protects its file; None where there is no file.  ``unfinished``: a rotation of
    it was interrupted.
    """

    name: KeyName
    use: KeyUse | None
    protected: bool | None
    unfinished: bool = False


@workflow(Action.VIEW_KEYS)
def keys(services: Services, context: Context) -> list[Key]:
    """Return which keys there are. Raises Refused, or what `custodes.keyfile` says of a file."""
    permit(context, Action.VIEW_KEYS)
    config = services.config
    following = next_master_file(config.master_key_file).exists()
    master = Key(KeyName.MASTER, None, is_protected(config.master_key_file), following)
    if not _has_log_keys(config):
        return [master]
    keyring = read_log_keys(config.log_key_dir)
    kept = protection(config.log_key_dir, keyring)
    return [master, *(Key(KeyName.LOG, use, kept.get(use.key.key_id)) for use in keyring.uses)]


@workflow(Action.PROTECT_KEY)
def protect_key(
    services: Services, context: Context, *, key: KeyName, passphrase: PassphraseSource, new_passphrase: bytes | None
) -> None:
    """Put a key under ``new_passphrase`` in the place of the one it had, or under none.

    Raises:
        Refused: the actor is no administrator. SetupError: ``keys.rotation-unfinished``, or what `custodes.keyfile`
            says of a file or passphrase.
    """
    permit(context, Action.PROTECT_KEY)
    config = services.config
    if key is KeyName.MASTER and next_master_file(config.master_key_file).exists():
        raise SetupError(
            "keys.rotation-unfinished",
            N_("A replacement of the master key was interrupted, so that there are two."),
            hint=N_("Finish it first: custodes keys rotate master."),
        )
    protected = KeyProtected(key=key, protected=new_passphrase is not None)
    with services.ledger.outside(Event(context, protected)):
        if key is KeyName.MASTER:
            protect(config.master_key_file, passphrase, new_passphrase, context.entropy)
        else:
            keyring = read_log_keys(config.log_key_dir)
            protect_log_keys(config.log_key_dir, keyring, passphrase, new_passphrase, context.entropy)


@workflow(Action.ROTATE_KEY)
def rotate_master(services: Services, context: Context, *, passphrase: PassphraseSource) -> Rotation:
    """Wrap every data key under a new master key, and destroy the old one; or finish an interrupted rotation.

    Raises:
        Refused: the actor is no administrator. SetupError: what `store.rotation` says.
    """
    permit(context, Action.ROTATE_KEY)
    store = services.vault.keys
    if not isinstance(store, SqliteKeyStore):
        raise SetupError("keys.not-in-files", N_("The master key is not kept in a file here: replace it where it is."))
    with services.ledger.outside(Event(context, KeyRotated(key=KeyName.MASTER))) as outcome:
        done = rotate_master_key(store, services.config.master_key_file, passphrase, context.entropy)
        outcome.state(KeyRotation(wrapped=done.keys, finished_earlier=done.was_begun))
    return done


@workflow(Action.ROTATE_KEY)
def rotate_log(
    services: Services, context: Context, *, passphrase: PassphraseSource, overlap: timedelta = timedelta()
) -> Keyring:
    """Make new keys for the log, in use from its newest checkpoint on; the old ones stay in the published list.

    ``overlap``: how long the old ones go on signing beside the new, for readers that have the old list.  Whoever has
    the log's keys open must open them again before anything is sealed.

    Raises:
        Refused: the actor is no administrator. InputError: ``keys.overlap``, below zero or over 366 days.
        SetupError: ``ledger.no-log-keys``, or what `custodes.keyfile` says of a file or passphrase.
    """
    permit(context, Action.ROTATE_KEY)
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InputError("keys.overlap", N_("Old and new keys sign side by side for 0 to 366 days."))
    folder = services.config.log_key_dir
    keyring = open_log_keys(folder, passphrase)
    given = passphrase() if any(protection(folder, keyring).values()) else None
    size = _sealed_size(services.config)
    rotated = KeyRotated(key=KeyName.LOG, size=size, overlap_s=int(overlap.total_seconds()))
    with services.ledger.outside(Event(context, rotated)) as outcome:
        new = rotate_log_keys(
            folder,
            keyring,
            context.entropy,
            size=size,
            at=int(context.now().timestamp()),
            overlap=int(overlap.total_seconds()),
            passphrase=given,
        )
        ended, begun = (
            tuple(KeyIdText(use.key.key_id.hex()) for use in ring.uses if use.until is None) for ring in (keyring, new)
        )
        outcome.state(KeyRotation(ended=ended, begun=begun))
    if services.keeper:
        services.keeper.forget_keys()
    return new


def _has_log_keys(config: Config) -> bool:
    return (config.log_key_dir / LIST_NAME).exists()


def _sealed_size(config: Config) -> int:
    """Return the size of the newest checkpoint; a log that was never sealed has none, and 0 entries."""
    note = FolderTileStore(config.log_dir).read_checkpoint()
    return Checkpoint.parse(SignedNote.parse(note).text).size if note else 0
