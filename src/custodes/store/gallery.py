"""Handing a gallery its rows: the store's side of `ranking.TemplateSource`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple, TypeVar

import numpy as np
from django.db.models import Q, QuerySet

from custodes.errors import SetupError
from custodes.ids import AgencyId, KeyId, PhotographId, SubjectId, TemplateId
from custodes.store.database import present_generation
from custodes.store.fence import reading_gallery
from custodes.store.models import ContractRow, GalleryEntry
from custodes.store.rows import one
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import Barrier, Collection, Contract, Eligibility, GalleryChange, GalleryRow, Sex, Vector

R = TypeVar("R")
_CHUNK = 500


class DatabaseTemplateSource:
    """Hands a gallery the rows that were born or died between two generations."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def generation(self) -> int:
        return present_generation()

    def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
        rows = _of(contract).filter(born__gt=after, born__lte=upto).order_by("born", "commitment", "pk")
        # tuples: a whole gallery is read, and five objects a row take four times as long as the rows
        for chunk in _past_the_fence(rows.values_list(*_Row._fields).iterator(chunk_size=2000)):
            yield from self._opened([_Row(*values) for values in chunk], contract)

    def died(self, contract: Contract, after: int, upto: int) -> Iterator[tuple[TemplateId, int, int]]:
        rows = _of(contract).filter(died__gt=after, died__lte=upto).order_by("died", "pk")
        for chunk in _past_the_fence(rows.values_list("template__uid", "born", "died").iterator()):
            yield from ((TemplateId(uid), born, died or 0) for uid, born, died in chunk)

    def changes(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryChange]:
        rows = _of(contract)
        born = rows.filter(born__gt=after, born__lte=upto).order_by("born").values_list("born", "commitment")
        died = rows.filter(died__gt=after, died__lte=upto).order_by("died").values_list("died", "commitment")
        yield from merge(_changes(born, is_death=False), _changes(died, is_death=True), key=attrgetter("generation"))

    def living(self, contract: Contract, generation: int) -> int:
        beyond = Q(died__isnull=True) | Q(died__gt=generation)
        with reading_gallery():
            return _of(contract).filter(beyond, born__lte=generation).count()

    def _opened(self, rows: Sequence[_Row], contract: Contract) -> Iterator[GalleryRow]:
        # a key that is gone excuses a row that died; leaving out a living one would make a search incomplete
        living = self._vault.open_all(_sealed(row) for row in rows if row.died is None)
        dead = self._vault.open_remaining(_sealed(row) for row in rows if row.died is not None)
        vectors = dict([*living, *dead])
        for row in rows:
            if row.template__uid in vectors:
                yield _gallery_row(row, _vector(row, vectors[row.template__uid], contract))


def _past_the_fence(rows: Iterator[R]) -> Iterator[list[R]]:
    """Yield rows of every service in chunks; the fence is open only while one is read, never while it is used."""
    while True:
        with reading_gallery():
            chunk = list(islice(rows, _CHUNK))
        if not chunk:
            return
        yield chunk


def _changes(rows: QuerySet[GalleryEntry, tuple[int | None, str]], *, is_death: bool) -> Iterator[GalleryChange]:
    for chunk in _past_the_fence(rows.iterator(chunk_size=2000)):
        for generation, commitment in chunk:
            yield GalleryChange(generation or 0, _bytes(commitment), is_death)


def _bytes(commitment: str) -> bytes:
    return bytes.fromhex(commitment).rjust(32, b"\0")


def _of(contract: Contract) -> QuerySet[GalleryEntry]:
    row = one(ContractRow.objects.filter(contract=contract.id))
    return GalleryEntry.objects.filter(contract=row) if row else GalleryEntry.objects.none()


class _Row(NamedTuple):
    """What is read of a gallery entry: Django's names of its columns, and of those it points to."""

    template__uid: str
    template__key_uid: str
    template__ciphertext: bytes
    template__contract_id: int
    contract_id: int
    subject__uid: str
    template__photograph__uid: str
    agency__uid: str
    searchable_from: datetime
    searchable_until: datetime | None
    barriers: int
    collection: str
    sex: str
    birth_date: date | None
    taken_on: date | None
    born: int
    died: int | None
    commitment: str


def _sealed(row: _Row) -> tuple[str, Sealed]:
    return row.template__uid, Sealed(KeyId(row.template__key_uid), bytes(row.template__ciphertext))


def _vector(row: _Row, opened: bytes, contract: Contract) -> Vector:
    """Return the template in ``opened`` if it can be of ``contract``, which is the row's (ENG-01)."""
    is_whole = len(opened) == contract.dimension * np.dtype(np.float32).itemsize
    if row.template__contract_id != row.contract_id or not is_whole:
        raise SetupError(
            "gallery.row-of-another-contract",
            N_("The gallery row of template %(template)s says it is of another contract than its template."),
            why=N_("Compared with the others it would mean nothing; left out, the search would not be complete."),
            hint=N_("Take the record out of the gallery, or enrol its photograph again."),
            template=row.template__uid,
        )
    return np.frombuffer(opened, dtype=np.float32)


def _gallery_row(row: _Row, vector: Vector) -> GalleryRow:
    return GalleryRow(
        template_id=TemplateId(row.template__uid),
        subject=SubjectId(row.subject__uid),
        photograph=PhotographId(row.template__photograph__uid),
        vector=vector,
        eligibility=Eligibility(
            owner=AgencyId(row.agency__uid),
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
        commitment=_bytes(row.commitment),
    )
