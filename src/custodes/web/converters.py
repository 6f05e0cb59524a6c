"""Opaque identifiers in addresses: one converter per kind, so that a malformed or misplaced id is no page at all."""

from __future__ import annotations

from django.urls import register_converter

from custodes.errors import InputError
from custodes.ids import CaseId, Id, PhotographId, ProbeId, RequestId, SubjectId


def _converter(kind: type[Id]) -> type:
    class IdConverter:
        regex = f"{kind.prefix}_[0-9a-z]{{26}}"

        def to_python(self, value: str) -> Id:
            try:
                return kind.parse(value)
            except InputError as error:
                raise ValueError(value) from error

        def to_url(self, value: str) -> str:
            return str(value)

    return IdConverter


def register() -> None:
    """Make ``<case:…>``, ``<probe:…>`` and so on known to the addresses."""
    kinds: dict[str, type[Id]] = {
        "case": CaseId,
        "probe": ProbeId,
        "request": RequestId,
        "photograph": PhotographId,
        "subject": SubjectId,
    }
    for name, kind in kinds.items():
        register_converter(_converter(kind), name)
