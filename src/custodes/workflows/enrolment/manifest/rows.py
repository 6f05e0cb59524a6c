"""One row of a manifest as a value, or the problem that it has."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import date
from typing import Any

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.types import Disposition, Offence, Pose, Sex, Youth
from custodes.workflows.enrolment.manifest.dates import read_date
from custodes.workflows.enrolment.manifest.mapping import NO_FACE, PER_OFFENCE, REQUIRED, Mapping

RawRow = MappingOf[str, Any]
_LONGEST = {"person_number": 60, "booking_number": 60, "agency": 20, "image": 1000, "offence_code": 60}
_MOST_OFFENCES = 50
_POSES = {
    "": Pose.FRONTAL,
    "F": Pose.FRONTAL,
    "L": Pose.LEFT_PROFILE,
    "R": Pose.RIGHT_PROFILE,
    "A": Pose.THREE_QUARTER,
    "D": Pose.OTHER,
}
"""The codes of ANSI/NIST-ITL 1-2011, field 10.020 (POS), and nothing at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One photograph of one booking, as a records system states it. ``number`` counts rows of data from 1."""

    number: int
    agency: str
    person_number: str
    booking_number: str
    image: str
    taken_on: date | None
    sex: Sex
    birth_date: date | None
    youth: Youth
    offences: tuple[Offence, ...]
    pose: Pose = Pose.FRONTAL


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that cannot be read, and why; ``booking_number`` if that much can be read of it."""

    number: int
    error: ManifestError
    booking_number: str = ""


def parse(number: int, raw: RawRow, mapping: Mapping, today: date) -> Row:
    """Return one row as a value; no photograph, birth or offence lies after ``today``.

    Raises:
        ManifestError: ``row.missing-value``, ``row.too-long``, ``row.unreadable-character``, ``row.bad-value``,
            ``row.bad-date``, ``row.impossible-date``, ``row.uneven-lists`` or ``row.no-face``.
    """
    fields = Fields(raw, mapping)
    fields.require(REQUIRED)
    row = Row(
        number=number,
        agency=fields.text("agency"),
        person_number=fields.text("person_number"),
        booking_number=fields.text("booking_number"),
        image=fields.text("image"),
        taken_on=fields.day("taken_on", fields.text("taken_on")),
        sex=fields.member("sex", Sex, fields.text("sex")),
        birth_date=fields.day("birth_date", fields.text("birth_date")),
        youth=fields.member("youth", Youth, fields.text("youth")),
        offences=_offences(fields),
        pose=_pose(fields),
    )
    _check_possible(row, today)
    return row


def _check_possible(row: Row, today: date) -> None:
    """Raise ManifestError ``row.impossible-date`` unless the dates of a row can all be true."""
    pairs = [(row.birth_date, row.taken_on), (row.birth_date, today), (row.taken_on, today)]
    for offence in row.offences:
        pairs += [(row.birth_date, offence.committed_on), (offence.committed_on, today)]
        pairs += [(offence.committed_on, offence.disposition_date), (offence.disposition_date, today)]
    if any(earlier and later and earlier > later for earlier, later in pairs):
        raise ManifestError(
            "row.impossible-date",
            N_("The dates of the row cannot all be true: one lies in the future, or before what it must follow."),
            hint=N_("Correct them at their source; whether somebody was a youth depends on them."),
        )


def booking_number_of(raw: RawRow, mapping: Mapping) -> str:
    """Return the booking that a row names, however wrong the rest of it is; nothing if it names none."""
    try:
        return Fields(raw, mapping).text("booking_number")
    except ManifestError:
        return ""


def _pose(fields: Fields) -> Pose:
    text = fields.text("pose")
    if text.casefold() in NO_FACE:
        raise ManifestError(
            "row.no-face",
            N_("The row is of a tattoo, a scar or a mark, which is held apart from faces and not enrolled here."),
            hint=N_("Leave such images out of the export."),
        )
    pose: Pose = _POSES[text] if text in _POSES else fields.member("pose", Pose, text)
    return pose


class Fields:
    """A raw row seen through its mapping."""

    def __init__(self, raw: RawRow, mapping: Mapping) -> None:
        self._raw = raw
        self.mapping = mapping

    def require(self, names: tuple[str, ...]) -> None:
        """Raise ManifestError ``row.missing-value`` unless each field has a value."""
        for name in names:
            if not self.text(name):
                raise ManifestError(
                    "row.missing-value", N_("The row gives no %(field)s."), hint=N_("Every row needs one."), field=name
                )

    def text(self, name: str) -> str:
        values = self.texts(name)
        if len(values) > 1:
            raise self._bad_value(name)
        return values[0] if values else ""

    def texts(self, name: str, *, split: bool = False) -> list[str]:
        """Return a field's values through the mapping; a list, or a cell that holds one."""
        if name in self.mapping.constants:
            return [self.mapping.constants[name]]
        raw = self._raw.get(self.mapping.column(name))
        values = raw if isinstance(raw, list) else [raw]
        if split and isinstance(raw, str):
            values = raw.split(self.mapping.list_separator) if raw.strip() else []
        return [self._clean(name, value) for value in values]

    def day(self, name: str, text: str) -> date | None:
        if not text:
            return None
        day = read_date(text, self.mapping.date_formats)
        if day is None:
            raise ManifestError(
                "row.bad-date",
                N_("The %(field)s is not a date in any of the formats of the mapping file."),
                hint=N_("Formats: %(formats)s."),
                field=name,
                formats=", ".join(self.mapping.date_formats),
            )
        return day

    def member(self, name: str, kind: Any, text: str) -> Any:
        try:
            return kind(text)
        except ValueError as error:
            raise self._bad_value(name) from error

    def yes_or_no(self, name: str, text: str) -> bool | None:
        answers = {"yes": True, "no": False, "": None}
        if text not in answers:
            raise self._bad_value(name)
        return answers[text]

    def _clean(self, name: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, str | int):
            text = str(value).strip()
        else:
            raise self._bad_value(name)
        if len(text) > _LONGEST.get(name, 200):
            raise ManifestError(
                "row.too-long",
                N_("The %(field)s is too long."),
                hint=N_("Check that the columns have not shifted."),
                field=name,
            )
        if not text.isprintable():
            _check_characters(name, text)
        return self.mapping.value(name, text)

    def _bad_value(self, name: str) -> ManifestError:
        return ManifestError(
            "row.bad-value",
            N_("The value of %(field)s means nothing to the mapping file."),
            hint=N_("Add it under [values.%(field)s]."),
            field=name,
        )


def _check_characters(name: str, text: str) -> None:
    if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise ManifestError(
            "row.unreadable-character",
            N_("The %(field)s holds a character that is no text."),
            hint=N_("Correct it at its source: a number or a path that was damaged must not be guessed."),
            field=name,
        )


def _offences(fields: Fields) -> tuple[Offence, ...]:
    """Return the offences of a row: parallel lists, where a single value holds for all of them."""
    codes = [code for code in fields.texts("offence_code", split=True) if code]
    if len(codes) > _MOST_OFFENCES:
        raise ManifestError("row.uneven-lists", N_("The row states too many offences."))
    columns: dict[str, list[str]] = {}
    for name in PER_OFFENCE[1:]:
        values = fields.texts(name, split=True)
        if len(values) in (0, 1):
            values = (values or [""]) * len(codes)
        if len(values) != len(codes):
            raise ManifestError(
                "row.uneven-lists",
                N_("The row states %(codes)d offences but %(found)d values of %(field)s."),
                hint=N_("Give one value for all offences, or one for each, in the same order."),
                codes=len(codes),
                found=len(values),
                field=name,
            )
        columns[name] = values
    return tuple(
        Offence(
            code=code,
            ground=fields.mapping.grounds.get(code),
            designated=fields.yes_or_no("designated", columns["designated"][index]),
            committed_on=fields.day("offence_date", columns["offence_date"][index]),
            disposition=fields.member("disposition", Disposition, columns["disposition"][index]),
            disposition_date=fields.day("disposition_date", columns["disposition_date"][index]),
            appeal_end=fields.day("appeal_end", columns["appeal_end"][index]),
        )
        for index, code in enumerate(codes)
    )
