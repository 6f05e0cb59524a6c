"""What a corrected fact comes to: which facts differ, what policy makes of them, and whether a second person is needed.

A re-export is the records system's own word, so what it states replaces what is kept.  What bars a record, or leaves it
as searchable as it was, takes effect at once.  What would let a search see a photograph that none sees now *widens*: it
waits until somebody else of the service confirms it, and everything in it that bars takes effect at once all the same.

Values only: nothing here reads or writes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from custodes.ids import AgencyId, PhotographId
from custodes.policy.eligibility import BookingFacts, eligibility, widens
from custodes.store.bookings import KeptBooking, KeptPhotograph, StatedBooking
from custodes.store.values import Change
from custodes.types import Barrier, Disposition, Eligibility, Offence, Pose, RecordFact, Sex
from custodes.workflows.enrolment.manifest import Row


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose records, at which moment, which poses the pack compares; ``re_export``: the job's id if it is one."""

    agency: AgencyId
    moment: datetime
    poses: frozenset[Pose]
    re_export: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A correction, thought out.

    ``photograph``: the one it is of, None for the booking's own facts.  ``after``: the record as it would be.
    ``eligibilities``: what policy makes of each of its photographs then.  ``row``: the row that stated it.
    ``bars``: what takes effect at once although the correction waits.
    """

    row: int
    after: KeptBooking
    photograph: PhotographId | None
    changes: tuple[Change, ...]
    eligibilities: Mapping[PhotographId, Eligibility]
    widens: bool
    bars: Barrier = Barrier.NONE

    @property
    def facts(self) -> list[str]:
        """The names of the facts that change; never their values."""
        return [change.fact.value for change in self.changes]


def stated(row: Row) -> StatedBooking:
    """Return what a row states of its booking."""
    return StatedBooking(row.person_number, row.youth, row.birth_date, row.offences)


def booking_changes(kept: KeptBooking, said: StatedBooking, sex: Sex) -> tuple[Change, ...]:
    """Return how a statement differs from what is kept of a booking; a dispute ends with any new statement."""
    now = kept.stated
    offences = RecordFact.OFFENCES
    if tuple(map(_charged, now.offences)) == tuple(map(_charged, said.offences)):
        offences = RecordFact.DISPOSITIONS
    pairs: list[tuple[RecordFact, Any, Any]] = [
        (RecordFact.PERSON, now.person_number, said.person_number),
        (RecordFact.YOUTH, now.youth, said.youth),
        (RecordFact.BIRTH_DATE, now.birth_date, said.birth_date),
        (RecordFact.SEX, kept.sex, sex),
        (offences, now.offences, said.offences),
        (RecordFact.DISPUTE, kept.disputed, Barrier.NONE),
    ]
    return _different(pairs)


def photograph_changes(kept: KeptPhotograph, row: Row) -> tuple[Change, ...]:
    """Return how a row differs from what is kept of its photograph; a photograph that is named has not vanished."""
    pairs = [
        (RecordFact.TAKEN_ON, kept.taken_on, row.taken_on),
        (RecordFact.POSE, kept.pose, row.pose),
        (RecordFact.VANISHED, kept.vanished, False),
    ]
    return _different(pairs)


def plan(
    kept: KeptBooking,
    changes: tuple[Change, ...],
    terms: Terms,
    *,
    row: int = 0,
    photograph: PhotographId | None = None,
) -> Plan:
    """Return what corrections of a booking, or of one of its photographs, come to under policy."""
    after = changed(kept, changes, photograph)
    before, then = judged(kept, terms), judged(after, terms)
    # what is kept as barred is barred, whatever policy would make of it by now
    for each in filter(lambda each: each.id, kept.photographs.values()):
        before[each.id] = replace(before[each.id], barriers=each.barriers)
    widening = any(widens(before[uid], then[uid]) for uid in then)
    bars = Barrier.NONE
    if widening:
        for uid, eligible in then.items():
            bars |= eligible.barriers & ~before[uid].barriers
    photographs = {
        key: replace(each, barriers=then[each.id].barriers) if each.id else each
        for key, each in after.photographs.items()
    }
    after = replace(after, photographs=photographs)
    if bars:
        others = tuple(change for change in changes if change.fact is not RecordFact.DISPUTE)
        changes = (*others, Change(RecordFact.DISPUTE, kept.disputed | bars, Barrier.NONE))
    return Plan(row, after, photograph, changes, then, widening, bars)


def changed(kept: KeptBooking, changes: Iterable[Change], photograph: PhotographId | None) -> KeptBooking:
    """Return a record as it is after changes of its own facts, or of those of one of its photographs."""
    for change in changes:
        kept = _BOOKING[change.fact](kept, change.new) if photograph is None else _of(kept, photograph, change)
    return kept


def judged(kept: KeptBooking, terms: Terms) -> dict[PhotographId, Eligibility]:
    """Return what policy makes of each photograph that is kept of a booking."""
    return {
        photograph.id: eligibility(facts(kept, photograph, terms), terms.moment)
        for photograph in kept.photographs.values()
        if photograph.id
    }


def facts(kept: KeptBooking, photograph: KeptPhotograph, terms: Terms) -> BookingFacts:
    """Return what policy judges of a photograph of a booking."""
    return BookingFacts(
        owner=terms.agency,
        offences=kept.stated.offences,
        youth=kept.stated.youth,
        birth_date=kept.stated.birth_date,
        taken_on=photograph.taken_on,
        pose=photograph.pose,
        searched_poses=terms.poses,
        vanished=photograph.vanished,
        disputed=kept.disputed,
    )


def _charged(offence: Offence) -> Offence:
    """Return an offence without how it ended."""
    return replace(offence, disposition=Disposition.PENDING, disposition_date=None, appeal_end=None)


def _different(pairs: Iterable[tuple[RecordFact, Any, Any]]) -> tuple[Change, ...]:
    return tuple(Change(fact, old, new) for fact, old, new in pairs if old != new)


def _say(**values: Any) -> Callable[[KeptBooking], KeptBooking]:
    return lambda kept: replace(kept, stated=replace(kept.stated, **values))


_BOOKING: Mapping[RecordFact, Callable[[KeptBooking, Any], KeptBooking]] = {
    RecordFact.PERSON: lambda kept, new: _say(person_number=new)(kept),
    RecordFact.YOUTH: lambda kept, new: _say(youth=new)(kept),
    RecordFact.BIRTH_DATE: lambda kept, new: _say(birth_date=new)(kept),
    RecordFact.OFFENCES: lambda kept, new: _say(offences=new)(kept),
    RecordFact.DISPOSITIONS: lambda kept, new: _say(offences=new)(kept),
    RecordFact.SEX: lambda kept, new: replace(kept, sex=new),
    RecordFact.DISPUTE: lambda kept, new: replace(kept, disputed=new),
}
_COLUMNS = {RecordFact.TAKEN_ON: "taken_on", RecordFact.POSE: "pose", RecordFact.VANISHED: "vanished"}


def _of(kept: KeptBooking, photograph: PhotographId, change: Change) -> KeptBooking:
    photographs = {
        sha256: replace(each, **{_COLUMNS[change.fact]: change.new}) if each.id == photograph else each  # type: ignore[arg-type]
        for sha256, each in kept.photographs.items()
    }
    return replace(kept, photographs=photographs)
