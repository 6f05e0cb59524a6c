"""The second fence: on PostgreSQL the database itself shows and takes rows of one service at a time.

The first fence is `policy`, asked by every workflow.  This one is for the day on which a query forgets to ask whose a
row is: row-level security (migration 0003) compares each row with what the connection states here.  Every workflow runs
inside :func:`acting_for`, for the service of its Context.  Where nothing is stated, nothing is seen and nothing can be
written.

What the product must read past the fence, it reads inside a scope with a name, which shows rows of few tables and lets
none be written: :func:`reading_gallery` (a search compares what its scope admits, and its log entries say what was
compared), :func:`examining` (the counts of `custodes doctor`) and, inside :func:`beyond`, whose a row is.

What it is not: a wall against whoever can send the server statements of their own, for they can state what they like.
On SQLite none of it exists; see docs/postgresql.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import Error, connection
from django.db.models import Manager, Model

from custodes.ids import AgencyId, BookingId, CaseId, CorrectionId, Id, PhotographId, ProbeId, RequestId, SubjectId
from custodes.store.models import (
    AlignedFaces,
    Approval,
    Booking,
    CandidateRow,
    Case,
    Charge,
    CorrectedFact,
    Correction,
    GalleryEntry,
    Photograph,
    Probe,
    SealedImage,
    Search,
    SearchRequest,
    Subject,
    TemplateRow,
    VanishedPhotograph,
)
from custodes.store.rows import one

FENCED: tuple[type[Model], ...] = (
    *(Subject, Booking, Charge, Photograph, SealedImage, TemplateRow, GalleryEntry),
    *(Correction, CorrectedFact, VanishedPhotograph),
    *(Case, Probe, AlignedFaces, SearchRequest, Approval, Search, CandidateRow),
)
"""Every table that says something of a person or a case."""
_STATE = """
SELECT set_config('custodes.agency', %s, false), set_config('custodes.agencies', %s, false),
       set_config('custodes.scope', %s, false)
"""
_PARTNERS = """
SELECT owner.uid FROM store_agreement
JOIN store_agency AS owner ON owner.id = owner_id JOIN store_agency AS searcher ON searcher.id = searcher_id
WHERE searcher.uid = %s AND %s BETWEEN starts_on AND ends_on
"""
_STATE_WITH_PARTNERS = f"""
SELECT set_config('custodes.agency', %s, false), set_config('custodes.scope', '', false),
       set_config('custodes.agencies', concat_ws(',', %s, (SELECT string_agg(uid, ',') FROM ({_PARTNERS}) AS p)), false)
"""  # noqa: S608 - a constant
# kind of id → its table, and the ways to the owner and to the subject ("" without)
_OWNERS: dict[type[Id], tuple[Manager[Any], str, str]] = {
    SubjectId: (Subject.objects, "agency__uid", "uid"),
    BookingId: (Booking.objects, "agency__uid", "subject__uid"),
    PhotographId: (Photograph.objects, "booking__agency__uid", "booking__subject__uid"),
    CaseId: (Case.objects, "agency__uid", ""),
    ProbeId: (Probe.objects, "case__agency__uid", ""),
    RequestId: (SearchRequest.objects, "case__agency__uid", ""),
    CorrectionId: (Correction.objects, "booking__agency__uid", "booking__subject__uid"),
}


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the connection states. ``agencies``: ids joined by commas; ``day``: the day on which they were true."""

    agency: str = ""
    agencies: str = ""
    scope: str = ""
    day: date | None = None


_NOTHING = _Stated()
_stated: ContextVar[_Stated] = ContextVar("_stated", default=_NOTHING)


def stands() -> bool:
    """Return whether the database has such a fence at all."""
    return connection.vendor == "postgresql"


@contextmanager
def acting_for(agency: AgencyId | None, day: date) -> Iterator[None]:
    """Show and take the rows of ``agency`` only, and show what partners share with it on ``day`` (SHR-01).

    Without an agency nothing is shown.  Calls nest; what was stated before is stated again afterwards.
    """
    before = _stated.get()
    if not stands() or (before.agency, before.scope, before.day) == (agency, "", day):
        yield
        return
    with _stating(_state_with_partners(agency, day) if agency else _state(_Stated(day=day)), before):
        yield


@contextmanager
def _scope(name: str) -> Iterator[None]:
    before = _stated.get()
    if not stands() or before.scope == name:
        yield
        return
    with _stating(_state(_Stated(before.agency, before.agencies, name, before.day)), before):
        yield


def reading_gallery() -> AbstractContextManager[None]:
    """Show the searchable rows of every service, for a search that compares them and says so in the log."""
    return _scope("gallery")


def examining() -> AbstractContextManager[None]:
    """Show which keys records name, for counts of the whole installation."""
    return _scope("examination")


@dataclass(frozen=True, slots=True)
class Beyond:
    """All that is told of a thing that the fence hides: its owner and, if it is a record, whose."""

    owner: AgencyId
    subject: SubjectId | None


def beyond(targets: Iterable[Id], agency: AgencyId | None) -> Beyond | None:
    """Return what is told of the first of ``targets`` that belongs to another service than ``agency``, if any.

    What the fence hides looks like what never was; a refusal must still be told from a slip of the pen.
    """
    if not stands():
        return None
    with _scope("ownership"):
        for target in targets:
            rows, owner, subject = _OWNERS.get(type(target), (None, "", ""))
            found = one(rows.filter(uid=target).values_list(owner, subject or owner)) if rows else None
            if found is not None and found[0] != agency:
                return Beyond(AgencyId(found[0]), SubjectId(found[1]) if subject else None)
    return None


@contextmanager
def _stating(stated: _Stated, before: _Stated) -> Iterator[None]:
    token = _stated.set(stated)
    try:
        yield
    finally:
        _stated.reset(token)
        _state_again(before)


def _state_again(before: _Stated) -> None:
    if connection.connection is None:
        return
    try:
        _state(before)
    except Error:
        # a connection that cannot forget for whom it acted is used no more; a new one states nothing
        connection.close()


def _state(stated: _Stated) -> _Stated:
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [stated.agency, stated.agencies, stated.scope])
    return stated


def _state_with_partners(agency: AgencyId, day: date) -> _Stated:
    with connection.cursor() as cursor:
        cursor.execute(_STATE_WITH_PARTNERS, [agency, agency, agency, day])
        _, _, agencies = cursor.fetchone()
    return _Stated(agency, agencies, "", day)
