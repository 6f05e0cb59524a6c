"""What the log says of every searchable row, and whether the rows still say it.

Each row of the gallery carries a *commitment*: HMAC-SHA-256, under its template's own data key, of everything that the
row says and of the sealed template.  The log states which commitments were born and which died, so that the log alone
tells which rows there must be, of whom, and whether they may be searched.  A row that was hidden, inserted, relabelled
or exchanged behind the product's back differs from it.  Once the data key is destroyed the commitment opens to
nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import connection
from django.db.models import Q, QuerySet

from custodes.ids import AgencyId, KeyId
from custodes.store.fence import reading_gallery
from custodes.store.models import GalleryEntry, Generation
from custodes.store.protocol import KeyStore

_CONTEXT = b"custodes gallery entry 1\0"
_AT_ONCE = 500
_STATED = "UPDATE store_generation SET stated = number WHERE id = 1"
_COMMIT = "UPDATE store_galleryentry SET commitment = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Changes:
    """What one service's rows became in one transaction, as commitments (64 hex digits each).

    ``admitted`` and ``barred`` were born, and may or may not be searched; ``ended`` died.
    """

    owner: AgencyId
    admitted: tuple[str, ...]
    barred: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LivingRow:
    """A living row: what it was committed to, and what it would be committed to now ("" if its key is gone)."""

    owner: AgencyId
    contract: str
    commitment: str
    now: str
    is_barred: bool


def changes(keys: KeyStore) -> list[Changes]:
    """Commit every row born in the open transaction; return what was born and what died in it, by service.

    To be called once, after the last change and before the commit, by whoever changed the gallery; what it returns
    goes into the log in the same transaction.
    """
    since = Generation.objects.values_list("stated", flat=True).first() or 0
    born = list(_rows(GalleryEntry.objects.filter(born__gt=since)))
    with connection.cursor() as cursor:
        cursor.executemany(_COMMIT, [(commitment, row.pk) for row, commitment in _committed(born, keys)])
        cursor.execute(_STATED)
    touched = GalleryEntry.objects.filter(Q(born__gt=since) | Q(died__gt=since)).order_by("pk")
    found: dict[AgencyId, tuple[list[str], list[str], list[str]]] = {}
    for owner, commitment, barriers, born_at, died_at in touched.values_list(
        "agency__uid", "commitment", "barriers", "born", "died"
    ):
        admitted, barred, ended = found.setdefault(AgencyId(owner), ([], [], []))
        if born_at > since:
            (barred if barriers else admitted).append(commitment)
        if died_at is not None:
            ended.append(commitment)
    return [Changes(owner, *map(tuple, kinds)) for owner, kinds in found.items()]


def living_rows(keys: KeyStore) -> Iterator[LivingRow]:
    """Yield every living row of every service, committed anew from what it says now."""
    with reading_gallery():
        rows = _rows(GalleryEntry.objects.filter(died=None))
    for part in _parts(rows):
        for row, commitment in _committed(part, keys):
            barred = bool(row.barriers)
            yield LivingRow(AgencyId(row.agency.uid), row.contract.contract, row.commitment, commitment, barred)


def _rows(rows: QuerySet[GalleryEntry]) -> Iterator[GalleryEntry]:
    related = rows.select_related("template__photograph", "subject", "agency", "contract").order_by("pk")
    return related.iterator(chunk_size=_AT_ONCE)


def _parts(rows: Iterator[GalleryEntry]) -> Iterator[list[GalleryEntry]]:
    while True:
        with reading_gallery():
            part = list(islice(rows, _AT_ONCE))
        if not part:
            return
        yield part


def _committed(rows: Sequence[GalleryEntry], keys: KeyStore) -> Iterator[tuple[GalleryEntry, str]]:
    found = keys.fetch([KeyId(row.template.key_uid) for row in rows])
    for row in rows:
        key = found.get(KeyId(row.template.key_uid))
        yield row, hmac.digest(key, _CONTEXT + _said(row), "sha256").hex() if key else ""


def _said(row: GalleryEntry) -> bytes:
    """Return everything that a row says, its death excepted, which the log states by itself."""
    template = row.template
    said = [
        template.uid,
        template.key_uid,
        hashlib.sha256(bytes(template.ciphertext)).hexdigest(),
        template.photograph.uid,
        row.contract.contract,
        row.subject.uid,
        row.agency.uid,
        row.collection,
        row.barriers,
        row.searchable_from.isoformat(),
        row.searchable_until.isoformat() if row.searchable_until else None,
        row.sex,
        row.birth_date.isoformat() if row.birth_date else None,
        row.taken_on.isoformat() if row.taken_on else None,
        row.born,
    ]
    return json.dumps(said, separators=(",", ":")).encode()
