"""What a field of an event may be: its place in the entry, and the closed set of types it may have.

``Target[T]``: opaque ids of what the event is about.  ``Private[str]``: text that only ever becomes part of the salted
commitment.  A field marked as neither is an open fact.  A type that is not on the list is a TypeError when the class is
looked at, so that no class can be written that has room for a name (AUD-05).
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, TypeVar

from custodes.errors import CustodesError
from custodes.ids import Id
from custodes.ledger.events.values import OPEN_LISTS, Token

T = TypeVar("T")
LARGEST = 2**53 - 1
"""The largest count that every reader of JSON reads exactly (RFC 8785, section 3.2.2.3)."""


class Place(enum.StrEnum):
    """Where a field's value stands in an entry."""

    TARGET = "target"
    OPEN = "open"
    PRIVATE = "private"


Target = Annotated[T, Place.TARGET]
Private = Annotated[T, Place.PRIVATE]


@dataclass(frozen=True, slots=True)
class Shape:
    """What values a field takes: one of ``kinds``, several in order (``is_many``) or none (``is_optional``)."""

    kinds: tuple[type[Any], ...]
    is_many: bool = False
    is_optional: bool = False

    def written(self, value: object) -> Any:
        """Return ``value`` as JSON. TypeError, ValueError or InputError, without it, if it is none of this shape's."""
        if value is None and self.is_optional:
            return None
        if self.is_many:
            if not isinstance(value, tuple):
                raise TypeError("not a tuple")
            return [self._one(item) for item in value]
        return self._one(value)

    def read(self, value: object) -> Any:
        """Return what JSON states. ValueError if it is none of this shape's."""
        if self.is_many:
            if not isinstance(value, list):
                raise ValueError("not a list")
            return tuple(self._parsed(item) for item in value)
        return self._parsed(value)

    def _one(self, value: object) -> Any:
        if not isinstance(value, self.kinds) or (isinstance(value, bool) and bool not in self.kinds):
            raise TypeError(f"a {type(value).__name__} where {self.kinds[0].__name__} belongs")
        if isinstance(value, Id):
            # its constructor takes any text; a token's and a member's do not
            type(value).parse(value)
        if type(value) is int and not 0 <= value <= LARGEST:
            raise ValueError("no count")
        return str.__str__(value) if isinstance(value, str) else value

    def _parsed(self, value: object) -> Any:
        for kind in self.kinds:
            try:
                return _parsed(kind, value)
            except (ValueError, CustodesError):
                continue
        raise ValueError(f"no {self.kinds[0].__name__}")


def _parsed(kind: type[Any], value: object) -> Any:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and type(value) is int and 0 <= value <= LARGEST:
        return value
    if type(value) is not str or kind in (bool, int):
        raise ValueError("of another type")
    if kind is Id:
        return parsed_id(value)
    return kind.parse(value) if issubclass(kind, Id) else kind(value)


def parsed_id(text: str) -> Id:
    """Return ``text`` as an id of whatever kind its prefix names. ValueError or InputError if it is none."""
    kind = _id_kinds().get(text.partition("_")[0])
    if kind is None:
        raise ValueError("no Id")
    return kind.parse(text)


@cache
def _id_kinds() -> Mapping[str, type[Id]]:
    return {kind.prefix: kind for kind in Id.__subclasses__()}


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of an event: its name, its place in the entry, and what it may hold."""

    name: str
    place: Place
    shape: Shape


def specs(kind: type[Any]) -> tuple[FieldSpec, ...]:
    """Return the fields of an event's class in order.

    Raises:
        TypeError: a field has a type that is not on the closed list.
    """
    key: Any = kind
    return _specs(key)


@cache
def _specs(kind: Any) -> tuple[FieldSpec, ...]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(_spec(field.name, hints[field.name]) for field in fields(kind))


def _spec(name: str, hint: Any) -> FieldSpec:
    places = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Place)]
    place = places[0] if places else Place.OPEN
    shape = _shape(hint.__origin__ if places else hint)
    allowed = {Place.TARGET: _is_id, Place.PRIVATE: _is_text, Place.OPEN: _is_open}[place]
    if not all(map(allowed, shape.kinds)) or (place is Place.PRIVATE and shape != Shape((str,))):
        raise TypeError(f"{name}: an event has no room for {hint}")
    return FieldSpec(name, place, shape)


def _shape(hint: Any) -> Shape:
    parts = list(typing.get_args(hint)) if isinstance(hint, types.UnionType) else [hint]
    is_optional = type(None) in parts
    parts = [part for part in parts if part is not type(None)]
    is_many = len(parts) == 1 and typing.get_origin(parts[0]) is tuple
    if is_many:
        item, *rest = typing.get_args(parts[0])
        if rest != [Ellipsis]:
            raise TypeError(f"an event has no room for {hint}")
        parts = list(typing.get_args(item)) if isinstance(item, types.UnionType) else [item]
    if not parts or not all(isinstance(part, type) for part in parts):
        raise TypeError(f"an event has no room for {hint}")
    return Shape(tuple(parts), is_many, is_optional)


def _is_id(kind: type) -> bool:
    return issubclass(kind, Id)


def _is_text(kind: type) -> bool:
    return kind is str


def _is_open(kind: type) -> bool:
    is_token = issubclass(kind, Token) and kind is not Token
    return kind in (bool, int) or kind in OPEN_LISTS or is_token or issubclass(kind, Id)


def of_place(kind: type[Any], place: Place) -> tuple[FieldSpec, ...]:
    """Return the fields of one place, in order."""
    key: Any = kind
    return _of_place(key, place)


@cache
def _of_place(kind: Any, place: Place) -> tuple[FieldSpec, ...]:
    return tuple(spec for spec in specs(kind) if spec.place is place)
