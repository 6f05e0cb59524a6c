"""Errors in the reader's language: the sentences, and the code words inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from custodes.errors import CustodesError
from custodes.text import Text
from custodes.workflows.labels import values_in_words

REQUEST_FIELDS: Mapping[str, tuple[str, ...]] = {
    "case number": (),
    "offence": ("offence_code",),
    "purpose": ("purpose",),
    "legal authority": ("authority", "authority_reference"),
    "necessity and proportionality": ("necessity",),
    "probe source": ("source",),
    "how the probe was obtained": ("how_obtained",),
    "probe": (),
    "face": ("face",),
}
"""Policy's name of each field of LAW-01 → the form's fields that hold it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error as it is shown."""

    code: str
    what: str
    why: str
    hint: str


def explain(error: CustodesError) -> Explanation:
    """Return ``error`` in the active language."""
    values = values_in_words(error.values, gettext)

    def shown(text: Text) -> str:
        return Text(text.template, values).render(gettext)

    return Explanation(error.code, shown(error.what), shown(error.why), shown(error.hint))


def missing_fields(error: CustodesError) -> list[str]:
    """Return the form's fields that hold what policy found missing."""
    names = str(error.values.get("missing", "")).split(", ")
    return [field for name in names if name in REQUEST_FIELDS for field in REQUEST_FIELDS[name]]
