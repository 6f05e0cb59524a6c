"""Dates as records systems write them: only in formats that the mapping names, and only where they mean one day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import permutations

from custodes.errors import ManifestError
from custodes.text import N_

_SAMPLES = tuple(datetime(*day, tzinfo=UTC) for day in ((2003, 2, 1), (2010, 11, 12), (1999, 12, 3), (2001, 1, 31)))


def read_date(text: str, formats: tuple[str, ...]) -> date | None:
    """Return the day that ``text`` means in the first of ``formats`` (strptime) that reads it, or None."""
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def check_formats(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``formats`` if each names one whole day and no two read one text as different days.

    Raises:
        ManifestError: ``mapping.unknown-value`` or ``mapping.ambiguous-dates``.
    """
    if not formats or not all(_names_a_day(pattern) for pattern in formats):
        raise ManifestError(
            "mapping.unknown-value",
            N_("A date format of the mapping file cannot be used."),
            why=N_("Each needs a day, a month and a year of four digits; with two, 50 may mean 1950 or 2050."),
            hint=N_("For 2024-03-31 write %(iso)s, for 31/03/2024 write %(day_first)s."),
            iso="%Y-%m-%d",
            day_first="%d/%m/%Y",
        )
    for one, other in permutations(formats, 2):
        if any(read_date(day.strftime(one), (other,)) not in (None, day.date()) for day in _SAMPLES):
            raise ManifestError(
                "mapping.ambiguous-dates",
                N_("Two date formats of the mapping file read the same text as different days: %(one)s and %(other)s."),
                why=N_("04/03/2020 would be the fourth of March or the third of April."),
                hint=N_("Keep the one that the records system really writes."),
                one=one,
                other=other,
            )
    return formats


def _names_a_day(pattern: str) -> bool:
    if "%y" in pattern.replace("%%", ""):
        return False
    try:
        return all(read_date(day.strftime(pattern), (pattern,)) == day.date() for day in _SAMPLES)
    # strptime makes a regular expression of a format, and of one that names the month twice one that is none
    except (ValueError, re.error):
        return False
