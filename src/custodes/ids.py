"""Random 128-bit identifiers, one type per kind of thing.

An id is ``<prefix>_<26 characters>``: Crockford's base 32 of 128 random bits.  It says what kind of
thing it names and nothing else: no order, no date, no count.  Database keys never leave `store`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Self

from custodes.errors import InputError
from custodes.text import N_

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(5 * (_LENGTH - 2), -1, -10)
_DIGITS = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")
Entropy = Callable[[int], bytes]
"""``entropy(n)`` returns ``n`` random bytes; the only source of randomness anything may use."""


class Id(str):
    """An opaque identifier; subclasses fix the prefix, so that kinds cannot be mixed up."""

    __slots__ = ()
    prefix: ClassVar[str] = ""

    @classmethod
    def new(cls, entropy: Entropy) -> Self:
        """Return a fresh random id of this kind."""
        number = int.from_bytes(entropy(16), "big")
        digits = "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
        return cls(f"{cls.prefix}_{digits}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return ``text`` as an id of this kind.

        Raises:
            InputError: ``id.malformed``, if it is not one.
        """
        prefix, _, digits = text.partition("_")
        if prefix != cls.prefix or not _DIGITS.fullmatch(digits):
            raise InputError(
                "id.malformed",
                N_("This is not the identifier of a %(kind)s."),
                hint=N_("Copy the whole identifier, from “%(prefix)s_” to its last character."),
                kind=cls.__name__.removesuffix("Id").lower(),
                prefix=cls.prefix,
            )
        return cls(text)


class AgencyId(Id):
    __slots__ = ()
    prefix = "agy"


class AccountId(Id):
    __slots__ = ()
    prefix = "acc"


class SubjectId(Id):
    __slots__ = ()
    prefix = "sbj"


class BookingId(Id):
    __slots__ = ()
    prefix = "bkg"


class PhotographId(Id):
    __slots__ = ()
    prefix = "pho"


class TemplateId(Id):
    __slots__ = ()
    prefix = "tpl"


class CaseId(Id):
    __slots__ = ()
    prefix = "cas"


class ProbeId(Id):
    __slots__ = ()
    prefix = "prb"


class RequestId(Id):
    """A request for a search (not a web request: that is a :class:`TraceId`)."""

    __slots__ = ()
    prefix = "req"


class SearchId(Id):
    __slots__ = ()
    prefix = "sea"


class EntryId(Id):
    __slots__ = ()
    prefix = "ent"


class CorrectionId(Id):
    __slots__ = ()
    prefix = "cor"


class KeyId(Id):
    __slots__ = ()
    prefix = "key"


class JobId(Id):
    __slots__ = ()
    prefix = "job"


class TraceId(Id):
    """One web request or one command: what log entries made together have in common."""

    __slots__ = ()
    prefix = "trc"
