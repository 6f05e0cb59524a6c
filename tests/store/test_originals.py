"""PRB-01: an original and its name come back exactly as they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from custodes.store.originals import split_name, with_name


@given(name=st.text(st.characters(), max_size=40), data=st.binary(max_size=80))
def test_any_name_and_any_bytes_come_back_exactly(name: str, data: bytes) -> None:
    assert split_name(with_name(name, data)) == (name, data)


def test_half_a_character_of_a_foreign_file_system_is_kept() -> None:
    assert split_name(with_name("caf\udce9.png", b"\x00")) == ("caf\udce9.png", b"\x00")


def test_neither_a_name_nor_any_bytes_is_an_original_too() -> None:
    assert split_name(with_name("", b"")) == ("", b"")
