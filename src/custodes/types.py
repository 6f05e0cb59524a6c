"""Values that cross the boundaries between rooms, with their units and shapes.

Everything here is frozen and knows nothing of databases, users' sessions or the web.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from custodes.ids import (
    AccountId,
    AgencyId,
    CaseId,
    EntryId,
    Entropy,
    PhotographId,
    RequestId,
    SubjectId,
    TemplateId,
    TraceId,
)

Pixels = npt.NDArray[np.uint8]
"""``(height, width, 3)`` uint8, RGB, row 0 at the top as the picture is meant to be seen."""
Vector = npt.NDArray[np.float32]
"""``(d,)`` float32 of unit Euclidean length."""


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


# --- faces -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; ``left``/``top`` may lie outside it."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    ``landmarks``: five ``(x, y)`` pixel positions in the upright image, in the order: the eye, and later the
    mouth corner, that the *viewer* sees on the left come first: left eye, right eye, nose tip, left mouth
    corner, right mouth corner.  ``confidence`` in [0, 1] is the detector's own score, not an accuracy.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    confidence: float

    @property
    def inter_eye_distance(self) -> float:
        """Distance between the eyes in pixels (ISO/IEC 29794-5, *inter-eye distance*)."""
        (ax, ay), (bx, by) = self.landmarks[0], self.landmarks[1]
        return float(np.hypot(bx - ax, by - ay))


@dataclass(frozen=True, slots=True)
class Contract:
    """What made a template: templates of different contracts are never compared (ENG-01).

    ``id`` is the SHA-256 (hex) over weights and preprocessing; ``dimension`` is ``d`` of the vector.
    """

    id: str
    pack: str
    version: str
    dimension: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One face as a unit vector, and the contract that made it. Personal information, like its photograph."""

    vector: Vector
    contract: Contract


# --- the gallery -----------------------------------------------------------------------------------


class Sex(enum.StrEnum):
    """As recorded at booking."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "X"
    UNKNOWN = ""


class Collection(enum.StrEnum):
    """What a gallery row is; there is one kind. Civil, licence and immigration photographs cannot be said."""

    BOOKING = "booking"


class Barrier(enum.IntFlag):
    """Why a record may not be searched, whatever its dates say. Zero is the only searchable state."""

    NONE = 0
    NO_GROUND = 1
    """No offence of the booking has a ground under the Identification of Criminals Act s. 2(1) (LAW-13)."""
    YOUTH = 2
    """The person was under 18 at the time of the offence (YCJA)."""
    AGE_UNKNOWN = 4
    """It is not known whether the person was under 18."""
    NO_DATE = 8
    """The date of the photograph is missing, so its upstream lawfulness cannot be shown (LAW-14)."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """When, and whether, a record may be searched: computed by `policy`, obeyed by `ranking`.

    Searchable at moment ``t`` if ``barriers`` is zero and ``searchable_from <= t < searchable_until``
    (``None``: no end is known yet).
    """

    owner: AgencyId
    searchable_from: datetime
    searchable_until: datetime | None
    barriers: Barrier
    collection: Collection = Collection.BOOKING


@dataclass(frozen=True, slots=True, eq=False)
class GalleryRow:
    """One searchable row: a template with what decides whether a search may see it.

    ``born`` and ``died`` are gallery generations: the row exists at generation ``g`` if
    ``born <= g`` and (``died`` is None or ``g < died``).
    """

    template_id: TemplateId
    subject: SubjectId
    photograph: PhotographId
    vector: Vector
    eligibility: Eligibility
    sex: Sex
    birth_date: date | None
    taken_on: date | None
    born: int
    died: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may see: computed by `policy`. ``moment`` is when eligibility is judged."""

    agencies: frozenset[AgencyId]
    moment: datetime
    collections: frozenset[Collection] = frozenset({Collection.BOOKING})


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search chooses to see (SRCH-05). There is none for race.

    A record that does not state the value is kept: a gap in a record must not hide the person.
    ``age_from``/``age_to``: whole years at the moment of the search, inclusive.
    ``taken_from``/``taken_to``: dates of the photograph, inclusive.
    """

    agencies: frozenset[AgencyId] | None = None
    sex: Sex | None = None
    age_from: int | None = None
    age_to: int | None = None
    taken_from: date | None = None
    taken_to: date | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One subject on a candidate list.

    ``rank`` counts from 1.  ``photographs``: this subject's compared photographs, most similar first.
    ``score``: cosine similarity in [-1, 1] of the first of them; never shown, never a percentage.
    """

    rank: int
    subject: SubjectId
    photographs: tuple[PhotographId, ...]
    score: float


@dataclass(frozen=True, slots=True)
class CandidateList:
    """What one search found, and against what (SRCH-06). No candidate is a normal answer.

    ``eligible``: rows that scope and filters admit at ``generation``; ``compared``: rows actually scored.
    """

    candidates: tuple[Candidate, ...]
    contract: Contract
    generation: int
    threshold: float
    limit: int
    eligible: int
    compared: int


class Ground(enum.StrEnum):
    """Why the person could lawfully be photographed: Identification of Criminals Act, s. 2(1) (LAW-13).

    A purely summary offence has no ground, and neither has any "other" basis: such a booking has ``None``.
    """

    INDICTABLE = "2(1)(a)(i)"
    """In lawful custody, charged with or convicted of an indictable offence."""
    SECURITY_OF_INFORMATION = "2(1)(a)(ii)"
    HYBRID = "2(1)(a)(iii)"
    """In lawful custody for an offence prosecutable by indictment or summarily."""
    EXTRADITION = "2(1)(b)"
    REQUIRED_TO_APPEAR = "2(1)(c)"
    """Alleged indictable offence and required to appear (Criminal Code 500(3), 501(4), 509(5))."""
    TERRORISM_CUSTODY = "2(1)(d)"
    """In custody under Criminal Code s. 83.3."""


class Youth(enum.StrEnum):
    """Whether the person was under 18 at the time of the offence, as the source states it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = ""


class Disposition(enum.StrEnum):
    """How a charge ended; ``PENDING`` until it does."""

    PENDING = ""
    CONVICTED = "convicted"
    ACQUITTED = "acquitted"
    WITHDRAWN = "withdrawn"
    DISMISSED = "dismissed"
    STAYED = "stayed"
    QUASHED = "quashed"
    NOT_CRIMINALLY_RESPONSIBLE = "not-criminally-responsible"
    PEACE_BOND = "peace-bond"
    ABSOLUTE_DISCHARGE = "absolute-discharge"
    CONDITIONAL_DISCHARGE = "conditional-discharge"
    EXTRAJUDICIAL_SANCTION = "extrajudicial-sanction"


@dataclass(frozen=True, slots=True)
class Offence:
    """One charge of a booking (ENR-02)."""

    code: str
    ground: Ground | None
    designated: bool | None = None
    """A designated offence under Criminal Code s. 487.04; None if the source does not say."""
    committed_on: date | None = None
    disposition: Disposition = Disposition.PENDING
    disposition_date: date | None = None
    appeal_end: date | None = None


# --- casework --------------------------------------------------------------------------------------


class Purpose(enum.StrEnum):
    """Why a person is sought; a closed list (LAW-03, LAW-07)."""

    IDENTIFY_PERSON_OF_INTEREST = "person-of-interest"
    IDENTIFY_VICTIM = "victim"
    IDENTIFY_WITNESS = "witness"
    FIND_MISSING_PERSON = "missing-person"
    IDENTIFY_DECEASED = "deceased"


class ProbeSource(enum.StrEnum):
    """Where a probe came from; a closed list that cannot say social media, web or live (LAW-04)."""

    CCTV_RECORDING = "cctv-recording"
    SCENE_PHOTOGRAPH = "scene-photograph"
    VICTIM_OR_WITNESS_RECORDING = "victim-or-witness-recording"
    SEIZED_DEVICE = "seized-device"
    ATM_OR_TRANSIT_RECORDING = "atm-or-transit-recording"
    PHOTOGRAPH_OF_DECEASED = "photograph-of-deceased"


class Authority(enum.StrEnum):
    """The legal basis on which the probe is held and searched."""

    WARRANT = "warrant"
    PRODUCTION_ORDER = "production-order"
    STATUTE = "statute"
    COMMON_LAW = "common-law"
    CONSENT = "consent"


class RequestState(enum.StrEnum):
    """``awaiting`` → ``approved`` → ``searched``, or ``awaiting`` → ``declined``."""

    AWAITING = "awaiting"
    APPROVED = "approved"
    DECLINED = "declined"
    SEARCHED = "searched"


Facts = Mapping[str, "str | int | float | bool | None | list[str]"]
"""What a log entry states openly: opaque ids, counts, codes. Never a name, an image or a template."""


# --- the log ---------------------------------------------------------------------------------------


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
