"""Events of the gallery as a whole: which rows there are, and whether they are those that the log states."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import AgencyId
from custodes.ledger.events.base import Alone, RowEffect
from custodes.ledger.events.fields import Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import Commitment, ExactFloat


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryChanged(RowEffect):
    """Rows that searches may see began or ended; several entries if there were many."""

    kind = EventKind.GALLERY_CHANGED
    owner: Target[AgencyId]
    """whose rows"""
    admitted: tuple[Commitment, ...] = ()
    """rows that began and may be searched in their time"""
    barred: tuple[Commitment, ...] = ()
    """rows that began and may not be searched"""
    ended: tuple[Commitment, ...] = ()
    """rows that ended"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSet(RowEffect):
    """The similarity under which nobody is a candidate was adopted, by whoever answers for the installation."""

    kind = EventKind.THRESHOLD_SET
    threshold: ExactFloat
    """the similarity"""
    provisional: bool
    """whether it has not been calibrated on the gallery"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryBalanced(Alone):
    """Gallery, roles and agreements were compared with what the log states; while they differ nothing is searched."""

    kind = EventKind.GALLERY_BALANCED
    even: bool
    """whether nothing differs"""
    hidden: int
    """rows that the log leaves living and the database lacks"""
    inserted: int
    """rows that the log never stated"""
    altered: int
    """rows that say something else than they did"""
    powers: int
    """roles and agreements that are in one of both only"""
    thresholds: int
    """thresholds that are not the one that the log states"""
    segments: int
    """1 if the files that are searched hold other rows than the database"""
    admitted: int
    """living rows by the log that may be searched in their time"""
    barred: int
    """living rows by the log that may not"""
