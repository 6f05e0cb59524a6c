"""Handing a gallery its rows: the store's side of `ranking.TemplateSource`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from django.db.models import Q, QuerySet

from custodes.ids import AgencyId, KeyId, PhotographId, SubjectId, TemplateId
from custodes.store.database import present_generation
from custodes.store.models import ContractRow, GalleryEntry
from custodes.store.vault import Sealed, Vault
from custodes.types import Barrier, Collection, Contract, Eligibility, GalleryRow, Sex, Vector


class DatabaseTemplateSource:
    """Hands a gallery the rows that were born or died between two generations."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def generation(self) -> int:
        return present_generation()

    def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
        rows = (
            _of(contract)
            .filter(born__gt=after, born__lte=upto)
            .select_related("template__photograph", "subject", "agency")
            .order_by("born", "pk")
        )
        chunk: list[GalleryEntry] = []
        for row in rows.iterator(chunk_size=2000):
            chunk.append(row)
            if len(chunk) == 500:
                yield from self._opened(chunk)
                chunk = []
        yield from self._opened(chunk)

    def died(self, contract: Contract, after: int, upto: int) -> Iterator[tuple[TemplateId, int, int]]:
        rows = _of(contract).filter(died__gt=after, died__lte=upto).order_by("died", "pk")
        for uid, born, died in rows.values_list("template__uid", "born", "died").iterator():
            yield TemplateId(uid), born, died or 0

    def living(self, contract: Contract, generation: int) -> int:
        beyond = Q(died__isnull=True) | Q(died__gt=generation)
        return _of(contract).filter(beyond, born__lte=generation).count()

    def _opened(self, rows: Sequence[GalleryEntry]) -> Iterator[GalleryRow]:
        # a key that is gone excuses a row that died; leaving out a living one would make a search incomplete
        living = self._vault.open_all(_sealed(row) for row in rows if row.died is None)
        dead = self._vault.open_remaining(_sealed(row) for row in rows if row.died is not None)
        vectors = dict([*living, *dead])
        for row in rows:
            if row.template.uid in vectors:
                yield _gallery_row(row, np.frombuffer(vectors[row.template.uid], dtype=np.float32))


def _of(contract: Contract) -> QuerySet[GalleryEntry]:
    row = ContractRow.objects.filter(contract=contract.id).first()
    return GalleryEntry.objects.filter(contract=row) if row else GalleryEntry.objects.none()


def _sealed(row: GalleryEntry) -> tuple[str, Sealed]:
    return row.template.uid, Sealed(KeyId(row.template.key_uid), bytes(row.template.ciphertext))


def _gallery_row(row: GalleryEntry, vector: Vector) -> GalleryRow:
    return GalleryRow(
        template_id=TemplateId(row.template.uid),
        subject=SubjectId(row.subject.uid),
        photograph=PhotographId(row.template.photograph.uid),
        vector=vector,
        eligibility=Eligibility(
            owner=AgencyId(row.agency.uid),
            searchable_from=row.searchable_from,
            searchable_until=row.searchable_until,
            barriers=Barrier(row.barriers),
            collection=Collection(row.collection),
        ),
        sex=Sex(row.sex),
        birth_date=row.birth_date,
        taken_on=row.taken_on,
        born=row.born,
        died=row.died,
    )
