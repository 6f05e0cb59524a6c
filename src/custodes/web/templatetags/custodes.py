"""How values are written on pages: closed lists in words, dates as ISO 8601 in both languages, faces as drawings."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from custodes.text import Text
from custodes.types import Barrier, Box, Quality, Role
from custodes.web import labels
from custodes.workflows.quality import advice_on, component_lines
from custodes.workflows.reference import ProbeRecord, serious_offences

register = template.Library()

_MARGIN = 0.35
_TAG = 0.045


@dataclass(frozen=True, slots=True)
class Mark:
    """One outlined face: its number from 1, and the little square that bears the number (pixels of the image)."""

    index: int
    box: Box
    left: float
    top: float
    size: float

    @property
    def number(self) -> int:
        return self.index + 1

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.size / 2, self.top + self.size / 2

    @property
    def letter(self) -> float:
        return self.size * 0.7


@register.filter
def words(member: enum.StrEnum) -> str:
    """Return a member of a closed list in words."""
    return labels.label(member)


@register.filter
def role_words(role: str) -> str:
    """Return a role that a log entry names, in words."""
    return labels.label(Role(role)) if role else ""


@register.filter
def event_words(kind: str) -> str:
    """Return a kind of log entry in words."""
    return labels.event_label(kind)


@register.filter
def reasons(barriers: Barrier) -> list[str]:
    """Return why a photograph may not be searched."""
    return labels.barrier_labels(barriers)


@register.filter
def offence_title(code: str) -> str:
    """Return the title of a serious offence with its code; a code that is not on the list stands alone."""
    offence = serious_offences().get(code)
    return f"{offence.title(get_language() or 'en')} ({code})" if offence else code


@register.filter
def sentence(text: Text) -> str:
    """Return a text in the reader's language."""
    return text.render(gettext)


@register.filter
def day(value: date | None) -> SafeString | str:
    """Return a date as ``2026-03-02``, or a dash."""
    return format_html('<time datetime="{0}">{0}</time>', value.isoformat()) if value else "—"


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """Return a moment as ``2026-03-02 12:00 UTC``, or a dash."""
    if value is None:
        return "—"
    return format_html('<time datetime="{}">{} UTC</time>', value.isoformat(), value.strftime("%Y-%m-%d %H:%M"))


@register.filter
def pixels(value: float) -> str:
    """Return a length for an SVG attribute: a point as the decimal mark, whatever the language."""
    return f"{value:.1f}"


@register.inclusion_tag("web/parts/drawing.html")
def drawing(probe: ProbeRecord, picked: int | None = None) -> dict[str, object]:
    """Draw a probe with a numbered outline around each face, or only around the one that was ``picked``."""
    size = max(probe.width, probe.height) * _TAG
    marks = [
        Mark(index, face.box, max(0.0, face.box.left), max(0.0, face.box.top - size), size)
        for index, face in enumerate(probe.faces)
        if picked in (None, index)
    ]
    return {"probe": probe, "marks": marks, "picked": picked}


@register.inclusion_tag("web/parts/face.html")
def face(probe: ProbeRecord, box: Box, description: str = "") -> dict[str, object]:
    """Show one face of a probe with a margin, as a square that stays inside the image where it can."""
    side = min(max(box.width, box.height) * (1 + 2 * _MARGIN), max(probe.width, probe.height))
    left = _inside(box.left + box.width / 2 - side / 2, side, probe.width)
    top = _inside(box.top + box.height / 2 - side / 2, side, probe.height)
    return {"probe": probe, "view": f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}", "description": description}


@register.inclusion_tag("web/parts/quality.html")
def quality(measured: Quality | None) -> dict[str, object]:
    """Show what was measured of a face: the summary, at most three pieces of advice, and every component on request."""
    if measured is None:
        return {"quality": None}
    advice = [(each.sentence.render(gettext), each.remedy.render(gettext)) for each in advice_on(measured)]
    lines = [replace(line, name=gettext(line.name), unit=_said(line.unit)) for line in component_lines(measured)]
    unassessed: dict[str, list[str]] = {}
    for line in lines:
        if line.reason:
            unassessed.setdefault(gettext(line.reason), []).append(line.name)
    return {
        "quality": measured,
        "advice": advice,
        "lines": [line for line in lines if not line.reason],
        "unassessed": [*unassessed.items()],
    }


def _said(message: str) -> str:
    """Return a marked message in the active language; gettext answers the empty one with the catalogue's head."""
    return gettext(message) if message else ""


@register.filter
def place(values: Sequence[object], index: int) -> object:
    """Return one of ``values``, or None where there is none, as of what was stored before it was measured."""
    return values[index] if index < len(values) else None


def _inside(start: float, side: float, whole: float) -> float:
    """Move a stretch into ``[0, whole]``, or centre it on what it is too long for."""
    return (whole - side) / 2 if side > whole else min(max(start, 0.0), whole - side)
