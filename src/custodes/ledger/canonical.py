"""Canonical JSON (RFC 8785) of what a log entry states.

Python's own encoder, written in C, gives the same bytes where nothing but objects with ASCII names, lists, texts,
whole numbers, booleans and null occur, which is all that an entry may hold; a test holds it to the reference
implementation (the ``rfc8785`` package), which it replaces because an entry is made for everything that anyone does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

_LARGEST = 2**53 - 1
"""RFC 8785, section 3.2.2.3 (I-JSON): a larger whole number is not the same in every reader."""

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


# made once: every entry is written by it
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(body: Mapping[str, object]) -> bytes:
    """Return canonical JSON of ``body``; what it leaves open (None at the top) is left out.

    Texts of any ``str`` subclass (ids, enumerations) are plain texts in it.

    Raises:
        ValueError: a floating-point number, a whole number beyond 2**53 - 1, a name that is not ASCII, a text that is
            not Unicode, or a value of another type.
    """
    stated = {_name(key): _plain(value) for key, value in body.items() if value is not None}
    return _ENCODER.encode(stated).encode()


def _name(key: str) -> str:
    if not key.isascii():
        raise ValueError("a name in an entry is ASCII")
    return key


def _plain(value: object) -> Plain:
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError("a number in an entry is at most 2**53 - 1")
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {_name(str(key)): _plain(item) for key, item in value.items()}
    raise ValueError(f"an entry cannot hold a {type(value).__name__}")
