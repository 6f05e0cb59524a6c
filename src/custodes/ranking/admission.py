"""Which rows a search may see, decided before anything is scored (SRCH-08).

Obeys the eligibility, scope and filters of :mod:`custodes.types`; it knows no law and makes none.  There is no filter
for race (SRCH-05).  A record that does not state a value is kept by a filter on that value.

Age is counted in whole years on the UTC date of ``scope.moment``: a year is complete on the anniversary of birth
(Interpretation Act, R.S.C. 1985, c. I-21, s. 30), for someone born on 29 February on 1 March in common years.
"""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

import numpy as np
import numpy.typing as npt

from custodes.errors import InputError
from custodes.ids import AgencyId
from custodes.ranking.segments.encoding import microseconds
from custodes.ranking.segments.layout import COLLECTION_CODES, NEVER, SEX_CODES, UNSTATED
from custodes.ranking.segments.view import Segment
from custodes.text import N_
from custodes.types import Filters, Scope, Sex

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
_Span = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentMask:
    """``admitted``: ``(rows,)`` bool, ``count`` of them; good from ``since`` until before ``until`` (microseconds)."""

    admitted: Mask
    count: int
    since: int
    until: int

    def holds(self, moment: int) -> bool:
        """Return whether it says at ``moment`` what it said when it was made."""
        return self.since <= moment < self.until


@dataclass(frozen=True, slots=True)
class Admission:
    """Scope and filters of one search at one generation, as numbers that compare with a segment's columns.

    ``birth`` and ``taken``: first and last admitted ordinals, inclusive; ``None`` leaves that end open.
    """

    generation: int
    moment: int
    owners: tuple[int, ...]
    collections: tuple[int, ...]
    sexes: tuple[int, ...] | None
    birth: _Span
    taken: _Span

    @property
    def criteria(self) -> tuple[object, ...]:
        """What is admitted, apart from generation and moment."""
        return (self.owners, self.collections, self.sexes, self.birth, self.taken)

    def segment_mask(self, segment: Segment) -> SegmentMask:
        """Return which rows of ``segment`` this search may see, and for how long that holds."""
        seen: Mask = segment.barriers == 0
        seen &= segment.born <= self.generation
        seen &= segment.died > self.generation
        seen &= _any_of(segment.owner, self.owners)
        seen &= _any_of(segment.collection, self.collections)
        if self.sexes is not None:
            seen &= _any_of(segment.sex, self.sexes)
        _keep_within(seen, segment.birth_date, self.birth)
        _keep_within(seen, segment.taken_on, self.taken)
        clocks = np.concatenate([segment.searchable_from[seen], segment.searchable_until[seen]])
        seen &= segment.searchable_from <= self.moment
        seen &= segment.searchable_until > self.moment
        passed, ahead = clocks[clocks <= self.moment], clocks[clocks > self.moment]
        return SegmentMask(
            seen,
            int(np.count_nonzero(seen)),
            since=int(passed.max()) if passed.size else -NEVER,
            until=int(ahead.min()) if ahead.size else NEVER,
        )


def admission(scope: Scope, filters: Filters, owners: Mapping[AgencyId, int], generation: int) -> Admission:
    """Return what a search of ``scope`` with ``filters`` may see at ``generation``; ``owners``: the agencies' codes.

    Raises:
        InputError: ``search.moment``, if ``scope.moment`` has no time zone; ``search.filters``, if a range is empty
            or an age negative.
    """
    _check(scope, filters)
    agencies = scope.agencies if filters.agencies is None else scope.agencies & filters.agencies
    return Admission(
        generation=generation,
        moment=microseconds(scope.moment),
        owners=_owner_codes(agencies, owners),
        collections=tuple(sorted(COLLECTION_CODES[collection] for collection in scope.collections)),
        sexes=None if filters.sex is None else (SEX_CODES[filters.sex], SEX_CODES[Sex.UNKNOWN]),
        birth=_birth_span(filters, scope.moment.astimezone(UTC).date()),
        taken=(_ordinal(filters.taken_from), _ordinal(filters.taken_to)),
    )


def latest_birth(age: int, on: date) -> int:
    """Return the ordinal of the last birth date of someone at least ``age`` whole years old ``on`` a day; 0 if none."""
    year = on.year - age
    if year < 1:
        return 0
    try:
        return on.replace(year=year).toordinal()
    except ValueError:
        # 29 February of a common year: whoever was born on 1 March has not had the anniversary yet.
        return date(year, 2, 28).toordinal()


def _birth_span(filters: Filters, on: date) -> _Span:
    youngest = None if filters.age_from is None else latest_birth(filters.age_from, on)
    oldest = None if filters.age_to is None else latest_birth(filters.age_to + 1, on) + 1
    return oldest, youngest


def _owner_codes(agencies: Members[AgencyId], owners: Mapping[AgencyId, int]) -> tuple[int, ...]:
    return tuple(sorted(owners[agency] for agency in agencies if agency in owners))


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _any_of(values: npt.NDArray[np.integer], wanted: tuple[int, ...]) -> Mask:
    return np.isin(values, np.array(wanted, dtype=values.dtype))


def _keep_within(seen: Mask, values: Codes, span: _Span) -> None:
    first, last = span
    if first is not None:
        seen &= (values >= first) | (values == UNSTATED)
    if last is not None:
        # UNSTATED lies below every ordinal, so the upper end keeps it by itself.
        seen &= values <= last


def _check(scope: Scope, filters: Filters) -> None:
    if scope.moment.tzinfo is None:
        raise InputError(
            "search.moment",
            N_("The moment of the search has no time zone."),
            why=N_("Whether a record may be searched can change within the hour."),
        )
    ages = [age for age in (filters.age_from, filters.age_to) if age is not None]
    dates = [day for day in (filters.taken_from, filters.taken_to) if day is not None]
    if ages != sorted(ages) or dates != sorted(dates) or any(age < 0 for age in ages):
        raise InputError(
            "search.filters",
            N_("A filter's range is empty."),
            why=N_("Its first age or date comes after its last, or an age is negative."),
            hint=N_("Exchange the two ends, or leave one open."),
        )
