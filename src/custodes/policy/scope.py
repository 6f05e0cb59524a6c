"""What a search may see: one's own service's records, and partners' under an agreement in force (SHR-01)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from custodes.ids import AgencyId
from custodes.types import Scope


@dataclass(frozen=True, slots=True)
class Agreement:
    """``searcher`` may search ``owner``'s records from the first day to the last, both included."""

    owner: AgencyId
    searcher: AgencyId
    starts_on: date
    ends_on: date


def search_scope(agency: AgencyId, agreements: Iterable[Agreement], moment: datetime) -> Scope:
    """Return what ``agency`` may search at ``moment`` (days are judged in UTC)."""
    today = moment.date()
    partners = {
        agreement.owner
        for agreement in agreements
        if agreement.searcher == agency and agreement.starts_on <= today <= agreement.ends_on
    }
    return Scope(agencies=frozenset({agency, *partners}), moment=moment)
