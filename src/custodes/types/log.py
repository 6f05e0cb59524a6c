"""What the log is made of."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from custodes.ids import AccountId, AgencyId, CaseId, EntryId, RequestId

Facts = Mapping[str, "str | int | bool | list[str]"]
"""What a log entry states openly, as JSON: opaque ids, counts, codes. Made by the classes of `ledger.events`."""


class Phase(enum.StrEnum):
    """Which of the log's patterns an entry belongs to (see `ledger.log`)."""

    EFFECT = "effect"
    ALONE = "alone"
    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, as kept.

    ``body`` is canonical JSON (RFC 8785) of what the entry states openly; it will be a leaf of the tree and is
    never changed or removed.  ``private`` is what only the services may read: it is kept apart, sealed, can be
    destroyed, and ``body`` holds only its salted SHA-256.  ``position`` counts from 0 and is given by the store.
    """

    id: EntryId
    at: datetime
    kind: str
    phase: Phase
    body: bytes
    actor: AccountId | None = None
    agency: AgencyId | None = None
    case: CaseId | None = None
    request: RequestId | None = None
    intent: EntryId | None = None
    salt: bytes = b""
    private: bytes = b""
    position: int | None = None
