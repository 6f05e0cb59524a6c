"""The folder of a witness: its keys, the logs that it knows, and the last checkpoint it cosigned of each.

::

    FOLDER/keys          the private keys (JSON); whoever reads them can speak as this witness
    FOLDER/logs/*.json   one file for each log: its verifier keys, what was cosigned last, what it succeeds
    FOLDER/evidence/     signed checkpoints of a log that contradict what was cosigned
    FOLDER/lock          held by the one process that may write

Everything is of mode 0600 in folders of mode 0700.  A file is written beside its place, flushed, and renamed to it, so
that after a crash the old or the new is there, whole.  What a log is known by and what was cosigned of it are one file:
whoever removes it makes the log unknown, not new.

Each remembered checkpoint carries the witness's own cosignature, verified when it is read: it cannot be edited without
the keys.  That the whole folder is an older copy cannot be seen from inside it; who asks sees it (`witnessing.client`).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from custodes.errors import Conflict, CustodesError, SetupError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import SEED_BYTES, WITNESS_TYPES, KeyType, SigningKey, VerifierKey, cosignature_time
from custodes.ledger.note import SignedNote, decode_base64, verified_signatures
from custodes.text import N_

MAX_EVIDENCE = 64
"""As many contradicting checkpoints are kept; the first one proves as much as all of them."""
_KEYS, _LOGS, _EVIDENCE, _LOCK = "keys", "logs", "evidence", "lock"


@dataclass(frozen=True, slots=True)
class Following:
    """That an operator accepted a log as another's successor.

    ``named``: the predecessor's checkpoint that the successor says it follows.  ``seen``: the one that this witness had
    cosigned last.  ``at``: when it was accepted, seconds since 1970.
    """

    named: Checkpoint
    seen: Checkpoint
    at: int

    @property
    def gap(self) -> int:
        """How many entries that this witness had vouched for the successor gives up."""
        return self.seen.size - self.named.size


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that a witness cosigns for.

    ``keys``: all named ``origin``.  ``note``: the checkpoint cosigned last with the log's signatures and this witness's
    own, None before the first.  ``cosigned_at``: seconds since 1970, 0 before the first.  ``follows``: the predecessor.
    """

    origin: str
    keys: tuple[VerifierKey, ...]
    note: SignedNote | None = None
    cosigned_at: int = 0
    follows: Following | None = None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint cosigned last."""
        return Checkpoint.parse(self.note.text) if self.note else None


class WitnessFolder:
    """The folder of a witness, open for as long as this lives; ``is_writer`` takes it for this process alone.

    Raises:
        SetupError: ``ledger.witness-absent``, ``ledger.witness-exposed``, ``ledger.witness-damaged`` or
            ``ledger.witness-unusable``.
        Conflict: ``ledger.witness-busy``, another process has it.
    """

    def __init__(self, path: Path, *, is_writer: bool = True) -> None:
        self.path = path
        self._lock: int | None = None
        if not (path / _KEYS).exists():
            raise SetupError(
                "ledger.witness-absent",
                N_("There is no witness in this folder."),
                hint=N_("Make one with “custodes witness init”, or name the right folder."),
            )
        if is_writer:
            self._take()
        try:
            self.signers = self._read_keys()
            self.logs: Mapping[str, KnownLog] = self._read_logs()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, name: str, entropy: Callable[[int], bytes]) -> WitnessFolder:
        """Return the new folder of a witness called ``name``, with an Ed25519 and an ML-DSA-44 key of its own.

        Raises:
            InputError: ``ledger.key-malformed``, the name cannot be a key's.
            Conflict: ``ledger.witness-exists``; nothing was changed.
            SetupError: ``ledger.witness-unusable``.
        """
        made = [(kind, entropy(SEED_BYTES)) for kind in sorted(WITNESS_TYPES)]
        for kind, seed in made:
            SigningKey(name, kind, seed)  # refuse the name before anything is written
        with _usable():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            if any(path.iterdir()):
                raise Conflict(
                    "ledger.witness-exists",
                    N_("The folder is not empty; a witness's keys are never written over."),
                    hint=N_("Choose another folder."),
                )
            for folder in (_LOGS, _EVIDENCE):
                (path / folder).mkdir(mode=0o700)
            keys = [{"name": name, "type": int(kind), "seed": base64.b64encode(seed).decode()} for kind, seed in made]
            _replace(path / _KEYS, json.dumps({"keys": keys}, indent=1).encode())
        return cls(path)

    def __enter__(self) -> WitnessFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public keys of this witness."""
        return tuple(signer.verifier for signer in self.signers)

    def write(self, log: KnownLog) -> None:
        """Put ``log`` in the place of what was known of its origin; it is on the disk when this returns."""
        follows = log.follows and {
            "named": str(log.follows.named),
            "seen": str(log.follows.seen),
            "at": log.follows.at,
        }
        content = {
            "origin": log.origin,
            "keys": [str(key) for key in log.keys],
            "note": bytes(log.note).decode() if log.note else None,
            "follows": follows,
        }
        name = hashlib.sha256(log.origin.encode()).hexdigest() + ".json"
        with _usable():
            _replace(self.path / _LOGS / name, json.dumps(content, indent=1, ensure_ascii=False).encode())
        self.logs = {**self.logs, log.origin: log}

    def keep_evidence(self, note: SignedNote) -> None:
        """Keep a checkpoint that its log signed and that contradicts another one that it signed."""
        path = self.path / _EVIDENCE / (hashlib.sha256(note.text.encode()).hexdigest() + ".note")
        with _usable():
            if not path.exists() and self.evidence() < MAX_EVIDENCE:
                _replace(path, bytes(note))

    def evidence(self) -> int:
        """Return how many contradicting checkpoints are kept."""
        with _usable():
            return sum(path.suffix == ".note" for path in (self.path / _EVIDENCE).iterdir())

    def _take(self) -> None:
        with _usable():
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise Conflict(
                "ledger.witness-busy",
                N_("Another process has this witness open."),
                why=N_("Two that write what was cosigned last could cosign two histories."),
                hint=N_("Stop “custodes witness serve” on this folder first."),
            ) from error
        self._lock = descriptor

    def _read_keys(self) -> tuple[SigningKey, ...]:
        path = self.path / _KEYS
        with _usable():
            if path.stat().st_mode & 0o077:
                raise SetupError(
                    "ledger.witness-exposed",
                    N_("Other users of this machine can read the keys of this witness."),
                    hint=N_("Set the file's mode to 0600 and consider the keys disclosed."),
                )
        with _sound(_KEYS):
            kept = json.loads(_read(path))["keys"]
            keys = tuple(SigningKey(one["name"], KeyType(one["type"]), _seed(one["seed"])) for one in kept)
            if not keys or any(key.verifier.type not in WITNESS_TYPES for key in keys):
                raise ValueError("no key that cosigns")
        return keys

    def _read_logs(self) -> dict[str, KnownLog]:
        with _usable():
            paths = sorted((self.path / _LOGS).glob("*.json"))
        logs = [self._read_log(path) for path in paths]
        return {log.origin: log for log in logs}

    def _read_log(self, path: Path) -> KnownLog:
        with _sound(path.name):
            kept = json.loads(_read(path))
            keys, origin = tuple(VerifierKey.parse(text) for text in kept["keys"]), str(kept["origin"])
            note = SignedNote.parse(kept["note"].encode()) if kept["note"] else None
            at = own_time(note, self.verifiers) if note else 0
            follows = kept["follows"] and Following(
                Checkpoint.parse(kept["follows"]["named"]),
                Checkpoint.parse(kept["follows"]["seen"]),
                int(kept["follows"]["at"]),
            )
            log = KnownLog(origin, keys, note, at, follows or None)
            is_named = path.stem == hashlib.sha256(origin.encode()).hexdigest()
            has_sound_note = log.checkpoint is None or (at and log.checkpoint.origin == origin)
            if not (is_named and has_sound_note and keys and all(key.name == origin for key in keys)):
                raise ValueError("not what this witness wrote")
        return log


def own_time(note: SignedNote, own: Sequence[VerifierKey]) -> int:
    """Return when ``note`` was last cosigned by one of ``own`` (seconds since 1970), 0 if it was not.

    Raises:
        InputError: ``ledger.signature-wrong``.
    """
    verified = verified_signatures(note, own)
    return max((cosignature_time(key, signature) or 0 for key, signature in verified), default=0)  # type: ignore[arg-type]


def _seed(text: str) -> bytes:
    return decode_base64(text) or b""


def _read(path: Path) -> bytes:
    with _usable():
        return path.read_bytes()


def _replace(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, whole and flushed, or leave what was there."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(
            "ledger.witness-unusable",
            N_("The folder of the witness cannot be read or written."),
            why=N_("The operating system says: %(reason)s."),
            hint=N_("Check that the disk is there, has room, and belongs to the account that the witness runs as."),
            reason=error.strerror or "",
        ) from error


@contextmanager
def _sound(name: str) -> Iterator[None]:
    """Turn whatever is wrong with the content of a file into one error, the state of a disk apart."""
    try:
        yield
    except SetupError:
        raise
    except (CustodesError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SetupError(
            "ledger.witness-damaged",
            N_("The file “%(name)s” of this witness is not what the witness wrote."),
            why=N_("A witness that does not know what it cosigned last must not cosign."),
            hint=N_("Do not put an older copy back: make a new witness, and tell those who rely on this one."),
            name=name,
        ) from error
