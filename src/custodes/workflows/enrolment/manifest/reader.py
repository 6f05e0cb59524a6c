"""Streaming a manifest: every row in turn, never the whole file.

The file is decoded once from end to end before the first row is handed out, so that an encoding that lies is found
while nothing has been written.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO, TypeVar

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.workflows.enrolment.manifest.encoding import check_encoding, codec
from custodes.workflows.enrolment.manifest.mapping import FIELDS, REQUIRED, Mapping
from custodes.workflows.enrolment.manifest.rows import Problem, RawRow, Row, booking_number_of, parse

R = TypeVar("R")
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Which of our fields a kind of file can state, and which it must."""

    fields: tuple[str, ...]
    required: tuple[str, ...]


PHOTOGRAPHS = Shape(FIELDS, REQUIRED)
"""One row for each photograph."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that can be read: its header has every required column, its bytes are what its mapping says.

    ``lines``: how many rows its lines make at the most, for a progress display only.
    """

    path: Path
    mapping: Mapping
    lines: int
    shape: Shape = PHOTOGRAPHS

    def rows(self, today: date) -> Iterator[Row | Problem]:
        """Yield every row of data in order, each a :class:`Row` or the :class:`Problem` it has on ``today``."""
        return self.parsed(lambda number, raw: parse(number, raw, self.mapping, today))

    def parsed(self, read: Callable[[int, RawRow], R]) -> Iterator[R | Problem]:
        """Yield what ``read`` makes of the number and the fields of every row, or the problem that it raises."""
        raw = _json_rows(self) if _is_json(self.path) else _csv_rows(self)
        for number, row in enumerate(raw, start=1):
            if isinstance(row, ManifestError):
                yield Problem(number, row)
                continue
            try:
                yield read(number, row)
            except ManifestError as error:
                yield Problem(number, error, booking_number_of(row, self.mapping))


def open_manifest(path: Path, mapping: Mapping, shape: Shape = PHOTOGRAPHS) -> Manifest:
    """Return a manifest that was checked from end to end for what would make all of it unreadable.

    Raises:
        ManifestError: ``manifest.unreadable``, ``manifest.not-csv-or-jsonl``, ``manifest.encoding``,
            ``manifest.empty``, ``manifest.malformed``, ``manifest.missing-column``, ``manifest.duplicate-column`` or
            ``mapping.constant-and-column``.
    """
    if path.suffix.lower() not in (".csv", ".jsonl", ".ndjson"):
        raise _not_csv_or_jsonl()
    lines = check_encoding(path, mapping)
    if not lines:
        raise _empty()
    manifest = Manifest(path, mapping, lines - (not _is_json(path)), shape)
    if _is_json(path):
        _check_header(_json_keys(_json_rows(manifest)), manifest)
    else:
        _check_header(_header(manifest), manifest)
        _check_structure(manifest)
    return manifest


def _check_structure(manifest: Manifest) -> None:
    """Find out, before a row is used, whether rows can be told apart: a broken quotation swallows others."""
    mapping, is_empty = manifest.mapping, True
    columns = {mapping.column(name) for name in manifest.shape.fields if name not in mapping.constants}
    for number, row in enumerate(_csv_rows(manifest), start=1):
        is_empty = False
        if not isinstance(row, ManifestError) and any("\n" in str(row.get(column, "")) for column in columns):
            raise malformed(number)
    if is_empty:
        raise _empty()


def malformed(row: int) -> ManifestError:
    """Return the error for a CSV file whose rows cannot be told apart."""
    return ManifestError(
        "manifest.malformed",
        N_("The manifest is not well-formed CSV, so its rows cannot be told apart."),
        why=N_("Near row %(row)s a quotation mark is not closed, or something follows a closed one."),
        hint=N_("Export it again; a quotation mark inside a quoted text is written twice. Nothing was enrolled."),
        row=row,
    )


def _json_keys(rows: Iterable[RawRow | ManifestError]) -> list[str]:
    """Return every key that occurs; a manifest of invented keys does not fill the memory."""
    keys: dict[str, None] = {}
    is_empty = True
    for row in rows:
        is_empty = False
        if not isinstance(row, ManifestError) and len(keys) < 1000:
            keys.update(dict.fromkeys(list(row)[:1000]))
    if is_empty:
        raise _empty()
    if not keys:
        raise _not_csv_or_jsonl()
    return list(keys)


def _not_csv_or_jsonl() -> ManifestError:
    return ManifestError(
        "manifest.not-csv-or-jsonl",
        N_("A manifest is a .csv, .jsonl or .ndjson file."),
        hint=N_("Export the records as CSV, with one row per photograph."),
    )


def _is_json(path: Path) -> bool:
    return path.suffix.lower() != ".csv"


def _csv_rows(manifest: Manifest) -> Iterator[RawRow | ManifestError]:
    mapping = manifest.mapping
    with manifest.path.open(encoding=codec(mapping), newline="") as file:
        reader = csv.reader(_lines(file), delimiter=mapping.delimiter, strict=True)
        header = [name.strip() for name in next(reader)]
        for cells in _unbroken(reader):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield ManifestError(
                    "row.wrong-columns",
                    N_("The row has %(found)d columns; the header has %(expected)d."),
                    hint=N_("Quote cells that contain the delimiter."),
                    found=len(cells),
                    expected=len(header),
                )
                continue
            yield dict(zip(header, cells, strict=True))


def _unbroken(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):  # noqa: B007 - named in the error
            yield cells
    except csv.Error as error:
        raise malformed(number + 1) from error


def _json_rows(manifest: Manifest) -> Iterator[RawRow | ManifestError]:
    with manifest.path.open(encoding=codec(manifest.mapping)) as file:
        for line in _lines(file):
            if not line.strip():
                continue
            try:
                value = json.loads(line, object_pairs_hook=_each_once, parse_constant=_no_number)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict):
                yield value
            else:
                yield ManifestError(
                    "row.not-json",
                    N_("The line is not a JSON object, or it names a key twice."),
                    hint=N_("Write one object per line, in braces."),
                )


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a manifest, none of which fills the memory."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise ManifestError(
                "manifest.long-line",
                N_("Line %(line)d of the manifest is too long to be one row."),
                hint=N_("Export it with one row to a line. Nothing was enrolled."),
                line=number,
            )
        yield line


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(name)


def _header(manifest: Manifest) -> list[str]:
    mapping = manifest.mapping
    with manifest.path.open(encoding=codec(mapping), newline="") as file:
        try:
            return [name.strip() for name in next(csv.reader(_lines(file), delimiter=mapping.delimiter, strict=True))]
        except StopIteration:
            raise _empty() from None
        except csv.Error as error:
            raise ManifestError("manifest.unreadable", N_("The first line is not a CSV header.")) from error


def _check_header(header: list[str], manifest: Manifest) -> None:
    mapping, shape = manifest.mapping, manifest.shape
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        raise ManifestError(
            "manifest.duplicate-column",
            N_("The column “%(column)s” is there twice, so its values are ambiguous."),
            column=double[0],
        )
    shadowed = [name for name in mapping.constants if name in shape.fields and mapping.column(name) in header]
    if shadowed:
        raise ManifestError(
            "mapping.constant-and-column",
            N_("The mapping file gives a constant for %(field)s, but the manifest has a column of that name."),
            why=N_("What the manifest says of each person must not be passed over."),
            hint=N_("Take the constant out, or rename the column if it holds something else."),
            field=shadowed[0],
        )
    wanted = {name: mapping.column(name) for name in shape.fields if name not in mapping.constants}
    for name, column in wanted.items():
        if column not in header and (name in shape.required or name in mapping.columns):
            raise ManifestError(
                "manifest.missing-column",
                N_("The manifest has no column “%(column)s”, which should hold %(field)s."),
                hint=N_("Its columns are: %(header)s. Name the right one in the mapping file, or check the delimiter."),
                column=column,
                field=name,
                header=", ".join(header)[:300],
            )


def _empty() -> ManifestError:
    return ManifestError("manifest.empty", N_("The manifest holds no row."), hint=N_("Check the export."))
