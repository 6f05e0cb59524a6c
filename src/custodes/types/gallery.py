"""What a gallery row is, who may see it, and what a search over it returns."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime

from custodes.ids import AgencyId, PhotographId, SubjectId, TemplateId
from custodes.types.faces import Contract, Vector


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
    POSE = 16
    """The pack does not say that it can compare a face in this pose. No bar in law: the photograph may be shown."""
    VANISHED = 32
    """A complete export of the service that owns it no longer names it: nobody vouches for it (LAW-14)."""
    NOT_IN_GALLERY = 64
    """No template of it is in the gallery, whatever the reason; computed when a record is read, never kept."""


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
    ``born <= g`` and (``died`` is None or ``g < died``).  ``commitment``: the 32 bytes that the log states of it.
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
    commitment: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class GalleryChange:
    """A row began, or ended, in ``generation``; ``commitment``: 32 bytes, what the log states of the row."""

    generation: int
    commitment: bytes
    is_death: bool


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
class Certificate:
    """That every eligible record was compared, in figures that another machine can compute again (SRCH-06).

    ``eligible``: rows that scope and filters admit at the generation; ``compared``: rows that the scan passed over,
    as it counted them; ``rescored``: those among them whose score was computed to the bit; ``floor``: no other row
    scores that much; ``bound``: the largest error that the scan allowed for.
    ``root`` (hex): of everything that began or ended up to the generation (`custodes.ranking.segments.history`).
    ``eligibility_sha256`` (hex): of the bitmap of eligible rows (`custodes.ranking.eligible`).  ``kernel``: name and
    version of what scanned.  ``rescored``, ``floor`` and ``bound`` depend on the kernel, the rest on the gallery alone.
    """

    eligible: int
    compared: int
    rescored: int
    floor: float
    bound: float
    root: str
    eligibility_sha256: str
    kernel: str


@dataclass(frozen=True, slots=True)
class CandidateList:
    """What one search found, and against what (SRCH-06). No candidate is a normal answer."""

    candidates: tuple[Candidate, ...]
    contract: Contract
    generation: int
    threshold: float
    limit: int
    certificate: Certificate

    @property
    def eligible(self) -> int:
        """Rows that scope and filters admit at ``generation``."""
        return self.certificate.eligible

    @property
    def compared(self) -> int:
        """Rows actually compared."""
        return self.certificate.compared
