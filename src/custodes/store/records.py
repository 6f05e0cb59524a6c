"""What the store hands out: frozen values, never querysets (dates in UTC; ids opaque)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from custodes.ids import (
    AccountId,
    AgencyId,
    BookingId,
    CaseId,
    EntryId,
    JobId,
    PhotographId,
    ProbeId,
    RequestId,
    SearchId,
    SubjectId,
)
from custodes.text import Text
from custodes.types import (
    AccountState,
    Authority,
    Barrier,
    Candidate,
    Certificate,
    Contract,
    Face,
    Filters,
    Offence,
    Pose,
    ProbeSource,
    Purpose,
    Quality,
    RequestState,
    Role,
    Sex,
    Youth,
)


@dataclass(frozen=True, slots=True)
class AgencyRecord:
    id: AgencyId
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A named person and the roles they hold."""

    id: AccountId
    agency: AgencyRecord
    email: str
    full_name: str
    personnel_number: str
    roles: tuple[Role, ...]
    state: AccountState

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.state is AccountState.ACTIVE


@dataclass(frozen=True, slots=True)
class CaseRecord:
    id: CaseId
    agency: AgencyId
    number: str
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """A probe: its provenance, and the faces found in it (largest first)."""

    id: ProbeId
    case: CaseId
    sha256: str
    format: str
    width: int
    height: int
    faces: tuple[Face, ...]
    added_at: datetime
    notes: tuple[Text, ...] = ()
    """What was done to the stored pixels before anything looked at them."""
    qualities: tuple[Quality | None, ...] = ()
    """What was measured of each of ``faces``, in their order (PRB-07)."""


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    approver: AccountId
    approver_name: str
    approved: bool
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request for a search, with its case and what became of it."""

    id: RequestId
    case: CaseRecord
    requester: AccountId
    requester_name: str
    probe: ProbeRecord
    face: int
    offence_code: str
    purpose: Purpose
    authority: Authority
    authority_reference: str
    necessity: str
    source: ProbeSource
    how_obtained: str
    filters: Filters
    state: RequestState
    made_at: datetime
    approval: ApprovalRecord | None
    search: SearchId | None


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """A search that was run, and its candidate list as it was.

    ``figures``: what was compared; ``certificate``: SHA-256 (hex) over that and all else that went in and came out.
    """

    id: SearchId
    request: RequestId
    contract: Contract
    generation: int
    moment: datetime
    threshold: float
    threshold_is_provisional: bool
    limit: int
    figures: Certificate
    certificate: str
    log_entry: EntryId
    candidates: tuple[Candidate, ...]
    agencies: tuple[AgencyRecord, ...]

    @property
    def eligible(self) -> int:
        """Rows that scope and filters admitted."""
        return self.figures.eligible

    @property
    def compared(self) -> int:
        """Rows actually compared."""
        return self.figures.compared


@dataclass(frozen=True, slots=True)
class PhotographRecord:
    """A photograph of a booking, and why it may not be searched (zero if it may)."""

    id: PhotographId
    sha256: str
    format: str
    width: int
    height: int
    taken_on: date | None
    enrolled_at: datetime
    barriers: Barrier
    pose: Pose = Pose.FRONTAL
    notes: tuple[Text, ...] = ()
    """What was done to the stored pixels before anything looked at them."""
    quality: Quality | None = None
    """What was measured of the face at enrolment; None where no face was looked for."""

    @property
    def is_only_shown(self) -> bool:
        """Whether nothing keeps it out of searches but its pose."""
        return self.barriers == Barrier.POSE


@dataclass(frozen=True, slots=True)
class BookingRecord:
    id: BookingId
    booking_number: str
    sex: Sex
    youth: Youth
    birth_date: date | None
    offences: tuple[Offence, ...]
    photographs: tuple[PhotographRecord, ...]


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """Everything held on one subject."""

    id: SubjectId
    agency: AgencyRecord
    person_number: str
    sex: Sex
    birth_date: date | None
    bookings: tuple[BookingRecord, ...]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """How far a job is. ``cursor``: rows of its input that are done with."""

    id: JobId
    kind: str
    key: str
    cursor: int
    counts: Mapping[str, int]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowFailureRecord:
    """One row that could not be done. ``row`` counts from 1, the first row of data.

    ``texts``: what is wrong, why, and what to do, to be read in the reader's language.
    """

    row: int
    code: str
    texts: tuple[Text, ...]

    def sentences(self, translate: Callable[[str], str] = str) -> str:
        """Return the texts as one, each passed through ``translate``."""
        return " ".join(text.render(translate) for text in self.texts)
