"""Who does something, when, and where randomness comes from: the first argument of every workflow."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from custodes.ids import AccountId, AgencyId, CaseId, Entropy, RequestId, TraceId


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class Role(enum.StrEnum):
    """What a person may be trusted with (IAM-02)."""

    SEARCHER = "searcher"
    REVIEWER = "reviewer"
    VERIFIER = "verifier"
    SUPERVISOR = "supervisor"
    RECORDS_OFFICER = "records-officer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class AccountState(enum.StrEnum):
    """Whether an account may be used (IAM-07)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Context:
    """Who is doing something, for which case, when: the first argument of every workflow.

    ``actor``, ``agency`` and ``role`` are ``None`` only before sign-in and for the installation itself.
    """

    actor: AccountId | None
    agency: AgencyId | None
    role: Role | None
    clock: Clock
    entropy: Entropy
    trace: TraceId
    locale: str = "en"
    case: CaseId | None = None
    request: RequestId | None = None

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self.clock.now()
