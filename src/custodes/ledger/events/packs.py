"""Events of the operator's own model packs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Never

from custodes.ledger.events.base import OutsideEffect
from custodes.ledger.events.fields import Private
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import ContractId, Sha256, SignatureWorth


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfPack(OutsideEffect[Never]):
    """Which pack it is about."""

    contract: ContractId
    """the contract of the templates that the pack makes"""
    manifest_sha256: Sha256
    """SHA-256 of the pack's manifest"""
    signed_by: Sha256 | None = None
    """fingerprint of the trusted key that signed it; none if it was added without one"""
    pack: Private[str]
    """the name its maker gave it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackAdded(_OfPack):
    """An administrator was about to add a model pack (*intended*), and its files lay in the models folder (*done*)."""

    kind = EventKind.PACK_ADDED
    signature: SignatureWorth
    """what the signature beside the manifest was worth"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRemoved(_OfPack):
    """An administrator was about to remove a model pack (*intended*), and its files were gone (*done*)."""

    kind = EventKind.PACK_REMOVED
