"""A small sealed log in a folder, with its keys and witnesses, for tests of the ledger and its verifier."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from custodes.errors import CustodesError
from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.keys import KeyType, SigningKey
from custodes.ledger.note import cosign, sign_note
from custodes.ledger.quorum import OUTSIDE, Policy, Witness

ORIGIN = "log.police.example/custodes"
NOW = 1_790_000_000
OUTSIDE_ONLY = (OUTSIDE + "ombudsman", OUTSIDE + "university")


def key(name: str, kind: KeyType, seed: str = "") -> SigningKey:
    """Return a key that is the same for the same words."""
    return SigningKey(name, kind, hashlib.sha256(f"{name} {kind.name} {seed}".encode()).digest())


class SealedLog:
    """A log of ``origin`` in ``folder``: two log keys, three witnesses of which two stand outside policing, k = 2."""

    def __init__(self, folder: Path, origin: str = ORIGIN, seed: str = "") -> None:
        self.store = FolderTileStore(folder)
        self.folder = folder
        self.origin = origin
        self.log_keys = [key(origin, KeyType.ED25519, seed), key(origin, KeyType.COSIGNATURE_MLDSA44, seed)]
        self.witness_keys = {
            OUTSIDE + "ombudsman": key("ombudsman.example/w", KeyType.COSIGNATURE_MLDSA44),
            OUTSIDE + "university": key("university.example/w", KeyType.COSIGNATURE_ED25519),
            "police-b": key("police-b.example/w", KeyType.COSIGNATURE_ED25519),
        }
        self.policy = Policy.k_of_n(
            [signer.verifier for signer in self.log_keys],
            [Witness(name, signer.verifier) for name, signer in self.witness_keys.items()],
            2,
        )
        self.entries: list[bytes] = []
        self._growth = Growth(self.store)

    @property
    def vkeys(self) -> list[str]:
        return [str(signer.verifier) for signer in self.log_keys]

    def seal(self, entries: Sequence[bytes], witnesses: Sequence[str] | None = None) -> bytes:
        """Append ``entries``, sign the checkpoint, have ``witnesses`` (all by default) cosign it, publish it."""
        self.entries += entries
        self._growth.append(entries)
        text = str(Checkpoint(self.origin, self._growth.size, self._growth.root()))
        note = sign_note(text, self.log_keys, NOW + self._growth.size)
        chosen = self.witness_keys if witnesses is None else witnesses
        note = cosign(note, [self.witness_keys[name] for name in chosen], NOW + self._growth.size + 1)
        self.store.write_checkpoint(bytes(note))
        return bytes(note)

    def trust(self, *, strict: bool = True) -> verify.Trust:
        return verify.Trust(self.vkeys, str(self.policy).encode(), strict=strict)

    def verify(self, *, since: bytes | None = None, strict: bool = True) -> str:
        """Run the single-file verifier over the folder; return its sentence or raise its Failure."""
        return verify.verify_log(self.folder, self.trust(strict=strict), since)

    def files(self) -> list[Path]:
        """Return every file of the log."""
        return sorted([self.folder / "checkpoint", *(p for p in (self.folder / "tile").rglob("*") if p.is_file())])


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Return ``count`` entries that all differ."""
    return [b'{"n":%d}' % n for n in range(first, first + count)]


def code_of(action: Callable[[], object]) -> str:
    """Return the code of the domain error that ``action`` raises; "" if it returns, and any other error as it is."""
    try:
        action()
    except CustodesError as error:
        raised = error
    else:
        return ""
    assert str(raised)  # every sentence can be filled with its values
    return raised.code
