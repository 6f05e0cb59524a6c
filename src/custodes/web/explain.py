"""Errors in the reader's language: the sentences, and the code words inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from custodes.errors import CustodesError
from custodes.text import N_, Text
from custodes.types import Role
from custodes.web.labels import action_label, label

REQUEST_FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "case number": (N_("case number"), ()),
    "offence": (N_("offence"), ("offence_code",)),
    "purpose": (N_("purpose"), ("purpose",)),
    "legal authority": (N_("legal authority"), ("authority", "authority_reference")),
    "necessity and proportionality": (N_("necessity and proportionality"), ("necessity",)),
    "probe source": (N_("probe source"), ("source",)),
    "how the probe was obtained": (N_("how the probe was obtained"), ("how_obtained",)),
    "probe": (N_("probe"), ()),
    "face": (N_("face"), ("face",)),
}
"""Policy's name of each field of LAW-01 → its name for people, and the form's fields that hold it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error as it is shown."""

    code: str
    what: str
    why: str
    hint: str


def explain(error: CustodesError) -> Explanation:
    """Return ``error`` in the active language."""
    values = {name: _value(name, value) for name, value in error.values.items()}

    def shown(text: Text) -> str:
        return Text(text.template, values).render(gettext)

    return Explanation(error.code, shown(error.what), shown(error.why), shown(error.hint))


def missing_fields(error: CustodesError) -> list[str]:
    """Return the form's fields that hold what policy found missing."""
    names = str(error.values.get("missing", "")).split(", ")
    return [field for name in names if name in REQUEST_FIELDS for field in REQUEST_FIELDS[name][1]]


def _value(name: str, value: object) -> object:
    if name in ("role", "held", "asked"):
        return label(Role(str(value)))
    if name == "action":
        return action_label(str(value))
    if name == "missing":
        known = [REQUEST_FIELDS[part][0] for part in str(value).split(", ") if part in REQUEST_FIELDS]
        return ", ".join(gettext(part) for part in known)
    return value
