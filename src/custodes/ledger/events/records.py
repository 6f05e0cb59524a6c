"""Events of gallery records: enrolled, quarantined, vanished, corrected."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import BookingId, CorrectionId, JobId, PhotographId, SubjectId
from custodes.ledger.events.base import RowEffect
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import Code, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographEnrolled(RowEffect):
    """A photograph became part of the gallery, searchable or quarantined."""

    kind = EventKind.PHOTOGRAPH_ENROLLED
    photograph: Target[PhotographId]
    """the photograph"""
    subject: Target[SubjectId]
    """whom it shows, as far as the booking says"""
    job: JobId
    """the run that enrolled it"""
    standing: Standing
    """whether searches see it"""
    barriers: Private[str] = ""
    """why it is quarantined: youth is one of the reasons"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographNotEnrolled(RowEffect):
    """A row of a manifest could not be enrolled."""

    kind = EventKind.PHOTOGRAPH_NOT_ENROLLED
    job: JobId
    """the run"""
    code: Code
    """the error's code"""
    row: Private[str]
    """the row's number, which leads whoever kept the manifest to a person"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuarantined(RowEffect):
    """A row stated of a kept booking what bars it, so its photographs may not be searched until it is corrected."""

    kind = EventKind.RECORD_QUARANTINED
    photographs: Target[tuple[PhotographId, ...]]
    """the booking's photographs; several entries if they are very many"""
    job: JobId
    """the run or update whose row said so"""
    barriers: Private[str]
    """what bars it: youth is one of the reasons"""
    row: Private[str]
    """the row's number"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVanished(RowEffect):
    """Photographs of a booking were barred because a complete re-export did not name them."""

    kind = EventKind.RECORD_VANISHED
    booking: Target[BookingId]
    """the booking"""
    barred: Target[tuple[PhotographId, ...]]
    """its photographs that were barred"""
    photographs: int
    """how many they are"""
    job: JobId
    """the re-export"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCorrection(RowEffect):
    """Which correction it is, of which booking."""

    correction: Target[CorrectionId]
    """the correction"""
    booking: Target[BookingId]
    """the booking it is of"""
    photographs: Target[tuple[PhotographId, ...]] = ()
    """the photographs that searches see otherwise since; several entries if they are very many"""
    job: JobId
    """the run or update that brought it in or, of one withdrawn, that states otherwise"""
    fields: Private[str] = ""
    """names of the facts it is about, never their values: that youth was corrected tells who may be a youth"""
    row: Private[str] = ""
    """number of the row that stated it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCorrected(_OfCorrection):
    """A fact of a kept record was replaced by what the records system states now."""

    kind = EventKind.RECORD_CORRECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionWaiting(_OfCorrection):
    """A correction would let a search see more, so it waits for a second person."""

    kind = EventKind.CORRECTION_WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionConfirmed(_OfCorrection):
    """A second person let a waiting correction take effect."""

    kind = EventKind.CORRECTION_CONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionDeclined(_OfCorrection):
    """A second person declined a waiting correction."""

    kind = EventKind.CORRECTION_DECLINED
    reason: Private[str]
    """what the person wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionWithdrawn(_OfCorrection):
    """A waiting correction was withdrawn, because the records system has since stated something else."""

    kind = EventKind.CORRECTION_WITHDRAWN
