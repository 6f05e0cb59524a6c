"""Canonical JSON of entries: the same bytes as the reference implementation of RFC 8785."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from custodes.ids import EntryId
from custodes.ledger.canonical import canonical
from custodes.types import Phase

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_NAMES = st.text(st.characters(max_codepoint=127))
_LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXTS
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=20)


@given(st.dictionaries(_NAMES, _VALUES))
def test_it_is_what_the_reference_implementation_writes(body: dict[str, object]) -> None:
    stated = {key: value for key, value in body.items() if value is not None}
    assert canonical(body) == rfc8785.dumps(stated)  # type: ignore[arg-type]


@given(st.dictionaries(_NAMES, _VALUES))
def test_it_reads_back_as_what_was_written(body: dict[str, object]) -> None:
    assert json.loads(canonical(body)) == {key: value for key, value in body.items() if value is not None}


def test_ids_and_enumerations_are_plain_texts() -> None:
    assert canonical({"phase": Phase.DONE, "id": EntryId("ent_1"), "n": None}) == b'{"id":"ent_1","phase":"done"}'


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), b"bytes", "\ud800", {"\u00e9": 1}, {1, 2}])
def test_what_has_no_place_in_an_entry_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract; an encoding error is one
        canonical({"facts": [value]})
