"""From an image file to what is enrolled of it: the part of enrolment that costs time, done by many threads at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from custodes.engine import require_one_face
from custodes.errors import CustodesError
from custodes.imaging import Picture
from custodes.store.records import RowFailureRecord
from custodes.text import Text
from custodes.types import Quality, Vector
from custodes.workflows.enrolment.manifest import Row
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A row with the bytes of its image; ``sha256`` in hex, ``name`` what the manifest calls the file."""

    row: Row
    name: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A row ready to be enrolled; sizes in pixels, upright; ``notes``: what was done to the stored pixels.

    ``vector`` (``(d,)`` float32 of unit length) and ``quality`` are None if the face is in a pose that the engine does
    not compare.
    """

    loaded: Loaded
    format: str
    width: int
    height: int
    notes: tuple[Text, ...]
    vector: Vector | None
    quality: Quality | None

    @classmethod
    def of(cls, loaded: Loaded, picture: Picture, vector: Vector | None, quality: Quality | None) -> Self:
        """Return a row with what is kept of its picture; the pixels are let go."""
        return cls(loaded, picture.format, picture.width, picture.height, picture.sentences(), vector, quality)

    @property
    def row(self) -> Row:
        return self.loaded.row

    @property
    def sha256(self) -> str:
        return self.loaded.sha256


@dataclass(frozen=True, slots=True)
class Failed:
    """A row that cannot be enrolled; ``row`` if it can be read and is of one's own service, ``sha256`` if its image.

    ``booking_number``: without ``row``, the booking that it may be about; empty if that cannot be told.
    """

    number: int
    record: RowFailureRecord
    row: Row | None = None
    sha256: str = ""
    booking_number: str | None = None


def prepare(loaded: Loaded, services: Services) -> Prepared | Failed:
    """Decode, find the one face, make its template; return the failure if the image does not allow it (ENR-04).

    In a pose that the engine does not compare no face is looked for: a profile often has none that can be found.
    """
    engine = services.bulk_engine
    try:
        picture = services.decoder.decode(loaded.data, name=loaded.name, limits=services.limits)
        if loaded.row.pose not in engine.poses:
            return Prepared.of(loaded, picture, None, None)
        faces = engine.detect(picture.pixels)
        face = require_one_face(faces)
        quality = engine.measure(picture.pixels, face, [other for other in faces if other is not face])
        template = engine.embed([(picture.pixels, face)])[0]
    except CustodesError as error:
        return Failed(loaded.row.number, failure(loaded.row.number, error), loaded.row, loaded.sha256)
    return Prepared.of(loaded, picture, template.vector, quality)


def failure(number: int, error: CustodesError) -> RowFailureRecord:
    """Return an error as the failure of a row: its code and its texts."""
    texts = (error.what, error.why, error.hint)
    return RowFailureRecord(number, error.code, tuple(text for text in texts if text.template))
