"""The ledger as files: how fast it is sealed, verified and proven, and what share of tampering is detected.

* ``append_overhead``, ``seal_per_s``: what the log costs the product, with its database (`benchmarks.appending`).
* ``seal_alone_per_s``: entries per second through `ledger.growth` alone into a folder: hashed, bundled, every tile and
  bundle flushed to the disk, and a checkpoint signed with both log keys after every batch of :data:`BATCH`.  Entries
  are 300 bytes, about what the log's canonical JSON comes to.
* ``verify_1m_s``: seconds in which the single-file verifier, a process of its own held to one core, verifies a folder
  of 1,000,000 entries (start of the interpreter included).  With ``QUICK=1`` the folder has 100,000 and the time is
  **extrapolated**: multiplied by ten.
* ``verify_rss_mb``: that process's highest resident memory; it does not grow with the log.
* ``proof_ms``: milliseconds, the median of 200, in which a ``.tlog-proof`` of a random entry is made from that folder
  with nothing cached.
* ``tamper_detected_share``: of every byte of a small sealed log (270 entries, two log keys, three witnesses, the
  partial tiles of an earlier size), changed one at a time, the share that ``verify.py log --strict`` detects.  Must be
  1.0.  Without ``--strict`` the lines of witnesses beyond the quorum may become an unknown key's, which C2SP
  signed-note has verifiers ignore; that share is printed beside it.  With ``QUICK=1`` every byte of the checkpoint and
  every ninth of tiles and bundles is changed.

Run with ``make bench-ledger``; ends in one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.appending import TURNS, appending
from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.keys import KeyType, SigningKey
from custodes.ledger.note import cosign, sign_note
from custodes.ledger.proof import Proof
from custodes.ledger.quorum import OUTSIDE, Policy, Witness
from custodes.ledger.tiles import TileReader

QUICK = os.environ.get("QUICK") == "1"
ENTRIES = 100_000 if QUICK else 1_000_000
BATCH = 10_000
SMALL = 270
PROOFS = 200
_ORIGIN = "log.example/custodes"
_AT = 1_790_000_000
_LOG_KEYS = [SigningKey(_ORIGIN, kind, bytes(32)) for kind in (KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44)]
_WITNESSES = {
    name: SigningKey(f"{n}.example/w", kind, bytes([n]) * 32)
    for n, (name, kind) in enumerate(
        {
            OUTSIDE + "ombudsman": KeyType.COSIGNATURE_MLDSA44,
            OUTSIDE + "university": KeyType.COSIGNATURE_ED25519,
            "partner": KeyType.COSIGNATURE_ED25519,
        }.items(),
        start=1,
    )
}
_POLICY = Policy.k_of_n([], [Witness(name, signer.verifier) for name, signer in _WITNESSES.items()], 2)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with tempfile.TemporaryDirectory() as scratch:
        store = FolderTileStore(Path(scratch) / "log")
        seal_per_s = seal(store, ENTRIES, BATCH)
        print(f"sealed {ENTRIES:,} entries at {seal_per_s:,.0f}/s", file=sys.stderr)
        seconds = verified_in(store.folder) * (1_000_000 / ENTRIES)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        proof_ms = prove(store, ENTRIES)
        strict, lenient = detected(Path(scratch) / "small")
        print(f"without --strict: {lenient:.4f} of changed bytes detected", file=sys.stderr)
        product = appending(Path(scratch), 150 if QUICK else TURNS, 20_000 if QUICK else 100_000)
    answer = {
        "append_overhead": round(product["append_overhead"], 3),
        "seal_per_s": round(product["seal_per_s"]),
        "seal_alone_per_s": round(seal_per_s),
        "verify_1m_s": round(seconds, 2),
        "verify_rss_mb": round(memory, 1),
        "proof_ms": round(proof_ms, 2),
        "tamper_detected_share": strict,
    }
    print(json.dumps(answer))


def entry(number: int, filling: int = 282) -> bytes:
    """Return an entry of ``filling`` and 18 bytes that no compression of the disk makes smaller."""
    return b'{"n":%08d,"x":"' % number + hashlib.shake_256(b"%d" % number).hexdigest(filling // 2).encode() + b'"}'


def seal(store: FolderTileStore, count: int, batch: int, *, witnesses: bool = False, filling: int = 282) -> float:
    """Seal ``count`` entries; return entries per second, the making of the entries left out."""
    growth, spent = Growth(store), 0.0
    for first in range(0, count, batch):
        entries = [entry(number, filling) for number in range(first, min(first + batch, count))]
        begun = time.perf_counter()
        growth.append(entries)
        text = str(Checkpoint(_ORIGIN, growth.size, growth.root()))
        note = sign_note(text, _LOG_KEYS, _AT)
        if witnesses:
            note = cosign(note, _WITNESSES.values(), _AT)
        store.write_checkpoint(bytes(note))
        spent += time.perf_counter() - begun
    return count / spent


def verified_in(folder: Path) -> float:
    """Return the seconds that the single-file verifier takes over ``folder``, in a process of its own."""
    keys = [part for signer in _LOG_KEYS for part in ("--key", str(signer.verifier))]
    command = [sys.executable, str(verify.__file__), "log", str(folder), *keys]
    begun = time.perf_counter()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"{ENTRIES} entries" in said
    return time.perf_counter() - begun


def prove(store: FolderTileStore, size: int) -> float:
    """Return the median of milliseconds that a proof takes, each with a fresh reader."""
    note = store.read_checkpoint()
    assert note is not None
    chosen = random.Random(4)  # noqa: S311 - which entries are proven is no secret
    taken = []
    for _ in range(PROOFS):
        index = chosen.randrange(size)
        begun = time.perf_counter()
        data = bytes(Proof.make(TileReader(store, size), index, note))
        taken.append((time.perf_counter() - begun) * 1000)
        verify.verify_proof(data, entry(index), _trust(strict=False, policy=b"quorum none\n"))
    return statistics.median(taken)


def detected(folder: Path) -> tuple[float, float]:
    """Return the share of changed bytes of a small log that is detected, with and without ``--strict``."""
    store = FolderTileStore(folder)
    seal(store, SMALL // 10, SMALL, witnesses=True, filling=10)
    seal(store, SMALL, SMALL, witnesses=True, filling=10)
    strict, lenient = _trust(strict=True), _trust(strict=False)
    assert _verifies(folder, strict)
    places, seen, seen_leniently = 0, 0, 0
    for path in sorted(p for p in [folder / "checkpoint", *(folder / "tile").rglob("*")] if p.is_file()):
        data = path.read_bytes()
        step = 9 if QUICK and path.name != "checkpoint" else 1
        for place in range(0, len(data), step):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :])
            places += 1
            is_seen = not _verifies(folder, lenient)
            seen_leniently += is_seen
            seen += is_seen or not _verifies(folder, strict)
        path.write_bytes(data)
    assert _verifies(folder, strict)
    return seen / places, seen_leniently / places


def _trust(*, strict: bool, policy: bytes | None = None) -> verify.Trust:
    keys = [str(signer.verifier) for signer in _LOG_KEYS]
    return verify.Trust(keys, str(_POLICY).encode() if policy is None else policy, strict=strict)


def _verifies(folder: Path, trust: verify.Trust) -> bool:
    try:
        verify.verify_log(folder, trust)
    except verify.Failure:
        return False
    return True


if __name__ == "__main__":
    main()
