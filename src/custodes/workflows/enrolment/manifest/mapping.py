"""The mapping file: which column holds which field, how dates are written, what codes mean.

Whatever it says that is not known is an error: a misspelt key would otherwise quarantine a gallery in silence.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.types import Disposition, Ground, Pose, Sex, Youth
from custodes.workflows.enrolment.manifest.dates import check_formats

REQUIRED = ("agency", "person_number", "booking_number", "image")
PER_OFFENCE = ("offence_code", "offence_date", "designated", "disposition", "disposition_date", "appeal_end")
FIELDS = (*REQUIRED, "taken_on", "pose", "sex", "birth_date", "youth", *PER_OFFENCE)
NO_FACE = ("tattoo", "scar", "mark")
"""What stands for a pose in an export and is no face: such a row is refused (ENR-06)."""

CONSTANTS = tuple(name for name in FIELDS if name not in ("person_number", "booking_number", "image"))
_UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
_ENCODINGS = frozenset({*_UNICODE, "ascii", "cp1252", "iso8859-1", "iso8859-15", "cp437", "cp850", "mac-roman"})

GROUNDS: dict[str, Ground | None] = {
    "none": None,
    "summary": None,
    "indictable": Ground.INDICTABLE,
    "security-of-information": Ground.SECURITY_OF_INFORMATION,
    "hybrid": Ground.HYBRID,
    "extradition": Ground.EXTRADITION,
    "required-to-appear": Ground.REQUIRED_TO_APPEAR,
    "terrorism-custody": Ground.TERRORISM_CUSTODY,
}
_ALLOWED: dict[str, tuple[str, ...] | None] = {
    "agency": None,
    "offence_code": None,
    "ground": tuple(GROUNDS),
    "sex": tuple(sex.value for sex in Sex),
    "youth": tuple(youth.value for youth in Youth),
    "pose": (*(pose.value for pose in Pose), "", *NO_FACE),
    "disposition": tuple(disposition.value for disposition in Disposition),
    "designated": ("yes", "no", ""),
}
_FILE_KEYS = {"encoding": str, "delimiter": str, "list_separator": str, "date_formats": list}
_SECTIONS = ("file", "columns", "constants", "values")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, read and checked.

    ``columns``: our field → their column. ``constants``: our field → its value in every row.
    ``values``: our field → their value → ours. ``grounds``: offence code (ours) → ground, None for a summary offence.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    list_separator: str = ";"
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    columns: MappingOf[str, str] = field(default_factory=dict)
    constants: MappingOf[str, str] = field(default_factory=dict)
    values: MappingOf[str, MappingOf[str, str]] = field(default_factory=dict)
    grounds: MappingOf[str, Ground | None] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """Return the column that holds a field: the one mapped, or the one of the field's own name."""
        return self.columns.get(name, name)

    def value(self, name: str, theirs: str) -> str:
        """Return our value for theirs; what is not mapped stands for itself."""
        return self.values.get(name, {}).get(theirs, theirs)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ManifestError: ``mapping.unreadable``, ``mapping.unknown-key`` or ``mapping.unknown-value``.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(
            "mapping.unreadable",
            N_("The mapping file cannot be read as TOML in UTF-8: %(reason)s."),
            hint=N_("docs/enrolment.md shows a mapping file that works."),
            reason=str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__,
        ) from error
    _check_keys("", table, _SECTIONS)
    sections = {name: _section(table, name) for name in _SECTIONS}
    _check_keys("file", sections["file"], tuple(_FILE_KEYS))
    _check_keys("columns", sections["columns"], FIELDS)
    _check_keys("constants", sections["constants"], CONSTANTS)
    _check_keys("values", sections["values"], tuple(_ALLOWED))
    values = {name: _strings(f"values.{name}", part) for name, part in sections["values"].items()}
    for name, part in values.items():
        _check_values(name, part)
    return Mapping(
        **_file(sections["file"]),
        columns=_strings("columns", sections["columns"]),
        constants=_strings("constants", sections["constants"]),
        values={name: part for name, part in values.items() if name != "ground"},
        grounds={code: GROUNDS[ground] for code, ground in values.get("ground", {}).items()},
    )


def _section(table: MappingOf[str, Any], name: str) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise _unknown_value(name, type(section).__name__, "[table]")
    return section


def _file(section: MappingOf[str, Any]) -> dict[str, Any]:
    for key, kind in _FILE_KEYS.items():
        if key in section and (not isinstance(section[key], kind) or not section[key]):
            raise _unknown_value(f"file.{key}", str(section[key]), kind.__name__)
    settings = dict(section)
    if "date_formats" in settings:
        settings["date_formats"] = check_formats(tuple(map(str, settings["date_formats"])))
    if not _is_known_encoding(settings.get("encoding", "utf-8")):
        raise _unknown_value("file.encoding", settings["encoding"], "utf-8, utf-16, windows-1252, latin-1 …")
    for key in ("delimiter", "list_separator"):
        if key in settings and (len(settings[key]) != 1 or settings[key] in '\r\n"'):
            raise _unknown_value(f"file.{key}", settings[key], "one character")
    return settings


def _is_known_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name).name in _ENCODINGS
    except (LookupError, ValueError):
        return False


def _strings(section: str, part: object) -> dict[str, str]:
    if not isinstance(part, dict) or not all(isinstance(value, str) for value in part.values()):
        raise _unknown_value(section, type(part).__name__, '"text" = "text"')
    return part


def _check_keys(section: str, table: MappingOf[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise ManifestError(
                "mapping.unknown-key",
                N_("The mapping file says “%(key)s”, which means nothing here."),
                hint=N_("Known here: %(known)s."),
                key=f"{section}.{key}" if section else key,
                known=", ".join(known),
            )


def _check_values(name: str, part: MappingOf[str, str]) -> None:
    allowed = _ALLOWED[name]
    for value in part.values():
        if allowed is not None and value not in allowed:
            raise _unknown_value(f"values.{name}", value, ", ".join(f"“{choice}”" for choice in allowed))


def _unknown_value(key: str, value: str, known: str) -> ManifestError:
    return ManifestError(
        "mapping.unknown-value",
        N_("The mapping file gives %(key)s the value “%(value)s”, which it cannot have."),
        hint=N_("Possible: %(known)s."),
        key=key,
        value=value[:60],
        known=known,
    )
