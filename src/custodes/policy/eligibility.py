"""From what a booking says to whether, and from when, its photographs may be searched.

Sources: Identification of Criminals Act, R.S.C. 1985, c. I-1, s. 2(1) (grounds); Youth Criminal Justice Act,
S.C. 2002, c. 1, s. 2 ("young person": under 18 at the time of the offence). What is not known is not searchable.
This module computes no retention or access period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from custodes.ids import AgencyId
from custodes.types import Barrier, Collection, Eligibility, Offence, Pose, Youth

_ADULT_AT = 18
FRONTAL_ONLY = frozenset({Pose.FRONTAL})


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """What decides about one photograph of a booking."""

    owner: AgencyId
    offences: Sequence[Offence]
    youth: Youth
    birth_date: date | None
    taken_on: date | None
    """The day the photograph was taken (ANSI/NIST-ITL 10.005, PHD)."""
    pose: Pose = Pose.FRONTAL
    searched_poses: frozenset[Pose] = FRONTAL_ONLY
    """The poses that the model pack says it can compare."""
    vanished: bool = False
    """A complete export of the service no longer named the photograph."""
    disputed: Barrier = Barrier.NONE
    """What a row that contradicted the booking stated against it."""


def eligibility(facts: BookingFacts, moment: datetime) -> Eligibility:
    """Return the eligibility of a photograph enrolled at ``moment``; any barrier quarantines it."""
    return Eligibility(
        owner=facts.owner,
        searchable_from=moment,
        searchable_until=None,
        barriers=barriers(facts),
        collection=Collection.BOOKING,
    )


def barriers(facts: BookingFacts) -> Barrier:
    """Return every reason why the photograph may not be searched (LAW-13, LAW-14)."""
    found = facts.disputed
    if not any(offence.ground for offence in facts.offences):
        found |= Barrier.NO_GROUND
    if facts.taken_on is None:
        found |= Barrier.NO_DATE
    youth = youth_status(facts)
    if youth is Youth.YES:
        found |= Barrier.YOUTH
    elif youth is Youth.UNKNOWN:
        found |= Barrier.AGE_UNKNOWN
    if facts.pose not in facts.searched_poses:
        found |= Barrier.POSE
    if facts.vanished:
        found |= Barrier.VANISHED
    return found


def widens(now: Eligibility, then: Eligibility) -> bool:
    """Return whether ``then`` lets a search see a photograph at a moment at which ``now`` does not.

    Narrowing takes effect at once; what widens waits for a second person.
    """
    if then.barriers:
        return False
    if now.barriers or then.searchable_from < now.searchable_from:
        return True
    if now.searchable_until is None:
        return False
    return then.searchable_until is None or then.searchable_until > now.searchable_until


def bars_unnamed(*, unreadable_rows: int) -> bool:
    """Return whether a record that a re-export no longer names is barred for it (LAW-14).

    The owner has said that the export is complete, and does not vouch for the record any more.  An export with rows
    that could not be read, and might have named it, says no such thing: then it is only reported.
    """
    return unreadable_rows == 0


def youth_status(facts: BookingFacts) -> Youth:
    """Return whether the person was under 18 at the time of any of the offences.

    A stated "yes" stands. A stated "no" stands unless the dates contradict it, which leaves the question open.
    Without a statement the dates decide, and only if every offence has one.
    """
    ages = [_age(facts.birth_date, offence.committed_on) for offence in facts.offences]
    known = [age for age in ages if age is not None]
    younger = any(age < _ADULT_AT for age in known)
    if facts.youth is Youth.YES:
        return Youth.YES
    if facts.youth is Youth.NO:
        photographed = _age(facts.birth_date, facts.taken_on)
        contradicted = younger or (photographed is not None and photographed < _ADULT_AT)
        return Youth.UNKNOWN if contradicted else Youth.NO
    if younger:
        return Youth.YES
    return Youth.NO if known and len(known) == len(ages) else Youth.UNKNOWN


def _age(born: date | None, on: date | None) -> int | None:
    """Return the age in whole years on a day; someone born on 29 February ages on 1 March."""
    if born is None or on is None:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
