"""Events of cases, probes and requests."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import AgencyId, CaseId, ProbeId, RequestId
from custodes.ledger.events.base import RowEffect
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import FilterName, OffenceCode
from custodes.types import ProbeSource, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(RowEffect):
    """A case was opened."""

    kind = EventKind.CASE_OPENED
    opened: Target[CaseId]
    """the case"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed(RowEffect):
    """A case was closed: nothing can be searched or added in it."""

    kind = EventKind.CASE_CLOSED
    closed: Target[CaseId]
    """the case"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAdded(RowEffect):
    """A probe image was added to a case."""

    kind = EventKind.PROBE_ADDED
    probe: Target[ProbeId]
    """the probe"""
    faces: int
    """how many faces were found"""
    sha256: Private[str]
    """SHA-256 of the image: whoever has the image could find it by that"""
    name: Private[str] = ""
    """the file's name"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMade(RowEffect):
    """A person asked for a search."""

    kind = EventKind.REQUEST_MADE
    made: Target[RequestId]
    """the request"""
    probe: Target[ProbeId]
    """the probe to search with"""
    offence: OffenceCode
    """the offence under investigation, of the program's list"""
    purpose: Purpose
    """why the person is sought"""
    source: ProbeSource
    """where the probe came from"""
    filters: tuple[FilterName, ...] = ()
    """which filters were chosen"""
    agencies: tuple[AgencyId, ...] = ()
    """the services whose records are to be searched, if that was chosen"""
    authority: Private[str]
    """the legal basis"""
    authority_reference: Private[str]
    """its reference"""
    necessity: Private[str]
    """why the search is necessary and proportionate"""
    how_obtained: Private[str]
    """how the probe was obtained"""
    filter_values: Private[str] = ""
    """what the filters choose: sex, ages and days tell what group the person sought is of"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided(RowEffect):
    """Which request was decided."""

    decided: Target[RequestId]
    """the request"""
    reason: Private[str] = ""
    """what the person who decided wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestApproved(_Decided):
    """Another person approved the search."""

    kind = EventKind.REQUEST_APPROVED


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDeclined(_Decided):
    """Another person declined the search."""

    kind = EventKind.REQUEST_DECLINED
