"""One row of a manifest as a value, or the problem that it has."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.types import Disposition, Offence, Sex, Youth
from custodes.workflows.enrolment.manifest.mapping import PER_OFFENCE, REQUIRED, Mapping

RawRow = MappingOf[str, Any]
_LONGEST = {"person_number": 60, "booking_number": 60, "agency": 20, "image": 1000, "offence_code": 60}
_MOST_OFFENCES = 50


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


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that cannot be enrolled, and why."""

    number: int
    error: ManifestError


def parse(number: int, raw: RawRow, mapping: Mapping) -> Row:
    """Return one row as a value.

    Raises:
        ManifestError: ``row.missing-value``, ``row.too-long``, ``row.bad-value``, ``row.bad-date``,
            ``row.impossible-date`` or ``row.uneven-lists``.
    """
    fields = _Fields(raw, mapping)
    for name in REQUIRED:
        if not fields.text(name):
            raise ManifestError(
                "row.missing-value", N_("The row gives no %(field)s."), hint=N_("Every row needs one."), field=name
            )
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
    )
    if row.birth_date and row.taken_on and row.birth_date >= row.taken_on:
        raise ManifestError(
            "row.impossible-date", N_("The person was photographed before being born."), hint=N_("Check both dates.")
        )
    return row


class _Fields:
    """A raw row seen through its mapping."""

    def __init__(self, raw: RawRow, mapping: Mapping) -> None:
        self._raw = raw
        self.mapping = mapping

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
        for pattern in self.mapping.date_formats:
            try:
                return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no time zone
            except ValueError:
                continue
        raise ManifestError(
            "row.bad-date",
            N_("The %(field)s is not a date in any of the formats of the mapping file."),
            hint=N_("Formats: %(formats)s."),
            field=name,
            formats=", ".join(self.mapping.date_formats).replace("%", ""),
        )

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
        elif isinstance(value, str | int | float):
            text = str(value).strip()
        else:
            raise self._bad_value(name)
        if "\0" in text or len(text) > _LONGEST.get(name, 200):
            raise ManifestError("row.too-long", N_("The %(field)s is too long or holds a NUL."), field=name)
        return self.mapping.value(name, text)

    def _bad_value(self, name: str) -> ManifestError:
        return ManifestError(
            "row.bad-value",
            N_("The value of %(field)s means nothing to the mapping file."),
            hint=N_("Add it under [values.%(field)s]."),
            field=name,
        )


def _offences(fields: _Fields) -> tuple[Offence, ...]:
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
