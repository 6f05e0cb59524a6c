"""A probe's faces, cut out and aligned when the probe was taken in: a later search need not decode its image again.

Decoding untrusted bytes then happens once, at intake, and a search costs the same whatever the size of the original.
The crops are personal information like the original: sealed, under a key that names them, and good for the one
contract whose alignment made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import cast

import numpy as np

from custodes.ids import KeyId, ProbeId
from custodes.store.enrolment import key_of_contract
from custodes.store.models import AlignedFaces, Probe
from custodes.store.rows import insert, key_of
from custodes.store.statements import Statement
from custodes.store.vault import Sealed, Vault
from custodes.types import Contract, Pixels

_CHANNELS = 3
_SEALED = Statement(
    lambda probe, contract: AlignedFaces.objects.filter(probe__uid=probe, contract__contract=contract).values_list(
        "key_uid", "ciphertext"
    )
)


def sealing_name(probe: ProbeId) -> str:
    """Return what a probe's aligned faces are sealed as."""
    return f"{probe}/aligned"


def to_plaintext(crops: Sequence[Pixels]) -> bytes:
    """Return ``(s, s, 3)`` crops, all of one size, as the plaintext to seal: one after the other, in order."""
    return b"".join(crop.tobytes() for crop in crops)


def add(probe: ProbeId, contract: Contract, sealed: Sealed) -> None:
    """Store a probe's sealed crops inside the open transaction."""
    row = AlignedFaces(
        probe_id=key_of(Probe, probe),
        contract_id=key_of_contract(contract),
        key_uid=sealed.key,
        ciphertext=sealed.ciphertext,
    )
    insert([row])


def face(vault: Vault, probe: ProbeId, number: int, of: int, contract: Contract) -> Pixels | None:
    """Return the aligned crop of face ``number`` of ``of``, or None if this contract's alignment did not make it.

    Raises:
        SetupError: ``vault.key-gone`` or ``vault.altered``.
    """
    row = _SEALED.first(probe, contract.id)
    if row is None:
        return None
    key, ciphertext = row
    opened = vault.open(sealing_name(probe), Sealed(KeyId(key), bytes(ciphertext)))
    side = isqrt(len(opened) // (of * _CHANNELS))
    return cast("Pixels", np.frombuffer(opened, np.uint8).reshape(of, side, side, _CHANNELS)[number])
