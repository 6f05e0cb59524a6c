"""What an installation is for, and which of the operator's own model packs were added to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custodes.store.fence import examining, reading_gallery
from custodes.store.models import AddedPack, ContractRow, GalleryEntry, Installation, Search, TemplateRow
from custodes.store.statements import Statement
from custodes.types import Contract


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A pack that was added.  ``manifest_sha256`` in hex; ``signed_by``: fingerprint of a key, empty if unsigned."""

    name: str
    manifest_sha256: str
    contract: str
    signed_by: str
    added_at: datetime


def mark(*, for_evaluation: bool) -> None:
    """Write down what a new installation is for; one that is marked stays as it is."""
    Installation.objects.get_or_create(pk=1, defaults={"for_evaluation": for_evaluation})


def is_for_evaluation() -> bool:
    """Return whether the installation was made for evaluation; one that was never marked was not."""
    return Installation.objects.filter(pk=1, for_evaluation=True).exists()


def added_pack(name: str) -> PackRecord | None:
    """Return the pack ``name`` if it was added."""
    row = AddedPack.objects.filter(name=name).first()
    return _record(row) if row else None


def added_packs() -> dict[str, PackRecord]:
    """Return every pack that was added, by name."""
    return {row.name: _record(row) for row in AddedPack.objects.order_by("name")}


def add_pack(new: PackRecord) -> None:
    """Remember an added pack inside the open transaction, in place of what was remembered under its name."""
    AddedPack.objects.update_or_create(
        name=new.name,
        defaults={
            "manifest_sha256": new.manifest_sha256,
            "contract": new.contract,
            "signed_by": new.signed_by,
            "added_at": new.added_at,
        },
    )


def remove_pack(name: str) -> None:
    """Forget an added pack inside the open transaction."""
    AddedPack.objects.filter(name=name).delete()


def made_with(contract: str) -> tuple[int, int]:
    """Return how many templates, and how many searches, are kept that the contract of this id made."""
    with examining():
        templates = TemplateRow.objects.filter(contract__contract=contract).count()
        return templates, Search.objects.filter(contract__contract=contract).count()


def other_gallery(contract: Contract) -> Contract | None:
    """Return another contract than ``contract`` that made a living row of the gallery, or None."""
    if _OTHER_CONTRACT.first(contract.id) is None:
        return None
    with reading_gallery():
        for row in ContractRow.objects.exclude(contract=contract.id):
            if GalleryEntry.objects.filter(contract=row, died__isnull=True).exists():
                return Contract(row.contract, row.pack, row.version, row.dimension)
    return None


_OTHER_CONTRACT = Statement(lambda contract: ContractRow.objects.exclude(contract=contract).values_list("pk"))


def _record(row: AddedPack) -> PackRecord:
    return PackRecord(row.name, row.manifest_sha256, row.contract, row.signed_by, row.added_at)
