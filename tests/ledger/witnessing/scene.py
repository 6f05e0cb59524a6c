"""A small log and witnesses that really exist, in folders, for tests of witnessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conftest import CountedEntropy
from tests.ledger.sealing import NOW, ORIGIN, SealedLog, numbered

from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import KeyType, VerifierKey
from custodes.ledger.note import SignedNote
from custodes.ledger.quorum import OUTSIDE, Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.tiles import TileReader
from custodes.ledger.tree import consistency_proof
from custodes.ledger.witnessing.client import Gathered, gather
from custodes.ledger.witnessing.post import Unreachable
from custodes.ledger.witnessing.state import WitnessFolder
from custodes.ledger.witnessing.wire import PATH, Answer, Request
from custodes.ledger.witnessing.witness import Witness

NAMES = (OUTSIDE + "ombudsman", OUTSIDE + "university", "police-b")


class ALog(SealedLog):
    """A sealed log that nobody has cosigned yet; two of one origin and seed are a log and its fork."""

    def grown(self, count: int, first: int = 0) -> SignedNote:
        """Append ``count`` entries that begin at number ``first`` and return the signed checkpoint."""
        return SignedNote.parse(self.seal(numbered(count, first), witnesses=()))

    def proof_from(self, size: int) -> tuple[bytes, ...]:
        """Return the proof from ``size`` to what the log is now; none from a size that it never had."""
        now = len(self.entries)
        return consistency_proof(TileReader(self.store, now), size, now) if size <= now else ()

    def request(self, note: SignedNote, old: int) -> bytes:
        return bytes(Request.make(note, old, self.proof_from(old)))

    @property
    def keys(self) -> list[VerifierKey]:
        return [signer.verifier for signer in self.log_keys]


def witness_in(folder: Path, *logs: ALog, name: str = "witness.example/w", at: int = NOW) -> Witness:
    """Return a new witness that knows ``logs``; its folder stays open as long as it lives."""
    seed = name.encode()
    counted = CountedEntropy()
    opened = WitnessFolder.create(
        folder, name, lambda n: bytes(a ^ b for a, b in zip(counted(n), seed * n, strict=False))
    )
    witness = Witness(opened, lambda: at)
    for log in logs:
        witness.add_log(log.keys)
    return witness


def reopened(witness: Witness, at: int = NOW) -> Witness:
    """Return the witness as its next process finds it."""
    witness._folder.close()
    return Witness(WitnessFolder(witness._folder.path), lambda: at)


def ed25519(witness: Witness) -> VerifierKey:
    return next(key for key in witness.verifiers if key.type is KeyType.COSIGNATURE_ED25519)


def mldsa(witness: Witness) -> VerifierKey:
    return next(key for key in witness.verifiers if key.type is KeyType.COSIGNATURE_MLDSA44)


class Town:
    """Three witnesses, two of them outside policing, a policy that needs two, and the wires between."""

    def __init__(self, folder: Path, *logs: ALog) -> None:
        self.witnesses = {
            name: witness_in(folder / str(n), *logs, name=f"w{n}.example/w") for n, name in enumerate(NAMES)
        }
        self.silent: set[str] = set()
        self.policy = Policy.k_of_n(
            logs[0].keys,
            [
                Listed(name, ed25519(one), f"http://w{n}.example")
                for n, (name, one) in enumerate(self.witnesses.items())
            ],
            2,
        )

    def send(self, url: str, body: bytes, _timeout: float) -> Answer:
        """Carry a request to the witness at ``url``."""
        name = next(one.name for one in self.policy.witnesses if one.url + PATH == url)
        if name in self.silent:
            raise Unreachable("silent")
        return self.witnesses[name].add_checkpoint(body)

    def gather(
        self,
        log: ALog,
        note: SignedNote,
        remembered: dict[str, int] | None = None,
        *,
        proof_from: Callable[[int], Sequence[bytes]] | None = None,
        now: int = NOW,
        timeout: float = 60,
    ) -> Gathered:
        return gather(
            self.policy, note, proof_from or log.proof_from, remembered or {}, now=now, timeout=timeout, send=self.send
        )


def size_of(note: SignedNote) -> int:
    return Checkpoint.parse(note.text).size


__all__ = ["NAMES", "NOW", "ORIGIN", "ALog", "Town", "ed25519", "mldsa", "reopened", "size_of", "witness_in"]
