"""Quality as JSON keeps it: what was measured, and why not where it was not.

What needs a network is left out, as it is the same for every photograph.
"""

from __future__ import annotations

from typing import Any

from custodes.types import Component, Measured, Quality, Unassessed


def quality_to_json(quality: Quality | None) -> dict[str, Any] | None:
    """Return ``{"method", "summary", "components": {name: [native, score] or reason}}``, or None for None."""
    if quality is None:
        return None
    told = {m.component.value: _told(m) for m in quality.components if m.reason is not Unassessed.NEEDS_NETWORK}
    return {"method": quality.method, "summary": quality.summary, "components": told}


def quality_from_json(stored: dict[str, Any] | None) -> Quality | None:
    """Return what :func:`quality_to_json` stored."""
    if stored is None:
        return None
    told = stored["components"]
    components = tuple(_measured(component, told.get(component.value)) for component in Component)
    return Quality(stored["method"], components, stored["summary"])


def _told(measured: Measured) -> list[float | int | None] | str:
    if measured.native is None or measured.reason is not None:
        return str(measured.reason)
    return [measured.native, measured.score]


def _measured(component: Component, told: Any) -> Measured:
    if isinstance(told, list):
        return Measured(component, native=told[0], score=told[1])
    return Measured(component, reason=Unassessed(told) if told else Unassessed.NEEDS_NETWORK)
