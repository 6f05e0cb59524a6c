"""What every kind of event is made of, and the event itself: a deed in its context, with what it came to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

from custodes.ids import Id
from custodes.ledger.events.fields import Place, of_place
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import Code
from custodes.types import Context, Facts, Phase


class Pattern(enum.StrEnum):
    """Which of the log's three patterns a kind of event follows (see `ledger.log`)."""

    ROW_EFFECTS = "row effects"
    ALONE = "alone"
    OUTSIDE_EFFECTS = "outside effects"


PHASES = {
    Pattern.ROW_EFFECTS: frozenset({Phase.EFFECT}),
    Pattern.ALONE: frozenset({Phase.ALONE}),
    Pattern.OUTSIDE_EFFECTS: frozenset({Phase.INTENDED, Phase.DONE, Phase.FAILED, Phase.INTERRUPTED}),
}


class Stated:
    """Typed fields, each with its place in the entry (`events.fields`)."""

    __slots__ = ()

    @property
    def targets(self) -> tuple[Id, ...]:
        """Ids of what it is about, in the order of the fields."""
        found: list[Id] = []
        for spec in of_place(type(self), Place.TARGET):
            value = getattr(self, spec.name)
            spec.shape.written(value)
            found += value if isinstance(value, tuple) else [] if value is None else [value]
        return tuple(found)

    @property
    def facts(self) -> Facts:
        """What is stated openly, as JSON; a field that is None is left out."""
        stated = {spec.name: spec.shape.written(getattr(self, spec.name)) for spec in of_place(type(self), Place.OPEN)}
        return {name: value for name, value in stated.items() if value is not None}

    @property
    def private(self) -> dict[str, str]:
        """What only becomes part of the salted commitment; an empty text is left out."""
        places = of_place(type(self), Place.PRIVATE)
        texts: dict[str, str] = {spec.name: spec.shape.written(getattr(self, spec.name)) for spec in places}
        return {name: text for name, text in texts.items() if text}


class Deed(Stated):
    """One thing done, about to be done, or refused. Every kind is one frozen subclass, with one of the patterns."""

    __slots__ = ()
    kind: ClassVar[EventKind]
    pattern: ClassVar[Pattern]
    outcome: ClassVar[type[Result] | None] = None
    """What an outside effect comes to, if there is more to say of it than that it is done."""


class RowEffect(Deed):
    """Entry and change commit in one transaction."""

    __slots__ = ()
    pattern = Pattern.ROW_EFFECTS


class Alone(Deed):
    """The entry commits by itself, before anything is shown."""

    __slots__ = ()
    pattern = Pattern.ALONE


class Result(Stated):
    """What an outside effect came to: the fields that its ``done`` entry has besides the intent's."""

    __slots__ = ()


R = TypeVar("R", bound=Result)


class OutsideEffect(Deed, Generic[R]):
    """Intended, then done; ``R`` is what it comes to, Never if that it is done says all."""

    __slots__ = ()
    pattern = Pattern.OUTSIDE_EFFECTS


D_co = TypeVar("D_co", bound=Deed, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[D_co]):
    """A deed, by whom and for which case (``context``); of an outside effect also its result, or its error's code."""

    context: Context
    deed: D_co
    result: Result | None = None
    error: Code | None = None

    @property
    def kind(self) -> EventKind:
        return self.deed.kind

    @property
    def targets(self) -> tuple[Id, ...]:
        return self.deed.targets

    @property
    def facts(self) -> Facts:
        """The open fields of deed and result, and the error's code."""
        result = self.result.facts if self.result else {}
        return {**self.deed.facts, **result, **({"error": str(self.error)} if self.error else {})}

    @property
    def private(self) -> dict[str, str]:
        """The private texts of deed and result."""
        return {**self.deed.private, **(self.result.private if self.result else {})}

    def came_to(self, result: Result) -> Event[D_co]:
        """Return this event with what the effect came to."""
        return replace(self, result=result)

    def failed(self, code: str) -> Event[D_co]:
        """Return this event with the code of the error that ended it."""
        return replace(self, result=None, error=Code.of(code))

    def check(self, phase: Phase) -> None:
        """Raise RuntimeError if an entry of ``phase`` cannot be written of it: a programming error."""
        if phase not in PHASES[self.deed.pattern]:
            raise RuntimeError(f"{self.kind.value} is written by the pattern {self.deed.pattern.value}")
        expected = self.deed.outcome if phase is Phase.DONE else None
        if type(self.result) is not (expected or type(None)):
            raise RuntimeError(f"{self.kind.value} is {phase.value} without its result, or with another's")
