"""Events of looking: each is written before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import AccountId, CaseId, PhotographId, ProbeId, RequestId, SearchId, SubjectId
from custodes.ledger.events.base import Alone
from custodes.ledger.events.fields import Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import RecordList


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesViewed(Alone):
    """A candidate list was shown to a person."""

    kind = EventKind.CANDIDATES_VIEWED
    search: Target[SearchId]
    """the search"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordViewed(Alone):
    """A gallery record was shown to a person."""

    kind = EventKind.RECORD_VIEWED
    subject: Target[SubjectId]
    """whose record"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageViewed(Alone):
    """An image was decrypted and shown to a person."""

    kind = EventKind.IMAGE_VIEWED
    image: Target[PhotographId | ProbeId]
    """the photograph or probe"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseViewed(Alone):
    """A case, or one request of it, was shown to a person."""

    kind = EventKind.CASE_VIEWED
    viewed: Target[CaseId | RequestId]
    """the case or request"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkViewed(Alone):
    """The list of one's work, with cases and requests, was shown to a person."""

    kind = EventKind.WORK_VIEWED


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsListed(Alone):
    """Corrections that wait, a person's corrections, or what a re-export did not name were shown to a person."""

    kind = EventKind.RECORDS_LISTED
    subject: Target[SubjectId | None] = None
    """whose corrections, if they are one person's"""
    listed: RecordList
    """which list"""
    records: int
    """how many it holds"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogViewed(Alone):
    """Entries of the log were shown to a person."""

    kind = EventKind.LOG_VIEWED
    of_person: Target[AccountId | None] = None
    """whose entries, if one person's"""
    of_case: Target[CaseId | None] = None
    """of which case, if one's"""
