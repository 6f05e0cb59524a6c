"""SHR-01: one's own records, and a partner's only under an agreement in force."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from custodes.ids import AgencyId
from custodes.policy.scope import Agreement, search_scope
from custodes.types import Collection

_US, _THEM, _OTHERS = AgencyId("agy_us"), AgencyId("agy_them"), AgencyId("agy_others")
_AGREEMENT = Agreement(owner=_THEM, searcher=_US, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("moment", "in_force"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), False),
    ],
)
def test_an_agreement_holds_from_its_first_day_to_its_last(moment: datetime, in_force: bool) -> None:
    scope = search_scope(_US, [_AGREEMENT], moment)
    assert scope.agencies == ({_US, _THEM} if in_force else {_US})
    assert scope.moment == moment


def test_an_agreement_is_not_mutual() -> None:
    assert search_scope(_THEM, [_AGREEMENT], datetime(2026, 6, 1, tzinfo=UTC)).agencies == {_THEM}


def test_an_agreement_of_somebody_else_opens_nothing() -> None:
    assert search_scope(_OTHERS, [_AGREEMENT], datetime(2026, 6, 1, tzinfo=UTC)).agencies == {_OTHERS}


def test_only_bookings_are_ever_in_scope() -> None:
    assert search_scope(_US, [], datetime(2026, 6, 1, tzinfo=UTC)).collections == {Collection.BOOKING}
