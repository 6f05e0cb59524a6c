"""What the log costs the product: the transaction that an entry rides on, and sealing out of the database.

* ``append_overhead``: the share that one entry adds to the transaction it rides on: a case is opened (its row, on
  SQLite with every commit flushed) with its entry and without, in turns; medians of :data:`TURNS`.
* ``seal_per_s``: entries per second from committed rows of the database to a signed checkpoint in the folder:
  positions given and committed, bodies read, hashed, bundled, every file flushed.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

TURNS = 1500
_AT_ONCE = 500


def appending(scratch: Path, turns: int, entries: int) -> dict[str, float]:
    """Return both figures, measured in an installation in ``scratch``."""
    os.environ["CUSTODES_DATA_DIR"] = str(scratch / "data")
    os.environ.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
    from benchmarks.installation import Installation

    installation = Installation(threads=1)
    return {
        "append_overhead": _overhead(installation, turns),
        "seal_per_s": _sealed_per_second(installation, scratch / "sealed", entries),
    }


def _overhead(installation: Any, turns: int) -> float:
    from custodes.ids import CaseId
    from custodes.ledger import Event
    from custodes.ledger.events import CaseOpened
    from custodes.store import casework
    from custodes.store.database import openings, transaction_of_its_own

    context = installation.contexts["searcher"]
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * turns):
        is_logged = number % 2
        case = CaseId.new(os.urandom)
        begun = time.perf_counter()
        with transaction_of_its_own(openings(context.agency)):
            casework.add_case(case, context.agency, f"bench-{number}", context.actor, context.now())
            if is_logged:
                opened = Event(replace(context, case=case), CaseOpened(opened=case))
                installation.services.ledger.with_rows(opened)
        taken[is_logged].append(time.perf_counter() - begun)
    return median(taken[1]) / median(taken[0]) - 1


def _sealed_per_second(installation: Any, folder: Path, entries: int) -> float:
    from custodes.ledger import Event
    from custodes.ledger.events import SignedOut
    from custodes.ledger.folder import FolderTileStore
    from custodes.ledger.keys import KeyType, SigningKey
    from custodes.ledger.note import sign_note
    from custodes.ledger.sealer import SealedFolder, Sealer
    from custodes.store.log import SealedEntries

    keys = [SigningKey("log.example/b", kind, bytes(32)) for kind in (KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44)]
    sealer = Sealer(
        SealedEntries(),
        SealedFolder(FolderTileStore(folder)),
        "log.example/b",
        lambda checkpoint: bytes(sign_note(str(checkpoint), keys, 1)),
    )
    sealer.seal_all()
    for _ in range(0, entries, _AT_ONCE):
        installation.services.ledger.alone(*[Event(installation.contexts["searcher"], SignedOut())] * _AT_ONCE)
    begun = time.perf_counter()
    given = sealer.seal_all().given
    return given / (time.perf_counter() - begun)
