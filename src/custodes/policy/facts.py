"""What `decide` is told: values, never querysets, so that a decision can be tested without a database."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from custodes.ids import AccountId, AgencyId
from custodes.types import AccountState, Authority, Barrier, CorrectionState, ProbeSource, Purpose, RequestState, Role


@dataclass(frozen=True, slots=True)
class NoFacts:
    """For actions that depend on the actor alone."""


@dataclass(frozen=True, slots=True)
class OwnedFacts:
    """For actions on a thing that belongs to an agency."""

    owner: AgencyId


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """A new account, as asked for (IAM-01)."""

    full_name: str
    email: str
    personnel_number: str


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """A role asked for, and those already held."""

    role: Role
    held: frozenset[Role]


@dataclass(frozen=True, slots=True)
class SanctionFacts:
    """What is to be done with a person's account: a role taken from it, or its state changed.

    ``role``: the one to be taken, None for a change of state.
    """

    account: AccountId
    state: AccountState
    held: frozenset[Role]
    role: Role | None
    reason: str


class Signature(enum.StrEnum):
    """What the signature beside a model pack's manifest is worth."""

    TRUSTED = "trusted"
    NONE = "none"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class PackFacts:
    """A model pack that is about to be added (ENG-04, SEC-06).

    ``operational_use``: its licence allows casework.  ``evaluation``: the installation is for evaluation.
    ``unsigned_accepted``: the administrator says in so many words that they trust it without a trusted signature.
    """

    operational_use: bool
    evaluation: bool
    signature: Signature
    unsigned_accepted: bool


@dataclass(frozen=True, slots=True)
class PackUseFacts:
    """A model pack that is about to be removed.  ``templates``, ``searches``: how many are kept that it made."""

    is_in_use: bool
    templates: int
    searches: int


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The case an action belongs to."""

    owner: AgencyId
    is_open: bool


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A gallery record somebody wants to see.

    ``was_candidate``: a search of their own service returned it, in a case that is still open.  ``barriers``: why the
    photograph, if it is about one, may not be searched: an examiner may not see it either.  ``is_shared``: an
    agreement with the owner is in force at this moment (SHR-01).
    """

    owner: AgencyId
    was_candidate: bool
    barriers: Barrier = Barrier.NONE
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class CorrectionFacts:
    """A correction that waits for a second person, as somebody is about to decide on it."""

    owner: AgencyId
    proposer: AccountId
    state: CorrectionState


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """A sharing agreement, as asked for (SHR-01)."""

    owner: AgencyId
    searcher: AgencyId
    reference: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request for a search, as filled in. Empty strings and None are what was left out (LAW-01)."""

    case: CaseFacts | None
    case_number: str
    offence_code: str
    purpose: Purpose | None
    authority: Authority | None
    authority_reference: str
    necessity: str
    source: ProbeSource | None
    how_obtained: str
    has_probe: bool
    face_picked: bool


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """A request that somebody is about to approve or decline (LAW-09)."""

    case: CaseFacts
    requester: AccountId
    state: RequestState


class Stop(enum.StrEnum):
    """Why nobody may search at the moment, whatever was approved; rights, destruction and audit go on."""

    GALLERY_UNEVEN = "gallery-uneven"
    LOG_UNSEALED = "log-unsealed"
    LOG_UNWITNESSED = "log-unwitnessed"
    LOG_UNSOUND = "log-unsound"


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """A request that is about to be searched: all that was asked, who approved it, and what stops every search."""

    request: RequestFacts
    requester: AccountId
    approver: AccountId | None
    state: RequestState
    stops: frozenset[Stop] = frozenset()


AnyFacts = (
    NoFacts
    | OwnedFacts
    | AccountFacts
    | GrantFacts
    | SanctionFacts
    | PackFacts
    | PackUseFacts
    | CaseFacts
    | RecordFacts
    | CorrectionFacts
    | AgreementFacts
    | RequestFacts
    | ApprovalFacts
    | SearchFacts
)
