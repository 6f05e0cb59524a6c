"""The published state of a segment folder: which files, how many of their rows, which generation.

Published by renaming, so that whoever reads it sees one whole generation or the one before.  A manifest that does not
verify is as good as none: the folder is a cache, and is built again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from custodes.ranking.bound import VERSION as QUANTISER
from custodes.ranking.segments.history import Frontier

NAME: Final = "manifest.json"
_FORMAT: Final = 1
_MOST_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class SegmentState:
    """A file of the folder: ``rows`` of its places are filled; ``edition``: the manifest's when it last changed."""

    name: str
    rows: int
    edition: int


@dataclass(frozen=True, slots=True)
class Living:
    """The living rows of a generation: how many, and their commitments added up modulo 2**256, as 64 hex digits.

    A sum, because it can be kept when rows come and go, and shows a row left out as well as one too many.
    """

    count: int = 0
    sum: str = "0" * 64

    def with_born(self, commitments: Sequence[bytes]) -> Living:
        """Return this with rows more."""
        return self._changed(commitments, 1)

    def with_died(self, commitments: Sequence[bytes]) -> Living:
        """Return this with rows less."""
        return self._changed(commitments, -1)

    def _changed(self, commitments: Sequence[bytes], sign: int) -> Living:
        total = int(self.sum, 16) + sign * sum(int.from_bytes(one, "big") for one in commitments)
        return Living(self.count + sign * len(commitments), f"{total % (1 << 256):064x}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One published state.

    ``epoch``: 16 bytes, hex, drawn anew whenever the folder is built from nothing; ``edition`` grows with every
    publication; ``retired``: files that somebody may still be reading; ``owners``: agency ids by their codes;
    ``last_leaf``: generation and hash of the newest leaf of the history.
    """

    contract: str
    dimension: int
    epoch: str
    edition: int = 0
    generation: int = -1
    segments: tuple[SegmentState, ...] = ()
    retired: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    living: Living = field(default_factory=Living)
    history: Frontier = field(default_factory=Frontier)
    last_leaf: tuple[int, str] = (0, "")

    @property
    def rows(self) -> int:
        """Places filled, those of the dead and the erased included."""
        return sum(segment.rows for segment in self.segments)


def publish(folder: Path, manifest: Manifest) -> None:
    """Put ``manifest`` in the place of the present one, at once. Raises OSError."""
    said = asdict(manifest)
    said["history"] = {"size": manifest.history.size, "roots": [root.hex() for root in manifest.history.roots]}
    body = {"format": _FORMAT, "quantiser": QUANTISER, **said}
    text = json.dumps({**body, "sum": _sum(body)}).encode()
    new = folder / f"{NAME}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    new.replace(folder / NAME)


def read(folder: Path) -> Manifest | None:
    """Return the published state; None if there is none, or none that can be used."""
    try:
        with (folder / NAME).open("rb") as file:
            said = json.loads(file.read(_MOST_BYTES))
        if said.pop("sum") != _sum(said) or said.pop("format") != _FORMAT or said.pop("quantiser") != QUANTISER:
            return None
        return Manifest(
            **{
                **said,
                "segments": tuple(SegmentState(**segment) for segment in said["segments"]),
                "retired": tuple(said["retired"]),
                "owners": tuple(said["owners"]),
                "living": Living(**said["living"]),
                "history": Frontier(said["history"]["size"], tuple(map(bytes.fromhex, said["history"]["roots"]))),
                "last_leaf": (said["last_leaf"][0], said["last_leaf"][1]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def signature(folder: Path) -> tuple[int, int, int] | None:
    """Return what tells one published manifest from the next without reading it; None if there is none."""
    try:
        found = (folder / NAME).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _sum(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
