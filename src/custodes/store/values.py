"""The values that a correction replaces, as text that the history keeps and as what the text means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from custodes.types import Barrier, Disposition, Ground, Offence, Pose, RecordFact, Sex, Youth

FactValue = str | Youth | Sex | Pose | Barrier | bool | date | None | tuple[Offence, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of a record, before and after."""

    fact: RecordFact
    old: FactValue
    new: FactValue


def encoded(value: FactValue) -> str:
    """Return a value as text: dates in ISO 8601, offences as JSON, barriers as their number."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return json.dumps([_plain(offence) for offence in value], ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    return str(value.value) if isinstance(value, Barrier) else str(value)


def decoded(fact: RecordFact, text: str) -> FactValue:
    """Return what the text of a fact means: the inverse of :func:`encoded`."""
    if fact in (RecordFact.OFFENCES, RecordFact.DISPOSITIONS):
        return tuple(_offence(row) for row in json.loads(text))
    if fact in (RecordFact.BIRTH_DATE, RecordFact.TAKEN_ON):
        return date.fromisoformat(text) if text else None
    if fact is RecordFact.VANISHED:
        return text == "yes"
    if fact is RecordFact.DISPUTE:
        return Barrier(int(text))
    kinds: dict[RecordFact, Any] = {RecordFact.YOUTH: Youth, RecordFact.SEX: Sex, RecordFact.POSE: Pose}
    value: FactValue = kinds.get(fact, str)(text)
    return value


def _plain(offence: Offence) -> list[object]:
    days = (offence.committed_on, offence.disposition_date, offence.appeal_end)
    ground = offence.ground.value if offence.ground else ""
    return [offence.code, ground, offence.designated, offence.disposition.value, *(day and str(day) for day in days)]


def _offence(row: list[Any]) -> Offence:
    code, ground, designated, disposition, *texts = row
    committed_on, disposition_date, appeal_end = (date.fromisoformat(text) if text else None for text in texts)
    return Offence(
        code,
        Ground(ground) if ground else None,
        designated,
        committed_on,
        Disposition(disposition),
        disposition_date,
        appeal_end,
    )
