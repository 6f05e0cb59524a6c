"""The filters of a search in words. There is none for race, so none can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext

from custodes.types import Filters
from custodes.web.labels import label
from custodes.workflows.reference import AgencyRecord


def described(filters: Filters, agencies: Sequence[AgencyRecord]) -> list[str]:
    """Return every filter that was chosen, in words."""
    rows: list[tuple[str, str]] = []
    if filters.agencies is not None:
        names = [agency.name for agency in agencies if agency.id in filters.agencies]
        rows.append((gettext("Services"), ", ".join(names)))
    if filters.sex is not None:
        rows.append((gettext("Sex"), label(filters.sex)))
    ages, days = _range(filters.age_from, filters.age_to), _range(filters.taken_from, filters.taken_to)
    if ages:
        rows.append((gettext("Age on the day of the search"), ages))
    if days:
        rows.append((gettext("Date of the photograph"), days))
    return [gettext("%(what)s: %(which)s") % {"what": what, "which": which} for what, which in rows]


def _range(first: int | date | None, last: int | date | None) -> str:
    values = {"first": _written(first), "last": _written(last)}
    if first is not None and last is not None:
        return gettext("%(first)s to %(last)s") % values
    if first is not None:
        return gettext("from %(first)s") % values
    return gettext("up to %(last)s") % values if last is not None else ""


def _written(end: int | date | None) -> str:
    return end.isoformat() if isinstance(end, date) else str(end)
