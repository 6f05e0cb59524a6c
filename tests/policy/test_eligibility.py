"""From a booking to whether it may be searched (LAW-13, LAW-14, YCJA): what is not known is not searchable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import FixedClock

from custodes.ids import AgencyId
from custodes.policy.eligibility import BookingFacts, barriers, bars_unnamed, eligibility, widens, youth_status
from custodes.types import Barrier, Eligibility, Ground, Offence, Pose, Youth

_ADULT = BookingFacts(
    owner=AgencyId("agy_x"),
    offences=[Offence("CC 344", Ground.INDICTABLE, committed_on=date(2020, 5, 17))],
    youth=Youth.NO,
    birth_date=date(1990, 1, 1),
    taken_on=date(2020, 5, 18),
)


def _facts(**changes: Any) -> BookingFacts:
    return replace(_ADULT, **changes)


def test_an_adult_with_a_ground_and_a_dated_photograph_is_searchable(fixed_clock: FixedClock) -> None:
    given_by_policy = eligibility(_ADULT, fixed_clock.now())
    assert given_by_policy.barriers is Barrier.NONE
    assert (given_by_policy.searchable_from, given_by_policy.searchable_until) == (fixed_clock.now(), None)
    assert given_by_policy.owner == _ADULT.owner


@pytest.mark.parametrize("ground", Ground)
def test_every_ground_of_the_act_is_accepted(ground: Ground) -> None:
    """LAW-13."""
    assert barriers(_facts(offences=[Offence("x", ground)])) is Barrier.NONE


def test_one_offence_with_a_ground_is_enough_among_summary_ones() -> None:
    assert barriers(_facts(offences=[Offence("a", None), Offence("b", Ground.HYBRID)])) is Barrier.NONE


@pytest.mark.parametrize("offences", [[], [Offence("CC 175", None)], [Offence("a", None), Offence("b", None)]])
def test_without_a_ground_the_booking_is_quarantined(offences: list[Offence]) -> None:
    """LAW-13."""
    assert barriers(_facts(offences=offences)) == Barrier.NO_GROUND


def test_a_photograph_without_a_date_is_quarantined() -> None:
    """LAW-14."""
    assert barriers(_facts(taken_on=None)) == Barrier.NO_DATE


def test_reasons_add_up() -> None:
    assert barriers(_facts(offences=[], taken_on=None, youth=Youth.YES)) == (
        Barrier.NO_GROUND | Barrier.NO_DATE | Barrier.YOUTH
    )


@pytest.mark.parametrize(
    ("stated", "born", "committed", "taken", "expected"),
    [
        (Youth.YES, date(1950, 1, 1), date(2020, 5, 17), date(2020, 5, 18), Youth.YES),
        (Youth.NO, None, None, None, Youth.NO),
        (Youth.NO, date(2002, 5, 18), date(2020, 5, 17), date(2020, 6, 1), Youth.UNKNOWN),
        (Youth.NO, date(2002, 5, 17), date(2020, 5, 17), date(2020, 6, 1), Youth.NO),
        (Youth.NO, date(2005, 1, 1), None, date(2020, 5, 18), Youth.UNKNOWN),
        (Youth.UNKNOWN, date(2002, 5, 18), date(2020, 5, 17), None, Youth.YES),
        (Youth.UNKNOWN, date(2002, 5, 17), date(2020, 5, 17), None, Youth.NO),
        (Youth.UNKNOWN, date(1990, 1, 1), None, date(2020, 5, 18), Youth.UNKNOWN),
        (Youth.UNKNOWN, None, date(2020, 5, 17), date(2020, 5, 18), Youth.UNKNOWN),
        (Youth.UNKNOWN, date(2004, 2, 29), date(2022, 2, 28), None, Youth.YES),
        (Youth.UNKNOWN, date(2004, 2, 29), date(2022, 3, 1), None, Youth.NO),
    ],
)
def test_youth_is_decided_by_statement_and_dates(
    stated: Youth, born: date | None, committed: date | None, taken: date | None, expected: Youth
) -> None:
    """YCJA s. 2: under 18 at the time of the offence; the day of the 18th birthday counts as 18."""
    offence = Offence("x", Ground.INDICTABLE, committed_on=committed)
    facts = _facts(youth=stated, birth_date=born, offences=[offence], taken_on=taken)
    assert youth_status(facts) is expected


def test_one_offence_without_a_date_leaves_the_age_open() -> None:
    offences = [Offence("a", Ground.HYBRID, committed_on=date(2020, 1, 1)), Offence("b", Ground.HYBRID)]
    assert barriers(_facts(youth=Youth.UNKNOWN, offences=offences)) == Barrier.AGE_UNKNOWN


def test_one_offence_as_a_youth_among_adult_ones_is_enough() -> None:
    offences = [
        Offence("a", Ground.HYBRID, committed_on=date(2020, 1, 1)),
        Offence("b", Ground.HYBRID, committed_on=date(2007, 1, 1)),
    ]
    assert barriers(_facts(youth=Youth.UNKNOWN, offences=offences)) == Barrier.YOUTH
    assert barriers(_facts(youth=Youth.NO, offences=offences)) == Barrier.AGE_UNKNOWN


_DAYS = st.none() | st.dates(date(1940, 1, 1), date(2026, 1, 1))


@given(
    youth=st.sampled_from(Youth),
    born=_DAYS,
    taken=_DAYS,
    offences=st.lists(
        st.builds(Offence, st.just("x"), st.none() | st.sampled_from(Ground), committed_on=_DAYS), max_size=3
    ),
)
def test_nothing_unknown_and_no_minor_is_ever_searchable(
    youth: Youth, born: date | None, taken: date | None, offences: list[Offence]
) -> None:
    facts = _facts(youth=youth, birth_date=born, taken_on=taken, offences=offences)
    if barriers(facts) is not Barrier.NONE:
        return
    assert taken is not None
    assert any(offence.ground for offence in offences)
    assert youth is not Youth.YES
    assert youth is Youth.NO or born is not None
    eighteenth = date(born.year + 18, 3, 1) if born and (born.month, born.day) == (2, 29) else None
    eighteenth = eighteenth or (born.replace(year=born.year + 18) if born else None)
    if eighteenth:
        assert all(o.committed_on is None or o.committed_on >= eighteenth for o in offences)


# --- poses, what vanished, what is disputed ---------------------------------------------------------------


def test_a_pose_that_the_pack_does_not_compare_is_not_searched() -> None:
    for pose in Pose:
        assert barriers(_facts(pose=pose)) == (Barrier.NONE if pose is Pose.FRONTAL else Barrier.POSE)
    poses = frozenset({Pose.FRONTAL, Pose.LEFT_PROFILE})
    assert barriers(_facts(pose=Pose.LEFT_PROFILE, searched_poses=poses)) is Barrier.NONE


def test_what_nobody_vouches_for_and_what_is_disputed_is_not_searched() -> None:
    """LAW-14."""
    assert barriers(_facts(vanished=True)) == Barrier.VANISHED
    assert barriers(_facts(disputed=Barrier.YOUTH)) == Barrier.YOUTH
    assert barriers(_facts(disputed=Barrier.YOUTH, offences=[])) == Barrier.YOUTH | Barrier.NO_GROUND


def test_an_export_with_rows_that_cannot_be_read_bars_nothing_it_does_not_name() -> None:
    assert bars_unnamed(unreadable_rows=0)
    assert not bars_unnamed(unreadable_rows=1)


_MOMENT = datetime(2026, 3, 2, tzinfo=UTC)
_windows = st.builds(
    Eligibility,
    owner=st.just(AgencyId("agy_x")),
    searchable_from=st.integers(0, 4).map(lambda hours: _MOMENT + timedelta(hours=hours)),
    searchable_until=st.none() | st.integers(0, 5).map(lambda hours: _MOMENT + timedelta(hours=hours)),
    barriers=st.sampled_from([Barrier.NONE, Barrier.YOUTH, Barrier.NO_GROUND]),
)


def _searchable_at(state: Eligibility, moment: datetime) -> bool:
    begun = not state.barriers and state.searchable_from <= moment
    return begun and (state.searchable_until is None or moment < state.searchable_until)


@given(now=_windows, then=_windows)
def test_what_opens_any_moment_widens(now: Eligibility, then: Eligibility) -> None:
    """No change that lets a search see a photograph at a moment at which none saw it passes as no widening."""
    moments = [_MOMENT + timedelta(minutes=30 * step) for step in range(14)]
    opens = any(_searchable_at(then, moment) and not _searchable_at(now, moment) for moment in moments)
    assert widens(now, then) or not opens


@given(state=_windows)
def test_what_stays_as_it_is_or_is_barred_does_not_widen(state: Eligibility) -> None:
    assert not widens(state, state)
    assert not widens(state, replace(state, barriers=Barrier.YOUTH))
