"""What the history keeps of a value is read back as that value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.store.values import decoded, encoded
from custodes.types import Barrier, Disposition, Ground, Offence, Pose, RecordFact, Sex, Youth

_days = st.none() | st.dates()
_offences = st.lists(
    st.builds(
        Offence,
        code=st.text(min_size=1, max_size=20),
        ground=st.none() | st.sampled_from(Ground),
        designated=st.none() | st.booleans(),
        committed_on=_days,
        disposition=st.sampled_from(Disposition),
        disposition_date=_days,
        appeal_end=_days,
    ),
    max_size=5,
).map(tuple)
_values: dict[RecordFact, st.SearchStrategy[Any]] = {
    RecordFact.PERSON: st.text(max_size=60),
    RecordFact.YOUTH: st.sampled_from(Youth),
    RecordFact.BIRTH_DATE: _days,
    RecordFact.SEX: st.sampled_from(Sex),
    RecordFact.OFFENCES: _offences,
    RecordFact.DISPOSITIONS: _offences,
    RecordFact.DISPUTE: st.integers(0, 31).map(Barrier),
    RecordFact.TAKEN_ON: _days,
    RecordFact.POSE: st.sampled_from(Pose),
    RecordFact.VANISHED: st.booleans(),
}


@pytest.mark.parametrize("fact", RecordFact)
@given(data=st.data())
def test_every_value_of_every_fact_comes_back(fact: RecordFact, data: st.DataObject) -> None:
    value = data.draw(_values[fact])
    assert decoded(fact, encoded(value)) == value


def test_the_wording_is_what_the_history_was_kept_in() -> None:
    """A change of it would make what is kept unreadable."""
    offence = Offence("CC 344", Ground.HYBRID, True, date(2025, 6, 1), Disposition.STAYED, date(2025, 9, 1))
    kept = '[["CC 344","2(1)(a)(iii)",true,"stayed","2025-06-01","2025-09-01",null]]'
    assert encoded((offence,)) == kept
    assert encoded(Barrier.YOUTH | Barrier.NO_DATE) == "10"
    assert (encoded(True), encoded(None), encoded(date(2025, 1, 2))) == ("yes", "", "2025-01-02")
