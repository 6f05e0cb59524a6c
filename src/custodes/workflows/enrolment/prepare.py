"""From an image file to what is enrolled of it: the part of enrolment that costs time, done by many threads at once."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.engine import FaceEngine, require_one_face
from custodes.errors import CustodesError
from custodes.imaging import Limits, decode
from custodes.store.records import RowFailureRecord
from custodes.types import Vector
from custodes.workflows.enrolment.manifest import Row


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A row with the bytes of its image; ``sha256`` in hex, ``name`` what the manifest calls the file."""

    row: Row
    name: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A row ready to be enrolled: ``vector`` is ``(d,)`` float32 of unit length; sizes in pixels, upright."""

    loaded: Loaded
    format: str
    width: int
    height: int
    vector: Vector

    @property
    def row(self) -> Row:
        return self.loaded.row

    @property
    def sha256(self) -> str:
        return self.loaded.sha256


@dataclass(frozen=True, slots=True)
class Failed:
    """A row that cannot be enrolled; ``row`` if it can be read and is of one's own service, ``sha256`` if its image."""

    number: int
    record: RowFailureRecord
    row: Row | None = None
    sha256: str = ""


def prepare(loaded: Loaded, engine: FaceEngine, limits: Limits) -> Prepared | Failed:
    """Decode, find the one face, make its template; return the failure if the image does not allow it (ENR-04)."""
    try:
        picture = decode(loaded.data, name=loaded.name, limits=limits)
        face = require_one_face(engine.detect(picture.pixels))
        template = engine.embed([(picture.pixels, face)])[0]
    except CustodesError as error:
        return Failed(loaded.row.number, failure(loaded.row.number, error), loaded.row, loaded.sha256)
    return Prepared(loaded, picture.format, picture.width, picture.height, template.vector)


def failure(number: int, error: CustodesError) -> RowFailureRecord:
    """Return an error as the failure of a row: its code and its sentences, in English."""
    sentences = (error.what, error.why, error.hint)
    return RowFailureRecord(number, error.code, " ".join(str(sentence) for sentence in sentences if str(sentence)))
