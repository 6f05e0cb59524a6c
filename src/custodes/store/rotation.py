"""Opening the key store with the master key, and putting a new master key in the old one's place.

State, in plain English.  The new key is first a file of its own beside the old one, ``master.key.next``, whole and
on the disk.  Then one transaction of the key store wraps every data key and the store's proof under it: whatever the
moment of a crash, the store is wholly under the old key or wholly under the new one.  Then the new file takes the old
one's place.  Which of two files a store is under its proof says, so that it opens at every moment; a rotation that was
interrupted is finished by asking for it again, with the key that it had begun with.

What it is not: it keeps nobody out.  Whoever rotates holds the installation alone (`custodes.app`); a process that
still has the old key all the same is refused by the store (``keys.rotated``), reading and writing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from custodes.errors import SetupError
from custodes.ids import Entropy
from custodes.keyfile import (
    PassphraseSource,
    is_protected,
    read_secret,
    secret_file,
    take_place,
    write_new_file,
)
from custodes.protected import SECRET_BYTES
from custodes.store.keys import SqliteKeyStore, read_master_key
from custodes.text import N_


@dataclass(frozen=True, slots=True)
class Rotation:
    """``keys``: data keys wrapped anew.  ``was_begun``: an earlier rotation had been interrupted, and was finished."""

    keys: int
    was_begun: bool


def next_master_file(master_file: Path) -> Path:
    """Return where a new master key lies until the key store is under it."""
    return master_file.with_name(master_file.name + ".next")


def open_key_store(
    path: Path, master_file: Path, passphrase: PassphraseSource, entropy: Entropy, now: Callable[[], datetime]
) -> SqliteKeyStore:
    """Return the key store in ``path`` under the master key, or under the next one if a rotation stopped there.

    Raises:
        SetupError: what `keys` and `custodes.keyfile` say of either.
    """
    try:
        return SqliteKeyStore(path, read_master_key(master_file, passphrase), entropy, now)
    except SetupError as error:
        following = next_master_file(master_file)
        if error.code != "keys.wrong-master-key" or not following.exists():
            raise
        return SqliteKeyStore(path, read_secret(following, passphrase), entropy, now)


def rotate_master_key(
    store: SqliteKeyStore, master_file: Path, passphrase: PassphraseSource, entropy: Entropy
) -> Rotation:
    """Make a new master key, protected as the old one is, put the store under it, and destroy the old one.

    Raises:
        SetupError: ``keys.rotated``, ``keys.next-not-protected``, ``keys.not-written``, or what `custodes.keyfile` says
            of a file.
    """
    following = next_master_file(master_file)
    was_begun, protected = following.exists(), is_protected(master_file)
    if not was_begun:
        write_new_file(following, secret_file(entropy(SECRET_BYTES), passphrase() if protected else None, entropy))
    elif protected and not is_protected(following):
        raise SetupError(
            "keys.next-not-protected",
            N_("A new master key lies beside the old one without the passphrase that protects the old one."),
            why=N_("No rotation writes it so: somebody else may have, who then knows the key."),
            hint=N_("Find out how %(file)s came there; remove it, and begin again."),
            file=following.name,
        )
    new = read_secret(following, passphrase)
    keys = store.count() if store.works_with(new) else store.rewrap(new)
    take_place(following, master_file)
    return Rotation(keys, was_begun)
