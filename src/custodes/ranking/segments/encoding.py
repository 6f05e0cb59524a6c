"""Gallery rows to columns, every one of them checked: what cannot be compared stops the search."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from custodes.errors import SetupError
from custodes.ids import AgencyId, Id, SubjectId
from custodes.ranking.bound import quantise
from custodes.ranking.segments.layout import COLLECTION_CODES, ID_BYTES, NEVER, SEX_CODES, UNSTATED
from custodes.ranking.sketch import sketch
from custodes.text import N_
from custodes.types import GalleryRow

Columns = dict[str, npt.NDArray[Any]]
"""Array name (`layout`) to ``(n,)`` or ``(n, width)`` of its dtype."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_TOLERANCE: Final = 1e-4


def microseconds(moment: datetime) -> int:
    """Return ``moment`` (aware) in whole microseconds since 1970-01-01T00:00Z, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def is_unit(vectors: npt.NDArray[np.float32]) -> bool:
    """Say whether every vector along the last axis is finite and of unit length, to within rounding."""
    squares = np.einsum("...d,...d->...", vectors, vectors, dtype=np.float64)
    return bool(np.all(np.abs(squares - 1.0) <= _UNIT_TOLERANCE))


def subject_key(subject: SubjectId) -> int:
    """Return 64 bits of a digest of the id, as int64."""
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=8).digest(), "little", signed=True)


def vector_sums(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return CRC-32 of each of ``(n, d)`` templates."""
    rows = np.ascontiguousarray(vectors)
    return np.array([zlib.crc32(row) for row in rows], dtype=np.uint32)


def encode(rows: Sequence[GalleryRow], dimension: int, owner_code: Callable[[AgencyId], int]) -> Columns:
    """Return the columns of ``rows``.

    Raises:
        SetupError: ``gallery.row-damaged``, if a vector is not unit float32 of the gallery's dimension, a moment has
            no time zone, or an id is longer than an id can be.
    """
    vectors = _vectors(rows, dimension)
    sketches, rests = sketch(vectors)
    codes, scales, residuals, norms = quantise(vectors)
    states = [row.eligibility for row in rows]
    deaths = np.array([NEVER if row.died is None else row.died for row in rows], dtype=np.int64)
    return {
        "sketches": sketches,
        "rests": rests,
        "codes": codes,
        "scales": scales,
        "residuals": residuals,
        "norms": norms,
        "owner": np.array([owner_code(state.owner) for state in states], dtype=np.int32),
        "collection": np.array([COLLECTION_CODES[state.collection] for state in states], dtype=np.int8),
        "sex": np.array([SEX_CODES[row.sex] for row in rows], dtype=np.int8),
        "barriers": np.array([int(state.barriers) for state in states], dtype=np.int32),
        "searchable_from": np.array([_moment(row.eligibility.searchable_from, row) for row in rows], dtype=np.int64),
        "searchable_until": np.array([_moment(row.eligibility.searchable_until, row) for row in rows], dtype=np.int64),
        "birth_date": np.array([_ordinal(row.birth_date) for row in rows], dtype=np.int32),
        "taken_on": np.array([_ordinal(row.taken_on) for row in rows], dtype=np.int32),
        "born": np.array([row.born for row in rows], dtype=np.int64),
        "subject_key": np.array([subject_key(row.subject) for row in rows], dtype=np.int64),
        "subject": _packed([row.subject for row in rows], rows),
        "template": _packed([row.template_id for row in rows], rows),
        "photograph": _packed([row.photograph for row in rows], rows),
        "commitment": np.frombuffer(b"".join(_commitment(row) for row in rows), dtype=np.uint8).reshape(-1, 32),
        "vector_sum": vector_sums(vectors),
        "vectors": vectors,
        "death": np.stack([deaths, ~deaths], axis=1),
    }


def damaged(row: GalleryRow) -> SetupError:
    """Return the error that stops every search until the row is mended or taken out."""
    return SetupError(
        "gallery.row-damaged",
        N_("The gallery row of template %(template)s is damaged."),
        why=N_("A search that left it out silently could not say that every eligible record was compared."),
        hint=N_("Take the record out of the gallery, or enrol its photograph again."),
        template=str(row.template_id),
    )


def _vectors(rows: Sequence[GalleryRow], dimension: int) -> npt.NDArray[np.float32]:
    for row in rows:
        if row.vector.dtype != np.float32 or row.vector.shape != (dimension,):
            raise damaged(row)
    vectors = np.stack([row.vector for row in rows])
    if not is_unit(vectors):
        raise damaged(next(row for row in rows if not is_unit(row.vector)))
    return vectors


def _packed(ids: Sequence[Id], rows: Sequence[GalleryRow]) -> npt.NDArray[np.bytes_]:
    packed = [value.encode("ascii", "replace") for value in ids]
    for raw, value, row in zip(packed, ids, rows, strict=True):
        if len(raw) > ID_BYTES or raw.decode("ascii") != value:
            raise damaged(row)
    return np.array(packed, dtype=f"S{ID_BYTES}")


def _commitment(row: GalleryRow) -> bytes:
    if len(row.commitment) != 32:
        raise damaged(row)
    return row.commitment


def _moment(moment: datetime | None, row: GalleryRow) -> int:
    if moment is None:
        return NEVER
    if moment.tzinfo is None:
        raise damaged(row)
    return microseconds(moment)


def _ordinal(day: date | None) -> int:
    return UNSTATED if day is None else day.toordinal()
