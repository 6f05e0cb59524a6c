"""Reading a leaf of the log: is it one that a class of `ledger.events` could have written, and what does it say?

A leaf is the body of one entry: RFC 8785 canonical JSON of ``id``, ``at``, ``kind``, ``phase``, ``intent``, ``actor``,
``agency``, ``role``, ``case``, ``request``, ``trace``, ``targets``, ``facts`` and ``private``, what does not apply left
out.  ``private`` is the salted commitment to texts that are kept elsewhere; the leaf itself has no room for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import rfc8785

from custodes.errors import CustodesError, InputError
from custodes.ids import AccountId, AgencyId, CaseId, EntryId, Id, RequestId, TraceId
from custodes.ledger.events import DEEDS, Code, Deed, EventKind, FieldSpec, Place, Result, Sha256, specs
from custodes.ledger.events.base import PHASES, Stated
from custodes.ledger.events.fields import parsed_id
from custodes.text import N_
from custodes.types import Phase, Role

LONGEST = 65_535
"""Bytes of one entry of a bundle (C2SP tlog-tiles)."""
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
_REQUIRED = frozenset({"id", "at", "kind", "phase", "trace", "targets", "facts"})
_ANSWERS = frozenset({Phase.DONE, Phase.FAILED, Phase.INTERRUPTED})
S = TypeVar("S", bound=Stated)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one leaf states.

    ``at``: aware, in UTC, to the microsecond.  ``deed``: an instance of the kind's class, ``result`` that of what an
    outside effect came to (phase ``done``), ``error`` the code of what ended it (phase ``failed``).  Private fields of
    both are empty unless the private part was given.  ``commitment``: SHA-256 (hex) of salt and private part.
    """

    id: EntryId
    at: datetime
    phase: Phase
    deed: Deed
    trace: TraceId
    result: Result | None = None
    error: Code | None = None
    intent: EntryId | None = None
    actor: AccountId | None = None
    agency: AgencyId | None = None
    role: Role | None = None
    case: CaseId | None = None
    request: RequestId | None = None
    commitment: Sha256 | None = None

    @property
    def kind(self) -> EventKind:
        return self.deed.kind


def event_of(body: bytes, private: bytes = b"") -> Leaf:
    """Return what a leaf states; with its opened ``private`` part, that too.

    Whether the private part is the one that the leaf commits to is for whoever has its salt (`ledger.log.commitment`).

    Raises:
        InputError: ``ledger.leaf-malformed``, if anything in it is not as its kind's class writes it.
    """
    reader = _Reader()
    leaf = reader.leaf(body, private)
    if leaf is None or reader.faults:
        raise InputError(
            "ledger.leaf-malformed",
            N_("This is not an entry that the log can hold."),
            why=N_("It is not as its kind of event is written (%(faults)s)."),
            hint=N_("Verify the log that it came from."),
            faults="; ".join(reader.faults),
        )
    return leaf


def leaf_faults(body: bytes) -> list[str]:
    """Return what is wrong with a leaf, as ``field: fault`` in the order found; nothing if it is well formed.

    Faults are code words, and repeat nothing of the leaf but the names of known fields: ``not-json``,
    ``not-canonical``, ``too-long``, ``unknown``, ``missing``, ``malformed``, ``out-of-place``.
    """
    reader = _Reader()
    reader.leaf(body, b"")
    return reader.faults


class _Reader:
    """Reads one leaf and collects its faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def leaf(self, body: bytes, private: bytes) -> Leaf | None:
        stated = self._object(body)
        texts = self._texts(private)
        if stated is None or texts is None:
            return None
        self._names("", stated, _FIELDS.keys(), _REQUIRED)
        values = {name: self._value(name, parse, stated[name]) for name, parse in _FIELDS.items() if name in stated}
        kind, phase = values.pop("kind", None), values.get("phase")
        if kind is None or phase is None:
            return None
        outcome = DEEDS[kind].outcome if phase is Phase.DONE else None
        values["deed"], values["result"] = self._stated(values, DEEDS[kind], outcome, texts)
        values["error"] = self._error(stated["facts"], phase) if isinstance(stated.get("facts"), dict) else None
        self._consistent(DEEDS[kind], outcome, values)
        if self.faults:
            return None
        values.pop("targets"), values.pop("facts")
        return Leaf(commitment=values.pop("private", None), **values)

    def _object(self, body: bytes) -> dict[str, Any] | None:
        if len(body) > LONGEST:
            self.faults.append("body: too-long")
            return None
        try:
            stated = json.loads(body.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError):
            self.faults.append("body: not-json")
            return None
        try:
            is_canonical = rfc8785.dumps(stated) == body
        except (ValueError, RecursionError):
            is_canonical = False
        if not is_canonical:
            # a name stated twice, a number written otherwise: two readers could read two things
            self.faults.append("body: not-canonical")
        if not isinstance(stated, dict):
            self.faults.append("body: malformed")
        return stated if is_canonical and isinstance(stated, dict) else None

    def _texts(self, private: bytes) -> dict[str, str] | None:
        try:
            texts = json.loads(private.decode()) if private else {}
        except (ValueError, RecursionError):
            texts = None
        if isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values()):
            return texts
        self.faults.append("private: not-json")
        return None

    def _names(self, path: str, stated: Mapping[str, Any], known: Any, required: Any) -> None:
        # an unknown name is not repeated: it may itself be what has no business in a leaf
        self.faults += [f"{path.rstrip('.') or 'body'}: unknown"] if set(stated) - set(known) else []
        self.faults += [f"{path}{name}: missing" for name in sorted(set(required) - set(stated))]

    def _value(self, name: str, parse: Callable[[Any], Any], value: object) -> Any:
        try:
            return parse(value)
        except (ValueError, TypeError, CustodesError):
            self.faults.append(f"{name}: malformed")
            return None

    def _stated(
        self, values: dict[str, Any], deed: type[Deed], outcome: type[Result] | None, texts: dict[str, str]
    ) -> tuple[Deed | None, Result | None]:
        facts, targets = values.get("facts"), values.get("targets")
        if facts is None or targets is None:
            return None, None
        classes: list[type[Stated]] = [deed, *([outcome] if outcome else [])]
        fields = [spec for each in classes for spec in specs(each)]
        known = [spec for spec in fields if spec.place is Place.OPEN]
        error = ["error"] if values["phase"] is Phase.FAILED else []
        required = [spec.name for spec in known if not spec.shape.is_optional]
        self._names("facts.", facts, [*(spec.name for spec in known), *error], [*required, *error])
        self._names("private.", texts, [spec.name for spec in fields if spec.place is Place.PRIVATE], ())
        left = list(targets)
        built = [self._built(each, facts, left, texts) for each in classes]
        if left:
            self.faults.append("targets: unknown")
        return built[0], (built[1] if outcome else None)  # type: ignore[return-value]

    def _built(self, kind: type[S], facts: dict[str, Any], targets: list[Id], texts: dict[str, str]) -> S | None:
        before = len(self.faults)
        values: dict[str, Any] = {}
        for spec in specs(kind):
            if spec.place is Place.TARGET:
                values[spec.name] = self._target(spec, targets)
            elif spec.place is Place.PRIVATE:
                values[spec.name] = texts.get(spec.name, "")
            elif spec.name in facts:
                values[spec.name] = self._value(f"facts.{spec.name}", spec.shape.read, facts[spec.name])
            else:
                values[spec.name] = None
        return kind(**values) if len(self.faults) == before else None

    def _target(self, spec: FieldSpec, left: list[Id]) -> Any:
        found: list[Id] = []
        while left and isinstance(left[0], spec.shape.kinds) and (spec.shape.is_many or not found):
            found.append(left.pop(0))
        if spec.shape.is_many:
            return tuple(found)
        if not found and not spec.shape.is_optional:
            self.faults.append(f"targets.{spec.name}: missing")
        return found[0] if found else None

    def _error(self, facts: dict[str, Any], phase: Phase) -> Code | None:
        if phase is not Phase.FAILED or "error" not in facts:
            return None
        code: Code | None = self._value("facts.error", Code, facts["error"])
        return code

    def _consistent(self, deed: type[Deed], outcome: type[Result] | None, values: dict[str, Any]) -> None:
        phase, classes = values["phase"], [deed, *([outcome] if outcome else [])]
        if phase not in PHASES[deed.pattern]:
            self.faults.append("phase: out-of-place")
        if (phase in _ANSWERS) != ("intent" in values):
            self.faults.append("intent: out-of-place")
        has_private = any(spec.place is Place.PRIVATE for each in classes for spec in specs(each))
        # what was private of an intent that nobody answered is with the intent
        if "private" in values and (not has_private or phase is Phase.INTERRUPTED):
            self.faults.append("private: out-of-place")


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _AT.fullmatch(value):
        raise ValueError("no moment")
    return datetime.fromisoformat(value)


def _object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _ids(value: Any) -> tuple[Id, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("no list of ids")
    return tuple(map(parsed_id, value))


def _text(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("no text")
        return parse(value)

    return read


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "id": _text(EntryId.parse),
    "at": _moment,
    "kind": _text(EventKind),
    "phase": _text(Phase),
    "intent": _text(EntryId.parse),
    "actor": _text(AccountId.parse),
    "agency": _text(AgencyId.parse),
    "role": _text(Role),
    "case": _text(CaseId.parse),
    "request": _text(RequestId.parse),
    "trace": _text(TraceId.parse),
    "targets": _ids,
    "facts": _object_of,
    "private": _text(Sha256),
}
