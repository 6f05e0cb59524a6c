"""Being a witness: cosign a checkpoint only if it continues what was cosigned last (C2SP `tlog-witness`).

In plain English.  A witness remembers, for each log that its operator added, the last checkpoint it cosigned.  Asked to
cosign another one, it looks whether the log signed it, whether the asker knows what was cosigned last, and whether the
proof shows that nothing of that was changed.  Only then it cosigns, writes the new checkpoint down, and answers, in
this order: what was answered is never forgotten, and two requests at once are taken one after the other.

It sees checkpoints (a name, a number of entries and a hash), never an entry.  It does not say that what a log holds is
true, only that the log tells everybody the same and takes nothing back.

Accepting a log, giving it other keys and accepting that one log succeeds another are acts of the witness's operator.
A predecessor is not cosigned any more once its successor was accepted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from custodes.errors import CustodesError, InputError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import LOG_TYPES, KeyType, VerifierKey
from custodes.ledger.note import Signature, SignedNote, Signer, cosign, unsigned, verified_signatures
from custodes.ledger.tree import EMPTY_ROOT, verify_consistency
from custodes.ledger.witnessing.state import Following, KnownLog, WitnessFolder, own_time
from custodes.ledger.witnessing.wire import FORBIDDEN, MALFORMED, UNKNOWN, UNPROVEN, Answer, Request
from custodes.text import N_


class Witness:
    """The witness in ``folder``, which it alone has open; ``clock`` gives seconds since 1970, UTC.

    May be used by several threads at once.
    """

    def __init__(self, folder: WitnessFolder, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public keys that its cosignatures are verified with."""
        return self._folder.verifiers

    def add_checkpoint(self, data: bytes) -> Answer:
        """Return the answer to the bytes of a request, whatever they are.

        Raises:
            SetupError: ``ledger.witness-unusable``, when what would be cosigned cannot be written down.
        """
        try:
            request = Request.parse(data)
        except InputError:
            return Answer(MALFORMED)
        checkpoint = request.checkpoint
        if (log := self._current(checkpoint.origin)) is None:
            return Answer(UNKNOWN)
        try:
            if not (signatures := _log_signatures(request.note, log.keys)):
                return Answer(FORBIDDEN)
        except InputError:
            return Answer(FORBIDDEN)
        if request.old_size > checkpoint.size:
            return Answer(MALFORMED)
        with self._lock:  # from here to the answer: nobody else may move what was cosigned last
            return self._cosign(request, signatures)

    def _cosign(self, request: Request, signatures: Sequence[Signature]) -> Answer:
        new = request.checkpoint
        log = self._current(new.origin)
        if log is None:  # its operator accepted a successor meanwhile
            return Answer(UNKNOWN)
        last = log.checkpoint or Checkpoint(new.origin, 0, EMPTY_ROOT)
        if last.size == new.size and last.root != new.root:
            self._folder.keep_evidence(SignedNote(request.note.text, tuple(signatures)))
            return Answer.at_size(last.size)
        if request.old_size != last.size:
            return Answer.at_size(last.size)
        try:
            verify_consistency(last.size, last.root, new.size, new.root, request.proof)
        except InputError:
            return Answer(UNPROVEN)
        signers = _able(self._folder.signers, new)
        if not signers:
            return Answer(MALFORMED)
        note = cosign(SignedNote(request.note.text, tuple(signatures)), signers, self._clock())
        self._folder.write(replace(log, note=note, cosigned_at=own_time(note, self.verifiers)))
        return Answer.cosigned(note.signatures[len(signatures) :])

    def add_log(self, keys: Sequence[VerifierKey]) -> KnownLog:
        """Begin to cosign for the log of ``keys``; for one that is known they replace its keys, and no more.

        Raises:
            InputError: ``ledger.log-keys-unfit``.
            SetupError: ``ledger.witness-unusable``.
        """
        origin = self._origin(keys)
        with self._lock:
            known = self._folder.logs.get(origin) or KnownLog(origin, ())
            log = replace(known, keys=tuple(keys))
            self._folder.write(log)
        return log

    def following(self, declared: bytes) -> Following:
        """Return what it would mean to accept a successor to the log of the signed checkpoint ``declared``.

        Raises:
            InputError: ``ledger.note-malformed``, ``ledger.checkpoint-malformed``, ``ledger.signature-wrong``,
                ``ledger.signature-missing``, or ``ledger.succession-refused``: the log is not known here or has a
                successor, or this witness did not cosign what is declared, or cosigned something else of its size.
        """
        note = SignedNote.parse(declared)
        named = Checkpoint.parse(note.text)
        log = self._current(named.origin)
        seen = log.checkpoint if log else None
        if log is None or seen is None:
            raise _refused(N_("This witness cosigns no such log, or accepted a successor of it already."), named, seen)
        if not verified_signatures(note, log.keys):
            raise unsigned(log.keys)
        if named.size > seen.size:
            raise _refused(N_("It is longer than what this witness cosigned. Have it cosigned first."), named, seen)
        if named.size == seen.size and named.root != seen.root:
            raise _refused(N_("It is another history than the one that this witness cosigned."), named, seen)
        return Following(named, seen, self._clock())

    def accept_successor(self, keys: Sequence[VerifierKey], declared: bytes, *, gap: int) -> KnownLog:
        """Begin to cosign for the log of ``keys``, the successor of the log whose signed checkpoint is ``declared``.

        ``gap``: how many entries that this witness vouched for the operator agrees to see given up.

        Raises:
            InputError: as :meth:`following`, ``ledger.log-keys-unfit``, or ``ledger.succession-refused`` when the
                gap is another one or the successor's name is not new.
            SetupError: ``ledger.witness-unusable``.
        """
        origin = self._origin(keys)
        with self._lock:
            following = self.following(declared)
            named, seen = following.named, following.seen
            if following.gap != gap:
                raise _refused(N_("The gap is another one than its operator agreed to."), named, seen)
            if origin in self._folder.logs:
                raise _refused(N_("A successor has a name of its own."), named, seen)
            log = KnownLog(origin, tuple(keys), follows=following)
            self._folder.write(log)
        return log

    def _current(self, origin: str) -> KnownLog | None:
        """Return a log that is known here and has no successor."""
        logs = self._folder.logs
        succeeded = {log.follows.named.origin for log in logs.values() if log.follows}
        return None if origin in succeeded else logs.get(origin)

    def _origin(self, keys: Sequence[VerifierKey]) -> str:
        own = {key.public for key in self.verifiers}
        if (
            not keys
            or len({key.name for key in keys}) != 1
            or len({key.public for key in keys} - own) != len(keys)
            or any(key.type not in LOG_TYPES for key in keys)
        ):
            raise InputError(
                "ledger.log-keys-unfit",
                N_("These are not the keys of one log."),
                why=N_("They must have one name, differ, be of a log's types, and not be this witness's own."),
            )
        return keys[0].name


def _log_signatures(note: SignedNote, keys: Sequence[VerifierKey]) -> list[Signature]:
    """Return the log's own signatures, the last of each key; other lines are not carried along."""
    return list(dict(verified_signatures(note, keys)).values())


def _able(signers: Sequence[Signer], checkpoint: Checkpoint) -> list[Signer]:
    """Return who can cosign: an ML-DSA-44 cosignature would leave extension lines unsigned (`ledger.keys`)."""
    plain = [s for s in signers if getattr(s.verifier, "type", None) is not KeyType.COSIGNATURE_MLDSA44]
    return plain if checkpoint.extensions else list(signers)


def _refused(why: str, named: Checkpoint, seen: Checkpoint | None) -> CustodesError:
    return InputError(
        "ledger.succession-refused",
        N_("The successor of “%(origin)s” cannot be accepted."),
        why=why,
        hint=N_("It names a checkpoint over %(named)d entries; this witness cosigned one over %(seen)s last."),
        origin=named.origin,
        named=named.size,
        seen="–" if seen is None else seen.size,
    )
