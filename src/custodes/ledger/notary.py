"""The notary: shows the log's checkpoints to its witnesses, keeps what they cosigned, and knows how things stand.

Two files lie beside the tiles: ``cosigned``, the last checkpoint that a quorum cosigned, which whatever leaves the
installation must be covered by; and ``witnesses.json``, which checkpoint each witness cosigned last and when, and what
kept the others from it.  The latter is public too: who is missing, and since when, is nobody's secret.

Asking takes seconds and sealing must not wait for it, so the notary has a thread of its own (`app.sealing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from custodes.errors import CustodesError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.note import SignedNote
from custodes.ledger.protocol import EntryIndex
from custodes.ledger.quorum import Policy, Witnessed
from custodes.ledger.tiles import TileReader
from custodes.ledger.tree import consistency_proof
from custodes.ledger.witnessing.client import Cosigned, Gathered, gather
from custodes.ledger.witnessing.standing import Extension, Standing, standing

COSIGNED = "cosigned"
STATE = "witnesses.json"
GRACE_S = 60
"""A witness that answers within a minute is not missing."""
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of the witnesses, by their names in the policy.

    ``sizes``: entries that each cosigned last; ``times``: when, seconds since 1970; ``troubles``: why one did not.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, int] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes | None) -> Remembered:
        """Return what a file says; nothing if there is none or it was spoilt: every witness then says what it has."""
        try:
            said = json.loads(data or b"{}")
            sizes, times, troubles = (dict(said.get(name, {})) for name in ("sizes", "times", "troubles"))
            numbers = [*sizes.values(), *times.values()]
        except (ValueError, TypeError, AttributeError):
            return cls()
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            return cls()
        return cls(sizes, times, {name: str(trouble) for name, trouble in troubles.items()})

    def __bytes__(self) -> bytes:
        said = {"sizes": dict(self.sizes), "times": dict(self.times), "troubles": dict(self.troubles)}
        return json.dumps(said, indent=1, sort_keys=True).encode() + b"\n"

    def after(self, gathered: Gathered) -> Remembered:
        """Return what is known once every witness has been asked."""
        sizes, times, troubles = dict(self.sizes), dict(self.times), dict[str, str]()
        for name, outcome in gathered.outcomes.items():
            if isinstance(outcome, Cosigned):
                sizes[name], times[name] = outcome.size, outcome.at
            else:
                troubles[name] = outcome.trouble.value
        return Remembered(sizes, times, troubles)


class Notary:
    """Asks the witnesses of ``policy`` about the log in ``store``, whose entries ``index`` holds."""

    def __init__(self, store: FolderTileStore, index: EntryIndex, policy: Policy) -> None:
        self._store = store
        self._index = index
        self.policy = policy

    def remembered(self) -> Remembered:
        """Return what is known of the witnesses."""
        return Remembered.parse(self._store.read_named(STATE))

    def cosigned(self) -> Witnessed | None:
        """Return the last checkpoint that a quorum cosigned, None before the first or if it was spoilt."""
        note = self._store.read_named(COSIGNED)
        try:
            return self.policy.accept(note) if note else None
        except CustodesError:
            return None

    def ask(self, now: int, *, timeout: float = _TIMEOUT_S) -> Gathered | None:
        """Show the present checkpoint to every witness; return who cosigned, None if nothing has been sealed yet.

        ``now``: seconds since 1970.  ``timeout``: seconds for all of them together.

        Raises:
            CustodesError: the log's own folder is damaged.
        """
        published = self._store.read_checkpoint()
        if published is None:
            return None
        note = SignedNote.parse(published)
        size = Checkpoint.parse(note.text).size
        reader = TileReader(self._store, size)
        before = self.remembered()
        gathered = gather(
            self.policy,
            note,
            lambda known: consistency_proof(reader, known, size),
            before.sizes,
            now=now,
            timeout=timeout,
        )
        self._store.write_named(STATE, bytes(before.after(gathered)))
        if gathered.has_quorum:
            self._store.write_named(COSIGNED, bytes(gathered.note))
        return gathered

    def is_waiting(self) -> bool:
        """Return whether a checkpoint was published that no quorum has cosigned."""
        published = self._store.read_checkpoint()
        cosigned = self.cosigned()
        if published is None:
            return False
        return cosigned is None or cosigned.checkpoint != Checkpoint.parse(SignedNote.parse(published).text)

    def standing(self, now: int, *, limit_s: int, extension: Extension | None = None) -> Standing:
        """Return how the log stands with its witnesses; ``limit_s``: seconds that entries may be without a quorum."""
        cosigned = self.cosigned()
        return standing(
            self.policy,
            self.remembered().times,
            self._oldest_beyond(cosigned.checkpoint.size if cosigned else 0),
            now=now,
            limit_s=limit_s,
            grace_s=GRACE_S,
            extension=extension,
        )

    def _oldest_beyond(self, size: int) -> int | None:
        """Return when the first entry was written that a checkpoint of ``size`` does not cover."""
        beyond = self._index.written_at(size)
        return int(beyond.timestamp()) if beyond else None


def covers(witnessed: Witnessed | None, position: int | None) -> bool:
    """Return whether a checkpoint that a quorum cosigned covers the entry at ``position``."""
    return witnessed is not None and position is not None and position < witnessed.checkpoint.size
