"""Asking a witness for its cosignature, and believing only what can be verified (C2SP `tlog-witness`, the client).

The caller remembers the size of the last checkpoint that each witness cosigned, and says it here.  A witness that
remembers less was put back to an older state and counts as silent, until somebody decides to trust it again; one that
remembers more, or another tree, was shown another history of the log than this one.  Both are found here because both
sides remember.

:func:`ask` is one conversation, :func:`gather` holds one with every witness of a policy, side by side.  Neither keeps
anything, and neither knows a clock: ``now`` is the caller's.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ledger.keys import VerifierKey, cosignature_time
from custodes.ledger.note import Signature, SignedNote, verified_signatures
from custodes.ledger.quorum import Policy, Witness
from custodes.ledger.witnessing.post import Post, Unreachable, post
from custodes.ledger.witnessing.wire import CONFLICT, OK, PATH, UNPROVEN, Answer, Request

ProofFrom = Callable[[int], Sequence[bytes]]
"""``proof_from(size)``: the consistency proof from ``size`` to the size of the checkpoint in question."""

MAX_SKEW_S = 300
"""A cosignature's time may be this far from the caller's: clocks differ, and an old one must not pass for new."""


class Trouble(enum.StrEnum):
    """Why there is no cosignature of a witness."""

    UNREACHABLE = "unreachable"
    """No address, no connection, or no answer in time."""
    REFUSES = "refuses"
    """It answered, and not with a cosignature: it does not know the log or its keys, or is not well."""
    FORK = "fork"
    """It cosigned another history of this log: another tree of one size, or one that this tree does not continue."""
    AHEAD = "ahead"
    """It cosigned a longer log than this one: this one was put back, or there are two."""
    ROLLED_BACK = "rolled-back"
    """It has forgotten what it cosigned: its folder was put back to an older state."""
    WRONG = "wrong"
    """It answered with something that is not its cosignature of this checkpoint."""
    STALE = "stale"
    """Its cosignature was not made now: an old one was replayed, or one of two clocks is wrong."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness cosigned: ``signature`` is verified; ``at``: seconds since 1970; ``size``: entries it covers."""

    signature: Signature
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A witness did not.  ``status``: of HTTP, 0 without an answer; ``size``: what it cosigned last, if known."""

    trouble: Trouble
    status: int = 0
    size: int | None = None


Outcome = Cosigned | Failed


@dataclass(frozen=True, slots=True)
class Gathered:
    """``note``: the checkpoint with the cosignatures got; ``outcomes``: by name; ``has_quorum``: those got are one."""

    note: SignedNote
    outcomes: Mapping[str, Outcome]
    has_quorum: bool


def ask(
    witness: Witness,
    note: SignedNote,
    remembered: int,
    proof_from: ProofFrom,
    *,
    now: int,
    timeout: float,
    send: Post = post,
) -> Outcome:
    """Return the cosignature of ``witness`` under the signed checkpoint ``note``, or why there is none.

    ``remembered``: the largest size that this witness is known to have cosigned, 0 for none.  ``now``: seconds since
    1970, UTC.  ``timeout``: seconds for each of at most two requests.  Whatever ``proof_from`` raises comes through.

    Raises:
        InputError: ``ledger.checkpoint-malformed``, when ``note`` is not one of a checkpoint.
    """
    request = Request.make(note, remembered, ())
    size = request.checkpoint.size
    if remembered > size:
        return Failed(Trouble.AHEAD, size=remembered)
    if not witness.url:
        return Failed(Trouble.UNREACHABLE)
    url = witness.url.rstrip("/") + PATH
    try:
        answer = send(url, bytes(Request.make(note, remembered, proof_from(remembered))), timeout)
        known = answer.size() if answer.status == CONFLICT else None
        if known is None or not remembered < known <= size:
            return _outcome(answer, witness, note, remembered, size, now)
        # it remembers more than we do: an answer of its was lost on the way, or we are new to it
        answer = send(url, bytes(Request.make(note, known, proof_from(known))), timeout)
        return _outcome(answer, witness, note, known, size, now)
    except Unreachable:
        return Failed(Trouble.UNREACHABLE)


def gather(
    policy: Policy,
    note: SignedNote,
    proof_from: ProofFrom,
    remembered: Mapping[str, int],
    *,
    now: int,
    timeout: float,
    send: Post = post,
) -> Gathered:
    """Ask every witness of ``policy`` at once to cosign ``note``; whoever does not answer within ``timeout`` is silent.

    ``remembered``: witness name → the largest size that it is known to have cosigned; to trust one again that was
    rolled back, leave it out.  ``proof_from`` is called from one other thread at a time, and never after this returned;
    what it raises comes through.

    Raises:
        InputError: ``ledger.checkpoint-malformed``.
    """
    turn, over = threading.Lock(), threading.Event()
    proofs: dict[int, Sequence[bytes]] = {}

    def proof(size: int) -> Sequence[bytes]:
        with turn:
            if over.is_set():
                raise Unreachable("too late")
            if size not in proofs:
                proofs[size] = proof_from(size)
            return proofs[size]

    def start(witness: Witness) -> Future[Outcome]:
        future: Future[Outcome] = Future()

        def answer() -> None:
            try:
                known = remembered.get(witness.name, 0)
                future.set_result(ask(witness, note, known, proof, now=now, timeout=timeout / 2, send=send))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the future is read
                future.set_exception(error)

        # a witness that keeps us waiting must not keep the process from ending
        threading.Thread(target=answer, name=f"asking {witness.name}", daemon=True).start()
        return future

    asked = {witness.name: start(witness) for witness in policy.witnesses}
    done, _ = wait_for(asked.values(), timeout)
    with turn:  # whoever is late finds the caller's tiles closed
        over.set()
    outcomes = {n: f.result() if f in done else Failed(Trouble.UNREACHABLE) for n, f in asked.items()}
    cosigned = [outcome for outcome in outcomes.values() if isinstance(outcome, Cosigned)]
    return Gathered(
        note.with_signatures(outcome.signature for outcome in cosigned),
        outcomes,
        policy.is_met_by([name for name, outcome in outcomes.items() if isinstance(outcome, Cosigned)]),
    )


def _outcome(answer: Answer, witness: Witness, note: SignedNote, old: int, size: int, now: int) -> Outcome:
    """Return what an answer means to one who asked from ``old`` with a proof that is right."""
    if answer.status == OK:
        return _believed(answer, witness.key, note, size, now)
    if answer.status == UNPROVEN:
        return Failed(Trouble.FORK, answer.status, old)
    known = answer.size() if answer.status == CONFLICT else None
    if known is None:
        return Failed(Trouble.REFUSES, answer.status)
    if known > size:
        return Failed(Trouble.AHEAD, answer.status, known)
    if known < old:
        return Failed(Trouble.ROLLED_BACK, answer.status, known)
    # asked from what it says it has, and still a conflict: with our size that is another root
    return Failed(Trouble.FORK if known == old == size else Trouble.REFUSES, answer.status, known)


def _believed(answer: Answer, key: VerifierKey, note: SignedNote, size: int, now: int) -> Outcome:
    try:
        verified = verified_signatures(SignedNote(note.text, answer.signatures()), [key])
    except InputError:
        return Failed(Trouble.WRONG, answer.status)
    if not verified:
        return Failed(Trouble.WRONG, answer.status)
    signature = verified[-1][1]
    at = cosignature_time(key, signature) or 0
    return Cosigned(signature, at, size) if abs(at - now) <= MAX_SKEW_S else Failed(Trouble.STALE, answer.status)
