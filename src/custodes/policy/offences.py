"""The program's list of serious offences: what is not on it cannot be searched for (LAW-02)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class SeriousOffence:
    """One offence of the list: its statute and section, and its title in both languages."""

    code: str
    en: str
    fr: str

    def title(self, locale: str) -> str:
        """Return the title in ``locale``'s language."""
        return self.fr if locale.startswith("fr") else self.en


@cache
def serious_offences() -> Mapping[str, SeriousOffence]:
    """Return the list, by code, in the order of the file."""
    text = files("custodes.policy").joinpath("offences.toml").read_text(encoding="utf-8")
    offences = (SeriousOffence(**row) for row in tomllib.loads(text)["offence"])
    return {offence.code: offence for offence in offences}
