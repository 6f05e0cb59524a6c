"""One installation's log, kept: sealed by one process at a time, shown to its witnesses, proven to whoever may ask.

Joins the sealer, the notary, the log's keys and the folder; knows no database but through the index, and no person.
"""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from custodes.errors import Conflict, CustodesError, SetupError
from custodes.keyfile import replace_file
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.keyring import Keyring
from custodes.ledger.keys import KeyType, VerifierKey
from custodes.ledger.notary import COSIGNED, Notary, covers
from custodes.ledger.note import sign_note
from custodes.ledger.proof import Proof
from custodes.ledger.protocol import EntryIndex
from custodes.ledger.quorum import Policy
from custodes.ledger.sealer import Round, SealedFolder, Sealer
from custodes.ledger.stamp import FOLDER as STAMPS
from custodes.ledger.stamp import Authority, read_stamp, stamp_checkpoint
from custodes.ledger.succession import unfinished
from custodes.ledger.tiles import TileReader
from custodes.ledger.tree import EMPTY_ROOT, leaf_hash, range_root
from custodes.ledger.witnessing.client import Gathered
from custodes.ledger.witnessing.standing import Extension, Standing
from custodes.text import N_

PROMISE_HEADER = "custodes/inclusion-promise@v1"
PROMISED_S = 60
"""Seconds within which a promised entry is sealed; it takes one, and a process may be starting."""
EXTENSION = "extension"
LEFT = "left"
"""The checkpoint of what was left of a log when its successor was drafted: what witnesses are shown of it."""
PREDECESSOR = "predecessor"
"""The signed declaration of which log this one follows, where it follows one."""
_LOCK = "sealer.lock"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a log is witnessed.

    ``policy``: who witnesses and how many must; None: nobody does.  ``limit_s``: seconds that entries may be without a
    quorum before searches stop.  ``overseers``: two of their keys extend that time.  ``authority``: who stamps
    checkpoints with the time (RFC 3161); None: nobody is asked.
    """

    policy: Policy | None = None
    limit_s: int = 3600
    overseers: tuple[VerifierKey, ...] = ()
    authority: Authority | None = None


class LogKeeper:
    """Keeps the log of ``index`` in ``folder`` and its ``copies``, with the keys that ``open_keys`` returns."""

    def __init__(
        self,
        folder: Path,
        index: EntryIndex,
        open_keys: Callable[[], Keyring],
        *,
        copies: Sequence[Path] = (),
        terms: Terms | None = None,
    ) -> None:
        self.folder = folder
        self.terms = terms or Terms()
        self._index = index
        self._open_keys = open_keys
        self._copies = [SealedFolder(FolderTileStore(copy)) for copy in copies]
        self._store = FolderTileStore(folder)
        self._keyring: Keyring | None = None
        self._sealer: Sealer | None = None
        self._at = 0

    @property
    def keyring(self) -> Keyring:
        """The log's keys, opened at first use.

        Raises:
            CustodesError: as :func:`custodes.ledger.key_folder.open_log_keys`.
        """
        if self._keyring is None:
            self._keyring = self._open_keys()
        return self._keyring

    def is_waiting(self) -> bool:
        """Return whether entries wait to be sealed, also those that got a place in a round that could not be ended.

        Raises:
            CustodesError: the published checkpoint is damaged or cannot be read.
        """
        if self._index.waiting()[0]:
            return True
        published = self.checkpoint()
        return self._index.size() > (published.size if published else 0)

    def seal(self, at: int) -> Round | None:
        """Seal everything that is committed; None if another process is doing it.  ``at``: seconds since 1970.

        Raises:
            CustodesError: as :meth:`Sealer.seal`, or what is wrong with the keys.
        """
        with self._leading() as is_leading:
            if not is_leading:
                return None
            if self._mark.exists():
                raise unfinished()
            keyring = self.keyring
            if self._sealer is None:
                # the time of a signature is that of its round; the sealer lives as long as this process
                self._sealer = Sealer(
                    self._index,
                    SealedFolder(self._store),
                    keyring.origin,
                    lambda checkpoint: self.keyring.sign(str(checkpoint), self._at),
                    copies=self._copies,
                )
            self._at = at
            return self._sealer.seal_all()

    # --- a successor ------------------------------------------------------------------------------

    @contextmanager
    def beginning_anew(self, note: bytes) -> Iterator[bool]:
        """Keep everybody from sealing while another log begins; yield whether that was begun before, by ``note``.

        Raises:
            Conflict: ``ledger.sealing-elsewhere``, or ``ledger.declaration-of-another`` if it was begun by another.
        """
        with self._leading() as is_leading:
            if not is_leading:
                raise Conflict(
                    "ledger.sealing-elsewhere",
                    N_("Another process is sealing the log."),
                    hint=N_("Stop “custodes serve” and whatever else runs, then try again."),
                )
            begun = _read_if_there(self._mark)
            if begun not in (None, note):
                raise unfinished()
            yield begun is not None

    def root_of_first(self, size: int) -> bytes:
        """Return the root over the first ``size`` entries of what was published (at most its size)."""
        published = self.checkpoint()
        reader = TileReader(self._store, published.size if published else 0)
        return range_root(reader, 0, size) if size else EMPTY_ROOT

    def keep_left(self) -> None:
        """Keep the present checkpoint beside the log: it is what a successor will be said to follow."""
        if note := self._store.read_checkpoint():
            self._store.write_named(LEFT, note)

    def mark_succession(self, note: bytes) -> None:
        """Write down that a successor begins: until it has, nothing is sealed."""
        replace_file(self._mark, note)

    def set_aside(self, number: int, note: bytes) -> None:
        """Put the ended log beside, as the ``number``-th, and begin an empty folder that says what it follows."""
        ended = self.folder.with_name(f"{self.folder.name}.ended-{number}")
        if not ended.exists():
            self.folder.rename(ended)
        for copy in self._copies:
            # one that cannot be renamed, a disk's own folder for example, is said to be behind from then on
            with suppress(OSError):
                place = copy.store.folder
                place.rename(place.with_name(f"{place.name}.ended-{number}"))
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._store.write_named(PREDECESSOR, note)
        self._mark.unlink()
        self._keyring = self._sealer = None

    @property
    def _mark(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.succession")

    def checkpoint(self) -> Checkpoint | None:
        """Return the last checkpoint that was published, None before the first."""
        return SealedFolder(self._store).published()

    def forget_keys(self) -> None:
        """Open the keys anew at their next use: they were replaced."""
        self._keyring = None

    def stamp(self) -> bool:
        """Have the present checkpoint stamped with the time, if that was not done; return whether it was done now.

        The checkpoint is kept beside its stamp, which is worth nothing without it.

        Raises:
            SetupError, InputError: as :func:`~custodes.ledger.stamp.stamp_checkpoint`; the log goes on without.
        """
        note, published = self._store.read_checkpoint(), self.checkpoint()
        if self.terms.authority is None or note is None or published is None:
            return False
        if read_stamp(self.folder, published.size) is not None:
            return False
        self._store.write_named(f"{STAMPS}/{published.size}.checkpoint", note)
        stamp_checkpoint(self.folder, note, published.size, self.terms.authority)
        return True

    def clock_went_back(self, at: int) -> int:
        """Return by how many seconds the last sealed entry was written later than ``at``; 0 if it was not."""
        size = self._index.size()
        last = self._index.written_at(size - 1) if size else None
        return max(0, int(last.timestamp()) - at) if last else 0

    # --- witnesses --------------------------------------------------------------------------------

    @property
    def notary(self) -> Notary | None:
        """Who deals with the witnesses; None without any."""
        policy = self.terms.policy
        if policy is None:
            return None
        logs = tuple((use.key, "") for use in self.keyring.uses)
        return Notary(self._store, self._index, replace(policy, logs=logs))

    def ask_witnesses(self, at: int) -> Gathered | None:
        """Show them the present checkpoint; None without witnesses or checkpoint.

        Raises:
            CustodesError: the log's own folder or keys are damaged.
        """
        notary = self.notary
        return notary.ask(at) if notary else None

    def wants_witnesses(self) -> bool:
        """Return whether there is a checkpoint that a quorum of the witnesses has not cosigned."""
        notary = self.notary
        return notary.is_waiting() if notary else False

    def standing(self, at: int) -> Standing | None:
        """Return how the log stands with its witnesses, None without any."""
        notary = self.notary
        return notary.standing(at, limit_s=self.terms.limit_s, extension=self._extension()) if notary else None

    def extend(self, note: bytes) -> Extension:
        """Take the overseers' leave to go on without a quorum.

        Raises:
            InputError: as :meth:`Extension.open`.
        """
        extension = Extension.open(note, self.terms.overseers, self.keyring.origin)
        self._store.write_named(EXTENSION, note)
        return extension

    def _extension(self) -> Extension | None:
        note = self._store.read_named(EXTENSION)
        with suppress(CustodesError):
            return Extension.open(note, self.terms.overseers, self.keyring.origin) if note else None
        return None

    # --- proofs -----------------------------------------------------------------------------------

    def proof(self, position: int | None) -> tuple[Proof, bytes]:
        """Return that the entry at ``position`` is in the log, and the entry. Raises as :meth:`proofs`."""
        return self.proofs([position])[0]

    def proofs(self, positions: Sequence[int | None]) -> list[tuple[Proof, bytes]]:
        """Return that entries are in the log, all under one checkpoint that may leave; and the entries.

        With witnesses that is the last one that a quorum cosigned; without, the last one that was published.

        Raises:
            Conflict: ``ledger.not-covered``, one is not covered yet.
        """
        known = [position for position in positions if position is not None]
        last = max(known) if len(known) == len(positions) else None
        notary = self.notary
        if notary:
            witnessed = notary.cosigned()
            note = self._store.read_named(COSIGNED) if covers(witnessed, last) else None
        else:
            published = self.checkpoint()
            is_in = published is not None and last is not None and last < published.size
            note = self._store.read_checkpoint() if is_in else None
        published = self.checkpoint()
        if note is None or last is None or published is None:
            raise Conflict(
                "ledger.not-covered",
                N_("This entry is not yet covered by a checkpoint that may leave the installation."),
                why=N_("What leaves must be in a log that enough witnesses have seen."),
                hint=N_("Try again in a moment; “custodes ledger status” says what is missing."),
            )
        reader = TileReader(self._store, published.size)
        return [(Proof.make(reader, position, note), reader.entry(position)) for position in known]

    def promise(self, entry: bytes, at: int) -> bytes:
        """Return the log's signed promise that ``entry`` will be in it within :data:`PROMISED_S` seconds of ``at``.

        A signed note (C2SP `signed-note`) of five lines: what it is, the log, the entry's leaf hash (RFC 6962), when
        it was promised, by when it is kept; times in seconds since 1970.  Signed by the log's Ed25519 key.
        """
        keyring = self.keyring
        digest = base64.b64encode(leaf_hash(entry)).decode()
        text = f"{PROMISE_HEADER}\n{keyring.origin}\n{digest}\n{at}\n{at + PROMISED_S}\n"
        signers = [signer for signer in keyring.signers if _signs_notes(signer.verifier)]
        return bytes(sign_note(text, signers, at))

    @contextmanager
    def _leading(self) -> Iterator[bool]:
        """Hold the folder's lock, if nobody else does."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SetupError(
                "ledger.folder-unusable",
                N_("The folder of the log cannot be read or written."),
                why=N_("The operating system says: %(reason)s."),
                hint=N_("Check that the disk is there, has room, and belongs to the account that Custodes runs as."),
                reason=error.strerror or "",
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)


def _read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _signs_notes(verifier: object) -> bool:
    return isinstance(verifier, VerifierKey) and verifier.type is KeyType.ED25519
