"""A file of dispositions: one row for each offence of a booking that has ended, or ended otherwise than is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.types import Disposition
from custodes.workflows.enrolment.manifest.mapping import Mapping
from custodes.workflows.enrolment.manifest.reader import Manifest, Shape
from custodes.workflows.enrolment.manifest.rows import Fields, Problem, RawRow

_REQUIRED = ("booking_number", "offence_code", "disposition")
DISPOSITIONS = Shape(
    (*_REQUIRED, "agency", "offence_date", "disposition_date", "appeal_end"),
    _REQUIRED,
)
"""The fields of such a file, which are those of a manifest; ``agency`` may be left out."""


@dataclass(frozen=True, slots=True)
class DispositionRow:
    """How one offence of a booking ended. ``offence_date`` only tells offences of one code apart."""

    number: int
    agency: str
    booking_number: str
    offence_code: str
    offence_date: date | None
    disposition: Disposition
    disposition_date: date | None
    appeal_end: date | None


def disposition_rows(file: Manifest, today: date) -> Iterator[DispositionRow | Problem]:
    """Yield every row of a file opened as :data:`DISPOSITIONS`, or the problem that it has on ``today``."""
    return file.parsed(lambda number, raw: _parse(number, raw, file.mapping, today))


def _parse(number: int, raw: RawRow, mapping: Mapping, today: date) -> DispositionRow:
    fields = Fields(raw, mapping)
    fields.require(_REQUIRED)
    row = DispositionRow(
        number=number,
        agency=fields.text("agency"),
        booking_number=fields.text("booking_number"),
        offence_code=fields.text("offence_code"),
        offence_date=fields.day("offence_date", fields.text("offence_date")),
        disposition=fields.member("disposition", Disposition, fields.text("disposition")),
        disposition_date=fields.day("disposition_date", fields.text("disposition_date")),
        appeal_end=fields.day("appeal_end", fields.text("appeal_end")),
    )
    pairs = [
        (row.disposition_date, today),
        (row.offence_date, row.disposition_date),
        (row.disposition_date, row.appeal_end),
    ]
    if any(earlier and later and earlier > later for earlier, later in pairs):
        raise impossible_dates()
    return row


def impossible_dates() -> ManifestError:
    """Return the error for an end of an offence that lies in the future, before the offence, or after its appeal."""
    return ManifestError(
        "row.impossible-disposition",
        N_("The dates cannot all be true: the disposition lies in the future, before the offence or after its appeal."),
        hint=N_("Correct them at their source; how long a photograph may be kept depends on them."),
    )
