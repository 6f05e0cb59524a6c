"""Fixed-size blocks of gallery rows in memory: templates in columns, and beside them what decides who may see them.

It neither judges eligibility (:mod:`custodes.ranking.admission`) nor says which rows are visible yet
(:mod:`custodes.ranking.snapshot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from custodes.errors import SetupError
from custodes.ids import AgencyId, Id, PhotographId, SubjectId
from custodes.ranking.consolidate import Codes, Positions
from custodes.ranking.reference import Columns
from custodes.text import N_
from custodes.types import Collection, GalleryRow, Sex

SEGMENT_ROWS: Final = 16_384
NEVER: Final = int(np.iinfo(np.int64).max)
"""A moment, or a generation, that does not come."""
UNSTATED: Final = int(np.iinfo(np.int32).min)
"""The ordinal of a date that the record does not state."""
SEX_CODES: Final = {sex: code for code, sex in enumerate(Sex)}
COLLECTION_CODES: Final = {collection: code for code, collection in enumerate(Collection)}

Integers = npt.NDArray[np.int64]
SmallCodes = npt.NDArray[np.int8]
_ID_BYTES: Final = 30
_ID = f"S{_ID_BYTES}"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_TOLERANCE: Final = 1e-4


def microseconds(moment: datetime) -> int:
    """Return ``moment`` (aware) in whole microseconds since 1970-01-01T00:00Z, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def is_unit(vectors: npt.NDArray[np.float32]) -> bool:
    """Say whether every vector along the last axis is finite and of unit length, to within rounding."""
    squares = np.einsum("...d,...d->...", vectors, vectors, dtype=np.float64)
    return bool(np.all(np.abs(squares - 1.0) <= _UNIT_TOLERANCE))


_I = TypeVar("_I", bound=Id)


@dataclass(slots=True)
class Codebook(Generic[_I]):
    """Small integers for ids.  It only grows: a code once given keeps its meaning for every reader."""

    ids: list[_I] = field(default_factory=list)
    codes: dict[_I, int] = field(default_factory=dict)

    def code(self, value: _I) -> int:
        """Return the code of ``value``, giving it the next one if it is new."""
        code = self.codes.get(value)
        if code is None:
            code = len(self.ids)
            self.ids.append(value)
            self.codes[value] = code
        return code


@dataclass(slots=True)
class Codebooks:
    """The codes that the segments of one snapshot share."""

    owners: Codebook[AgencyId] = field(default_factory=Codebook)
    subjects: Codebook[SubjectId] = field(default_factory=Codebook)


class Segment:
    """``SEGMENT_ROWS`` places for rows; every attribute is an array over the places.

    ``columns``: ``(d, places)`` float32.  ``searchable_from``/``searchable_until``: microseconds UTC.
    ``birth_date``/``taken_on``: ordinals or ``UNSTATED``.  ``born``/``died``: generations, ``NEVER`` if alive.
    """

    def __init__(self, dimension: int) -> None:
        places = SEGMENT_ROWS
        self.columns: Columns = np.empty((dimension, places), dtype=np.float32)
        self.owner: Codes = np.empty(places, dtype=np.int32)
        self.subject: Codes = np.empty(places, dtype=np.int32)
        self.collection: SmallCodes = np.empty(places, dtype=np.int8)
        self.sex: SmallCodes = np.empty(places, dtype=np.int8)
        self.barriers: Codes = np.empty(places, dtype=np.int32)
        self.searchable_from: Integers = np.empty(places, dtype=np.int64)
        self.searchable_until: Integers = np.empty(places, dtype=np.int64)
        self.birth_date: Codes = np.empty(places, dtype=np.int32)
        self.taken_on: Codes = np.empty(places, dtype=np.int32)
        self.born: Integers = np.empty(places, dtype=np.int64)
        self.died: Integers = np.empty(places, dtype=np.int64)
        self.template: npt.NDArray[np.bytes_] = np.empty(places, dtype=_ID)
        self.photograph: npt.NDArray[np.bytes_] = np.empty(places, dtype=_ID)

    @property
    def nbytes(self) -> int:
        """Bytes reserved by the arrays."""
        return sum(array.nbytes for array in vars(self).values())

    def photographs(self, places: Positions) -> list[PhotographId]:
        """Return the photograph ids at ``places``."""
        return [PhotographId(raw.decode("ascii")) for raw in self.photograph[places].tolist()]

    def write(self, start: int, rows: Sequence[GalleryRow], books: Codebooks) -> None:
        """Fill the places from ``start`` on with ``rows``, which must fit.

        Raises:
            SetupError: ``gallery.row-damaged``, if a vector is not unit float32 of the gallery's dimension, a
                moment has no time zone, or an id is longer than an id can be.
        """
        places = slice(start, start + len(rows))
        self.columns[:, places] = _vectors(rows, self.columns.shape[0]).T
        self.template[places] = [_packed(row.template_id, row) for row in rows]
        self.photograph[places] = [_packed(row.photograph, row) for row in rows]
        self.subject[places] = [books.subjects.code(row.subject) for row in rows]
        self.sex[places] = [SEX_CODES[row.sex] for row in rows]
        self.birth_date[places] = [_ordinal(row.birth_date) for row in rows]
        self.taken_on[places] = [_ordinal(row.taken_on) for row in rows]
        self.born[places] = [row.born for row in rows]
        self.died[places] = [NEVER if row.died is None else row.died for row in rows]
        self._write_eligibility(places, rows, books)

    def _write_eligibility(self, places: slice, rows: Sequence[GalleryRow], books: Codebooks) -> None:
        states = [row.eligibility for row in rows]
        ends = [state.searchable_until for state in states]
        self.owner[places] = [books.owners.code(state.owner) for state in states]
        self.collection[places] = [COLLECTION_CODES[state.collection] for state in states]
        self.barriers[places] = [int(state.barriers) for state in states]
        self.searchable_from[places] = [_moment(row.eligibility.searchable_from, row) for row in rows]
        self.searchable_until[places] = [
            NEVER if end is None else _moment(end, row) for end, row in zip(ends, rows, strict=True)
        ]


def _vectors(rows: Sequence[GalleryRow], dimension: int) -> npt.NDArray[np.float32]:
    for row in rows:
        if row.vector.dtype != np.float32 or row.vector.shape != (dimension,):
            raise _damaged(row)
    vectors = np.stack([row.vector for row in rows])
    if not is_unit(vectors):
        raise _damaged(next(row for row in rows if not is_unit(row.vector)))
    return vectors


def _packed(value: Id, row: GalleryRow) -> bytes:
    raw = value.encode("ascii", "replace")
    if len(raw) > _ID_BYTES or raw.decode("ascii") != value:
        raise _damaged(row)
    return raw


def _moment(moment: datetime, row: GalleryRow) -> int:
    if moment.tzinfo is None:
        raise _damaged(row)
    return microseconds(moment)


def _ordinal(day: date | None) -> int:
    return UNSTATED if day is None else day.toordinal()


def _damaged(row: GalleryRow) -> SetupError:
    """Return the error that stops every search until the row is mended or taken out."""
    return SetupError(
        "gallery.row-damaged",
        N_("The gallery row of template %(template)s is damaged."),
        why=N_("A search that left it out silently could not say that every eligible record was compared."),
        hint=N_("Take the record out of the gallery, or enrol its photograph again."),
        template=str(row.template_id),
    )
