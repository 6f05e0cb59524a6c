"""Sealing: what was swapped, altered or destroyed is not read (SEC-02)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custodes.errors import SetupError
from custodes.store.keys import SqliteKeyStore
from custodes.store.vault import Sealed, Vault


def test_what_was_sealed_is_opened_again(vault: Vault) -> None:
    assert vault.open("pho_1", vault.seal("pho_1", b"bytes")) == b"bytes"
    assert vault.open("pho_2", vault.seal("pho_2", b"")) == b""


def test_every_record_has_a_key_and_a_nonce_of_its_own(vault: Vault) -> None:
    sealed = vault.seal_all([("a", b"same"), ("b", b"same"), ("a", b"same")])
    assert len({s.key for s in sealed}) == len({s.ciphertext[:12] for s in sealed}) == 3
    assert vault.seal_all([]) == []


def test_a_ciphertext_in_another_records_place_is_refused(vault: Vault) -> None:
    """Attack: show somebody else's photograph under this record's id."""
    one, other = vault.seal("pho_1", b"one"), vault.seal("pho_2", b"other")
    with pytest.raises(SetupError, match=r"vault\.altered"):
        vault.open("pho_1", other)
    with pytest.raises(SetupError, match=r"vault\.altered"):
        vault.open("pho_1", Sealed(one.key, other.ciphertext))
    with pytest.raises(SetupError, match=r"vault\.altered"):
        vault.open("pho_1", Sealed(other.key, one.ciphertext))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_noticed(data: st.DataObject, vault: Vault) -> None:
    sealed = vault.seal("tpl_1", b"a template")
    position = data.draw(st.integers(0, len(sealed.ciphertext) * 8 - 1))
    altered = bytearray(sealed.ciphertext)
    altered[position // 8] ^= 1 << (position % 8)
    with pytest.raises(SetupError, match=r"vault\.altered"):
        vault.open("tpl_1", Sealed(sealed.key, bytes(altered)))


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27])
def test_a_truncated_ciphertext_is_noticed(length: int, vault: Vault) -> None:
    sealed = vault.seal("tpl_1", b"")
    with pytest.raises(SetupError, match=r"vault\.altered"):
        vault.open("tpl_1", Sealed(sealed.key, sealed.ciphertext[:length]))


def test_without_its_key_a_record_cannot_be_read(vault: Vault, key_store: SqliteKeyStore) -> None:
    sealed = vault.seal("pho_1", b"bytes")
    key_store.destroy([sealed.key])
    with pytest.raises(SetupError, match=r"vault\.key-gone"):
        vault.open("pho_1", sealed)


def test_in_bulk_only_the_destroyed_may_be_left_out_and_only_when_asked(
    vault: Vault, key_store: SqliteKeyStore
) -> None:
    names = [f"tpl_{n}" for n in range(501)]
    sealed = dict(zip(names, vault.seal_all([(name, name.encode()) for name in names]), strict=True))
    key_store.destroy([sealed["tpl_7"].key])
    with pytest.raises(SetupError, match=r"vault\.key-gone"):
        list(vault.open_all(sealed.items()))
    opened = dict(vault.open_remaining(sealed.items()))
    assert opened == {name: name.encode() for name in names if name != "tpl_7"}
    sealed["tpl_500"] = sealed["tpl_499"]
    with pytest.raises(SetupError, match=r"vault\.altered"):
        list(vault.open_remaining(sealed.items()))
