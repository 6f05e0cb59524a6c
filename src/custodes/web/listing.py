"""A candidate list as the page shows it: in order, with what is held on each candidate, and without any score."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from custodes.ids import PhotographId
from custodes.workflows.reference import BookingRecord, PhotographRecord, SubjectRecord
from custodes.workflows.viewing import CandidateView


@dataclass(frozen=True, slots=True)
class Shown:
    """A photograph that was compared, with the booking it belongs to."""

    photograph: PhotographRecord
    booking: BookingRecord


@dataclass(frozen=True, slots=True)
class Listed:
    """One candidate: rank from 1, the subject, and their compared photographs, most similar first."""

    rank: int
    subject: SubjectRecord
    shown: tuple[Shown, ...]
    note: str
    """Why there is no photograph, in the active language; empty where there is one."""


def listed(view: CandidateView) -> list[Listed]:
    """Return the candidates of a search in order."""
    return [
        Listed(candidate.rank, subject, _shown(subject, candidate.photographs), gettext(note) if note else "")
        for candidate, subject, note in zip(view.search.candidates, view.subjects, view.notes, strict=True)
    ]


def _shown(subject: SubjectRecord, wanted: tuple[PhotographId, ...]) -> tuple[Shown, ...]:
    held = {photo.id: Shown(photo, booking) for booking in subject.bookings for photo in booking.photographs}
    return tuple(held[photograph] for photograph in wanted if photograph in held)
