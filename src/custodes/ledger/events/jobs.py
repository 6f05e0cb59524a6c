"""Events of long work: enrolment runs and bulk updates of dispositions."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import JobId
from custodes.ledger.events.base import RowEffect
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEnrolment(RowEffect):
    """Which run it is, over what."""

    job: Target[JobId]
    """the run"""
    mapping_sha256: Sha256
    """SHA-256 of the mapping file, which explains columns and codes and names nobody"""
    re_export: bool
    """whether the manifest is a complete export, so that what it does not name has vanished"""
    manifest_sha256: Private[str]
    """SHA-256 of the manifest: people's data, so few possibilities that an unsalted hash would tell them"""
    taken_from: Private[str] = ""
    """first day of photographs for which a re-export is complete"""
    taken_to: Private[str] = ""
    """last such day"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentStarted(_OfEnrolment):
    """An enrolment run was begun."""

    kind = EventKind.ENROLMENT_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentResumed(_OfEnrolment):
    """A run that had been interrupted was taken up again."""

    kind = EventKind.ENROLMENT_RESUMED
    cursor: int
    """how many rows had been done"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentFinished(RowEffect):
    """A run ended. Every row is enrolled, failed, or enrolled before."""

    kind = EventKind.ENROLMENT_FINISHED
    job: Target[JobId]
    """the run"""
    rows: int = 0
    """rows of the manifest"""
    enrolled: int = 0
    """photographs that are new in the gallery"""
    failed: int = 0
    """rows that could not be enrolled"""
    already: int = 0
    """rows whose photograph had been enrolled before"""
    quarantined: int = 0
    """new photographs that may not be searched"""
    unsearched: int = 0
    """new photographs in a pose that the pack cannot compare"""
    advised: int = 0
    """new photographs of which their quality is advised against"""
    unreadable: int = 0
    """rows that could not be read as a record at all"""
    records_quarantined: int = 0
    """kept bookings that a row quarantined"""
    corrected: int = 0
    """corrections made"""
    waiting: int = 0
    """corrections that wait for a second person"""
    withdrawn: int = 0
    """waiting corrections that were withdrawn"""
    vanished: int = 0
    """photographs that a re-export did not name"""
    vanished_barred: int = 0
    """those of them that were barred for it"""
    barriers: Private[str] = ""
    """how many new photographs met each bar to being searched: youth is one of them, so it tells groups apart"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDispositions(RowEffect):
    """Which update it is, over what."""

    job: Target[JobId]
    """the update"""
    mapping_sha256: Sha256 | None = None
    """SHA-256 of the mapping file, if there is one"""
    file_sha256: Private[str]
    """SHA-256 of the file: people's data, as a manifest"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionsStarted(_OfDispositions):
    """A bulk update of dispositions was begun."""

    kind = EventKind.DISPOSITIONS_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionsResumed(_OfDispositions):
    """An update that had been interrupted was taken up again."""

    kind = EventKind.DISPOSITIONS_RESUMED
    cursor: int
    """how many rows had been done"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionsFinished(RowEffect):
    """An update ended."""

    kind = EventKind.DISPOSITIONS_FINISHED
    job: Target[JobId]
    """the update"""
    rows: int = 0
    """rows of the file"""
    corrected: int = 0
    """offences that end otherwise now"""
    waiting: int = 0
    """offences of which that waits for a second person"""
    unchanged: int = 0
    """rows that state what is kept already"""
    failed: int = 0
    """rows that could not be used"""
