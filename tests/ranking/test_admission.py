"""Ages and ranges, against the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custodes.errors import InputError
from custodes.ranking.admission import admission, latest_birth
from custodes.types import Filters, Scope


def age(born: date, on: date) -> int:
    """Whole years, counted the way a person does."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@given(born=st.dates(date(1880, 1, 1)), on=st.dates(date(1900, 1, 1), date(2200, 1, 1)), years=st.integers(0, 130))
@example(born=date(2008, 2, 29), on=date(2026, 2, 28), years=18)
@example(born=date(2008, 2, 29), on=date(2026, 3, 1), years=18)
@example(born=date(2008, 3, 1), on=date(2028, 2, 29), years=20)
@example(born=date(2010, 3, 1), on=date(2028, 2, 29), years=18)
@example(born=date(2010, 2, 28), on=date(2028, 2, 29), years=18)
def test_the_latest_birth_date_of_an_age_agrees_with_the_calendar(born: date, on: date, years: int) -> None:
    assert (age(born, on) >= years) == (born.toordinal() <= latest_birth(years, on))


def test_someone_born_on_29_february_is_18_on_1_march_of_a_common_year() -> None:
    born = date(2008, 2, 29).toordinal()
    assert born > latest_birth(18, date(2026, 2, 28))
    assert born <= latest_birth(18, date(2026, 3, 1))


def test_nobody_is_older_than_the_calendar() -> None:
    assert latest_birth(3_000, date(2026, 3, 2)) == 0


def test_age_is_counted_on_the_utc_date() -> None:
    evening_before = datetime(2026, 3, 1, 20, 0, tzinfo=timezone(timedelta(hours=-5)))
    scope = Scope(frozenset(), evening_before)
    same = Scope(frozenset(), evening_before.astimezone(UTC))
    filters = Filters(age_from=18)
    assert admission(scope, filters, {}, 0) == admission(same, filters, {}, 0)
    assert admission(scope, filters, {}, 0).birth == (None, date(2008, 3, 2).toordinal())


@pytest.mark.parametrize(
    "filters",
    [
        Filters(age_from=40, age_to=30),
        Filters(age_from=-1),
        Filters(age_to=-1),
        Filters(taken_from=date(2025, 1, 2), taken_to=date(2025, 1, 1)),
    ],
)
def test_an_empty_range_is_refused_rather_than_silently_empty(filters: Filters, scope: Scope) -> None:
    with pytest.raises(InputError) as caught:
        admission(scope, filters, {}, 0)
    assert caught.value.code == "search.filters"


def test_a_moment_without_time_zone_is_refused() -> None:
    naive = datetime(2026, 3, 2, 12, 0)  # noqa: DTZ001 - the attack
    with pytest.raises(InputError) as caught:
        admission(Scope(frozenset(), naive), Filters(), {}, 0)
    assert caught.value.code == "search.moment"
