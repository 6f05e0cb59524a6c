"""Identifiers: random, one type per kind, and nothing else is taken for one."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import CountedEntropy

from custodes import ids
from custodes.errors import InputError
from custodes.ids import CaseId, Id, RequestId, TraceId

KINDS = [kind for _, kind in inspect.getmembers(ids, inspect.isclass) if issubclass(kind, Id) and kind is not Id]
_GOOD = "cas_" + "0" * 26


@pytest.mark.parametrize("kind", KINDS)
def test_an_identifier_is_parsed_back_as_its_own_kind(kind: type[Id], entropy: CountedEntropy) -> None:
    made = kind.new(entropy)
    parsed = kind.parse(str(made))
    assert parsed == made
    assert type(parsed) is kind
    assert len(made) == len(kind.prefix) + 27 <= 30


def test_every_kind_has_a_prefix_of_its_own() -> None:
    assert len({kind.prefix for kind in KINDS}) == len(KINDS)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_all_128_bits_are_in_the_identifier(one: bytes, other: bytes) -> None:
    assert (CaseId.new(lambda _: one) == CaseId.new(lambda _: other)) is (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "_",
        "cas",
        "cas_",
        _GOOD[:-1],
        _GOOD + "0",
        _GOOD.upper(),
        _GOOD.replace("0", "o", 1),
        _GOOD.replace("0", "٠"),
        _GOOD + "\n",
        " " + _GOOD,
        "req_" + "0" * 26,
        "cas_" + "../../../../etc/passwd0000",
        "cas_" + "0" * 25 + "%",
        "cas_" + "\x00" * 26,
        _GOOD.replace("_", "__", 1),
    ],
    ids=ascii,
)
def test_a_malformed_identifier_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        CaseId.parse(text)
    assert refusal.value.code == "id.malformed"
    assert str(refusal.value.what) == "This is not the identifier of a case."


def test_one_kind_is_not_taken_for_another(entropy: CountedEntropy) -> None:
    with pytest.raises(InputError, match=r"id\.malformed"):
        RequestId.parse(CaseId.new(entropy))


def test_the_error_repeats_nothing_that_was_given() -> None:
    with pytest.raises(InputError) as refusal:
        TraceId.parse("a secret somebody pasted")
    assert "secret" not in str(refusal.value)
