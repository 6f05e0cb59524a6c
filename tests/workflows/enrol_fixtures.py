"""An export of a records system, made on the spot: images that the fake engine sees, a manifest, a mapping file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflows.conftest import World

from custodes.engine.fake import FakeEngine, picture
from custodes.workflows.enrolment import Coverage, EnrolmentReport, Scope, check_enrolment, enrol

MAPPING = """
[file]
date_formats = ["%Y-%m-%d"]

[constants]
agency = "NRP"

[values.ground]
"CC 344" = "indictable"
"CC 267" = "hybrid"
"CC 175" = "summary"
"""

COMPLETE: Mapping[str, str] = {
    "taken_on": "2025-06-02",
    "sex": "M",
    "birth_date": "1990-01-01",
    "youth": "no",
    "offence_code": "CC 344",
    "offence_date": "2025-06-01",
}
"""What makes a row searchable, apart from whose it is."""

Row = Mapping[str, object]


def row(number: int, **changes: str) -> dict[str, str]:
    """A complete row of person and booking ``number``, whose image shows identity ``number``."""
    keys = {"person_number": f"P{number}", "booking_number": f"B{number}", "image": f"{number}.png"}
    return {**keys, **COMPLETE, **changes}


def as_csv(rows: Sequence[Row], *, delimiter: str = ",") -> str:
    """Rows as CSV; the columns are the first row's."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_jsonl(rows: Sequence[Row]) -> str:
    """Rows as JSON Lines."""
    return "".join(json.dumps(dict(row)) + "\n" for row in rows)


@dataclass
class Export:
    """A folder with images, a manifest and a mapping file, and the records officer who enrols it."""

    world: World
    folder: Path
    manifest: Path = field(init=False)

    def __post_init__(self) -> None:
        # enrolment refuses weights that are not licensed for operation (ENG-04); the fake engine's say so unless told
        self.world.services.make_engine = lambda: FakeEngine(allows_operational_use=True)
        (self.folder / "images").mkdir(parents=True)
        self.manifest = self.folder / "manifest.csv"
        self.map(MAPPING)

    def map(self, text: str) -> None:
        (self.folder / "mapping.toml").write_text(text, encoding="utf-8")

    def write(self, text: str | bytes, name: str = "manifest.csv", encoding: str = "utf-8") -> None:
        self.manifest = self.folder / name
        self.manifest.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))

    def rows(self, *rows: Row) -> None:
        """Write a CSV manifest of these rows."""
        self.write(as_csv(rows))

    def image(self, name: str, *identities: int, data: bytes | None = None, variation: int = 0) -> None:
        path = self.folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(*identities, variation=variation) if data is None else data)

    def images(self, count: int) -> None:
        """Write ``1.png`` to ``count.png``, each of an identity of its own."""
        for number in range(1, count + 1):
            self.image(f"{number}.png", number)

    def enrol(self, by: str = "records officer", re_export: Scope | None = None) -> EnrolmentReport:
        return enrol(self.world.services, self.world.as_(by), re_export=re_export, **self.places())

    def check(self, by: str = "records officer") -> Coverage:
        return check_enrolment(self.world.services, self.world.as_(by), **self.places())

    def places(self) -> dict[str, Path]:
        return {
            "manifest": self.manifest,
            "mapping": self.folder / "mapping.toml",
            "images": self.folder / "images",
        }

    def failures(self) -> dict[int, str]:
        """Enrol, and return the error code of each row that failed."""
        return {failure.row: failure.code for failure in self.enrol().failures}
