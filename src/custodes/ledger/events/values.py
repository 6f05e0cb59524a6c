"""What an open field of an event may hold besides opaque ids, counts, booleans and the closed lists of `types`.

Nothing here has room for a sentence or a name: a short text has one shape, and is none of these without it.
"""

from __future__ import annotations

import enum
import re
from typing import ClassVar, Self

from custodes.types import ProbeSource, Purpose, Role


class Token(str):
    """A short text of one shape. ValueError, which does not repeat the text, if it has another."""

    __slots__ = ()
    shape: ClassVar[re.Pattern[str]]

    def __new__(cls, text: str) -> Self:
        if not cls.shape.fullmatch(text):
            raise ValueError(f"this is no {cls.__name__}")
        return super().__new__(cls, text)


class Sha256(Token):
    """The SHA-256 (64 hexadecimal digits) of what is no person's: weights, a manifest of a pack, a key, a mapping."""

    __slots__ = ()
    shape = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ContractId(Token):
    """The id of a template's contract: SHA-256 over weights and preprocessing; that of the fake engine says so."""

    __slots__ = ()
    shape = re.compile(r"(fake-)?[0-9a-f]{64}", re.ASCII)


class LogName(Token):
    """The name of a log, which is public (C2SP signed-note)."""

    __slots__ = ()
    shape = re.compile(r"[a-z0-9./~-]{1,200}", re.ASCII)


class KernelName(Token):
    """What compared the rows of a search, with its version."""

    __slots__ = ()
    shape = re.compile(r"[a-z0-9-]{1,30} [0-9.]{1,10}", re.ASCII)


class Code(Token):
    """A stable code: an error's or a rule's, the name of an action, or the type of an unexpected error."""

    __slots__ = ()
    shape = re.compile(r"[a-z][a-z0-9-]{0,59}(\.[a-z0-9][a-z0-9-]{0,59}){0,3}|[A-Z][A-Za-z]{0,59}", re.ASCII)

    @classmethod
    def of(cls, text: str) -> Self:
        """Return ``text`` as a code; what came from outside and has no code's shape is ``unnamed``."""
        return cls(text) if cls.shape.fullmatch(text) else cls("unnamed")


class OffenceCode(Token):
    """Statute and section of the offence under investigation, from the program's list (LAW-02): ``CC 344``."""

    __slots__ = ()
    shape = re.compile(r"[A-Z]{1,8} [0-9]{1,4}(\.[0-9]{1,4})?(\([0-9a-z.]{1,5}\)){0,4}", re.ASCII)


class ExactFloat(Token):
    """A setting that is a number, as C99 writes it in hexadecimal, so that not one bit is lost."""

    __slots__ = ()
    shape = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}", re.ASCII)


class PublicDay(Token):
    """A day on which institutions bound themselves (ISO 8601); never a day in a person's life."""

    __slots__ = ()
    shape = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)


class Commitment(Token):
    """A keyed digest of a searchable row (64 hexadecimal digits), which opens to nothing without its key."""

    __slots__ = ()
    shape = re.compile(r"[0-9a-f]{64}", re.ASCII)


class KeyIdText(Token):
    """The id of one of the log's keys (C2SP `signed-note`): 8 hexadecimal digits."""

    __slots__ = ()
    shape = re.compile(r"[0-9a-f]{8}", re.ASCII)


class Seed(Token):
    """What a random sample was drawn with (32 hexadecimal digits), so that it can be drawn again."""

    __slots__ = ()
    shape = re.compile(r"[0-9a-f]{32,64}", re.ASCII)


class KeyName(enum.StrEnum):
    """Which key of the installation."""

    MASTER = "master"
    LOG = "log"


class ReplayOutcome(enum.StrEnum):
    """How the repetition of a search came out; *partial*: as far as its rows are still kept."""

    SAME = "same"
    PARTIAL = "partial"
    DIFFERENT = "different"
    NOT_RUN = "not-run"


class Standing(enum.StrEnum):
    """What became of a photograph that was enrolled. Why it may not be searched is private."""

    SEARCHABLE = "searchable"
    UNSEARCHED = "unsearched"
    """Kept and shown, but in a pose that the pack cannot compare."""
    QUARANTINED = "quarantined"


class RecordList(enum.StrEnum):
    """Which list of a service's own records was shown."""

    WAITING = "waiting"
    """Corrections that wait for a second person."""
    CORRECTIONS = "corrections"
    """The corrections of one person's record."""
    VANISHED = "vanished"
    """What a re-export did not name."""


class SignatureWorth(enum.StrEnum):
    """What the signature beside a pack's manifest is worth."""

    NONE = "none"
    TRUSTED = "trusted"
    WRONG = "wrong"


class FilterName(enum.StrEnum):
    """Which filters a search was asked to use; by which value they choose is private, services apart (SRCH-05)."""

    AGENCIES = "agencies"
    SEX = "sex"
    AGE_FROM = "age_from"
    AGE_TO = "age_to"
    TAKEN_FROM = "taken_from"
    TAKEN_TO = "taken_to"


OPEN_LISTS: frozenset[type[enum.StrEnum]] = frozenset(
    {FilterName, KeyName, ProbeSource, Purpose, RecordList, ReplayOutcome, Role, SignatureWorth, Standing}
)
"""The closed lists whose members an open field may hold: coarse, and none by which groups of people are told apart.

Sex, youth, poses, dispositions and the names of a record's facts are closed lists too, and are not among them.
"""
