"""The key store: a SQLite file of its own that holds every record's data key, wrapped by a master key.

It is apart from the database so that an ordinary backup of the database holds ciphertext without keys, and so that
destroying a key destroys a record in every copy of the database.  Wrapping is AES Key Wrap (RFC 3394) under a 256-bit
master key, which is a file that only the service's own operator can read.

What this does not do: protect against somebody who can read both files and the master key.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from custodes.errors import Busy, SetupError
from custodes.ids import Entropy, KeyId
from custodes.keyfile import PassphraseSource, no_passphrase, read_secret, secret_file, write_new_file
from custodes.text import N_

_KEY_BYTES = 32
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA busy_timeout=30000;"
_KEYS_AT_ONCE = 5_000
_NEXT_KEYS = "SELECT uid, wrapped FROM data_key WHERE uid > ? ORDER BY uid LIMIT ?"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS data_key (
    uid TEXT PRIMARY KEY, wrapped BLOB NOT NULL, minted_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY CHECK (id = 1), wrapped BLOB NOT NULL);
"""


def create_master_key(path: Path, entropy: Entropy) -> None:
    """Write a new master key to ``path`` (mode 0600). An existing one is never replaced."""
    write_new_file(path, secret_file(entropy(_KEY_BYTES), None, entropy))


def read_master_key(path: Path, passphrase: PassphraseSource = no_passphrase) -> bytes:
    """Return the 32 bytes of the master key.

    Raises:
        SetupError: ``keys.no-master-key``, or what `custodes.keyfile` says of the file.
    """
    try:
        return read_secret(path, passphrase)
    except SetupError as error:
        if error.code != "key-file.unreadable":
            raise
        raise SetupError(
            "keys.no-master-key",
            N_("The master key cannot be read (%(reason)s)."),
            hint=N_("Run “custodes init” for a new installation, or put the key file back in its place."),
            reason=error.values["reason"],
        ) from error


@contextmanager
def readable_key_store() -> Iterator[None]:
    """Turn what SQLite and the file system say of a key store into our error.

    Raises:
        SetupError: ``keys.busy`` or ``keys.damaged``.
    """
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise SetupError(
                "keys.busy",
                N_("Another process has kept the key store to itself for too long."),
                hint=N_("Try again; if it lasts, find the process that hangs."),
            ) from error
        raise SetupError(
            "keys.damaged",
            N_("The key store cannot be read."),
            hint=N_("Check that its folder can be written and has room; else restore it from its own backup."),
        ) from error


class SqliteKeyStore:
    """A :class:`~custodes.store.protocol.KeyStore` in one SQLite file; safe for threads and processes.

    Every method raises SetupError ``keys.damaged`` or ``keys.busy`` when the file cannot be used.
    """

    def __init__(self, path: Path, master_key: bytes, entropy: Entropy, now: Callable[[], datetime]) -> None:
        self._path = path
        self._master = master_key
        self._entropy = entropy
        self._now = now
        self._local = threading.local()
        with readable_key_store():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._transaction() as connection:
                self._proof = self._prove_master_key(connection)
            path.chmod(0o600)

    @readable_key_store()
    def mint(self, count: int) -> list[tuple[KeyId, bytes]]:
        keys = [(KeyId.new(self._entropy), self._entropy(_KEY_BYTES)) for _ in range(count)]
        stamp = self._now().isoformat()
        rows = [(uid, aes_key_wrap(self._master, key), stamp) for uid, key in keys]
        with self._transaction() as connection:
            self._check_proof(connection)
            connection.executemany("INSERT INTO data_key VALUES (?, ?, ?)", rows)
        return keys

    @readable_key_store()
    def fetch(self, key_ids: Sequence[KeyId]) -> Mapping[KeyId, bytes]:
        found: dict[KeyId, bytes] = {}
        connection = self._connection()
        for start in range(0, len(key_ids), 500):
            part = key_ids[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT uid, wrapped FROM data_key WHERE uid IN ({marks})"  # noqa: S608 - marks only
            for uid, wrapped in connection.execute(query, part):
                found[KeyId(uid)] = self._unwrap(wrapped)
        return found

    @readable_key_store()
    def destroy(self, key_ids: Sequence[KeyId]) -> int:
        with self._transaction() as connection:
            gone = connection.executemany("DELETE FROM data_key WHERE uid = ?", [(uid,) for uid in key_ids]).rowcount
        self._truncate_journal()
        return gone

    @readable_key_store()
    def count(self) -> int:
        """Return how many data keys exist."""
        return int(self._connection().execute("SELECT count(*) FROM data_key").fetchone()[0])

    @readable_key_store()
    def rewrap(self, master_key: bytes) -> int:
        """Wrap every data key under ``master_key`` instead, all of them or none; return how many there are.

        From then on this object works with the new key, and one of another process that has the old one refuses to.
        """
        count, last = 0, ""
        proof = aes_key_wrap(master_key, self._entropy(_KEY_BYTES))
        with self._transaction() as connection:
            self._check_proof(connection)
            while rows := connection.execute(_NEXT_KEYS, (last, _KEYS_AT_ONCE)).fetchall():
                wrapped = [(aes_key_wrap(master_key, self._unwrap(old)), uid) for uid, old in rows]
                connection.executemany("UPDATE data_key SET wrapped = ? WHERE uid = ?", wrapped)
                count, last = count + len(rows), rows[-1][0]
            connection.execute("UPDATE proof SET wrapped = ?", (proof,))
        self._master, self._proof = master_key, proof
        self._truncate_journal()
        return count

    def works_with(self, master_key: bytes) -> bool:
        """Return whether ``master_key`` is the one that this store is under."""
        return self._master == master_key

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self._local.pid != os.getpid():
            connection = sqlite3.connect(self._path, isolation_level=None)
            try:
                connection.executescript(_PRAGMAS + _SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._local.connection, self._local.pid = connection, os.getpid()
        return connection

    def _truncate_journal(self) -> None:
        """Leave nothing in the write-ahead log: it holds old pages, though ``secure_delete`` writes over them.

        Raises:
            Busy: ``keys.journal-in-use``.
        """
        (is_busy, *_) = self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise Busy(
                "keys.journal-in-use",
                N_("The key store's journal could not be emptied, because another process is reading."),
                why=N_("It may still hold a key that was destroyed or changed."),
                hint=N_("Try again in %(seconds)d s."),
                seconds=30,
            )

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._master, wrapped)
        except InvalidUnwrap as error:
            self._check_proof(self._connection())
            raise SetupError(
                "keys.altered",
                N_("A key in the key store was altered."),
                hint=N_("Stop using this installation and tell the person responsible for its security."),
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _check_proof(self, connection: sqlite3.Connection) -> None:
        """Refuse to go on with a master key that another process has replaced since this one was started."""
        with closing(connection.execute("SELECT wrapped FROM proof")) as cursor:
            row = cursor.fetchone()
        if row is None or row[0] != self._proof:
            raise SetupError(
                "keys.rotated",
                N_("The master key was replaced while this process ran."),
                hint=N_("Start it again, so that it reads the new one."),
            )

    def _prove_master_key(self, connection: sqlite3.Connection) -> bytes:
        """Refuse to mint under another master key than this store is under; return the proof that it is that one."""
        with closing(connection.execute("SELECT wrapped FROM proof")) as cursor:
            row = cursor.fetchone()
        if row is None:
            proof = aes_key_wrap(self._master, self._entropy(_KEY_BYTES))
            connection.execute("INSERT INTO proof VALUES (1, ?)", (proof,))
            return proof
        try:
            aes_key_unwrap(self._master, row[0])
        except InvalidUnwrap as error:
            raise SetupError(
                "keys.wrong-master-key",
                N_("The master key does not belong to this key store."),
                hint=N_("Put the right key file back; with any other key no photograph can be read."),
            ) from error
        return bytes(row[0])
