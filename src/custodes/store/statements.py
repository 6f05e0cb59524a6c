"""Queries whose SQL is written once: Django takes ten times as long to write most of them as a database to answer.

The query is Django's own, with its joins, converters and models; only the writing is not done again.  What is asked
for may change, how it is asked for may not: no value may be None, and none may be a list.  This leans on how Django 5.2
turns rows into models (``ModelIterable``), which a test holds it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db import connection
from django.db.models import QuerySet
from django.db.models.query import get_related_populators

R = TypeVar("R")
_Converter = Callable[[Any, Any, Any], Any]


class Statement(Generic[R]):
    """``make`` is given a text for each value and returns the query: of models, or of columns by ``values_list``."""

    def __init__(self, make: Callable[..., QuerySet[Any, R]]) -> None:
        self._make = make
        self._written: dict[tuple[str, int], _Written] = {}

    def first(self, *values: str) -> R | None:
        """Return the first row, or None."""
        return next(self.all(*values), None)

    def all(self, *values: str) -> Iterator[R]:
        """Yield every row."""
        key = connection.vendor, len(values)
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = _write(self._make(*map(_Place, range(len(values)))))
        parameters = [values[each.place] if isinstance(each, _Place) else each for each in written.parameters]
        with connection.cursor() as cursor:
            cursor.execute(written.sql, parameters)
            rows = cursor.fetchall()
        for row in rows:
            yield cast("R", written.read(written.converted(row)))


@dataclass(frozen=True, slots=True)
class _Written:
    """SQL with its parameters, what turns a column into a value, by number, and what makes a result of a row."""

    sql: str
    parameters: Sequence[Any]
    converters: Sequence[tuple[int, Sequence[_Converter], Any]]
    read: Callable[[tuple[Any, ...]], Any]

    def converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.converters:
            return row
        values = list(row)
        for number, converters, column in self.converters:
            for converter in converters:
                values[number] = converter(values[number], column, connection)
        return tuple(values)


def _write(rows: QuerySet[Any, Any]) -> _Written:
    compiler: Any = rows.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    found = [(number, of_column, column) for number, (of_column, column) in converters.items()]
    # without models, ``values_list`` was asked for
    read = _reader(compiler) if compiler.klass_info and not rows.query.values_select else tuple
    return _Written(sql, parameters, found, read)


def _reader(compiler: Any) -> Callable[[tuple[Any, ...]], Any]:
    """Return what makes a model, with those it refers to, of a row."""
    made = compiler.klass_info
    first, last = made["select_fields"][0], made["select_fields"][-1] + 1
    names = [column.target.attname for column, _, _ in compiler.select[first:last]]
    # Django 6 wants one argument more, and its types are what is checked here
    populators = get_related_populators(made, compiler.select, connection.alias)  # type: ignore[call-arg]

    def read(row: tuple[Any, ...]) -> Any:
        model = made["model"].from_db(connection.alias, names, row[first:last])
        for populator in populators:
            populator.populate(row, model)
        return model

    return read


class _Place(str):
    """Where the value of this number goes; a text, so that Django takes it for one."""

    place: int

    def __new__(cls, place: int) -> _Place:
        made = super().__new__(cls, f"value {place}")
        made.place = place
        return made
