"""Leaves: what was written is read back the same; what no class writes is a fault, and never a crash."""

from __future__ import annotations

import contextlib
import json
import typing
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import CountedEntropy, FixedClock

from custodes.errors import InputError
from custodes.ids import AccountId, AgencyId, CaseId, EntryId, Id, JobId, PhotographId, RequestId, TraceId
from custodes.ledger import Event
from custodes.ledger.events import DEEDS, Code, Deed, Pattern, Place, RecordQuarantined, Result, specs
from custodes.ledger.events.fields import LARGEST, Shape
from custodes.ledger.leaf import LONGEST, event_of, leaf_faults
from custodes.ledger.log import _entry
from custodes.types import Context, Entry, Phase, Role

TOKENS = {
    "Sha256": st.text("0123456789abcdef", min_size=64, max_size=64),
    "ContractId": st.from_regex(r"(fake-)?[0-9a-f]{64}", fullmatch=True),
    "LogName": st.from_regex(r"[a-z0-9./~-]{1,200}", fullmatch=True),
    "KernelName": st.sampled_from(["numba-int8 1", "numpy-float32 1"]),
    "Code": st.sampled_from(["gate.role", "search", "page.open-case", "ValueError", "a.b-c.d9"]),
    "OffenceCode": st.sampled_from(["CC 344", "CC 279.01", "CDSA 5(2)"]),
    "ExactFloat": st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(float.hex),
    "Commitment": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "KeyIdText": st.binary(min_size=4, max_size=4).map(bytes.hex),
    "Seed": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "PublicDay": st.dates().map(str),
}


def ids(kind: type[Id]) -> st.SearchStrategy[Id]:
    kinds = Id.__subclasses__() if kind is Id else [kind]
    return st.sampled_from(kinds).flatmap(
        lambda k: st.binary(min_size=16, max_size=16).map(lambda b: k.new(lambda _: b))
    )


def one(kind: type) -> st.SearchStrategy[Any]:
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(0, LARGEST)
    if kind is str:
        return st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
    if issubclass(kind, Id):
        return ids(kind)
    return TOKENS[kind.__name__].map(kind) if kind.__name__ in TOKENS else st.sampled_from(list(kind))  # type: ignore[call-overload]


def values(shape: Shape) -> st.SearchStrategy[Any]:
    single = st.one_of([one(kind) for kind in shape.kinds])
    if shape.is_many:
        return st.lists(single, max_size=4).map(tuple)
    return st.none() | single if shape.is_optional else single


def stated(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{spec.name: values(spec.shape) for spec in specs(kind)})


@st.composite
def entries(draw: st.DrawFn) -> Any:
    """An event with the entry that the log writes of it."""
    kind = draw(st.sampled_from(list(DEEDS.values())))
    entropy = CountedEntropy()
    phases = {
        Pattern.ROW_EFFECTS: [Phase.EFFECT],
        Pattern.ALONE: [Phase.ALONE],
        Pattern.OUTSIDE_EFFECTS: [Phase.INTENDED, Phase.DONE, Phase.FAILED],
    }
    phase = draw(st.sampled_from(phases[kind.pattern]))
    at = draw(st.datetimes(timezones=st.just(UTC)))
    context = Context(
        actor=draw(st.none() | ids(AccountId)),  # type: ignore[arg-type]
        agency=draw(st.none() | ids(AgencyId)),  # type: ignore[arg-type]
        role=draw(st.none() | st.sampled_from(Role)),
        clock=FixedClock(at),
        entropy=entropy,
        trace=TraceId.new(entropy),
        case=draw(st.none() | ids(CaseId)),  # type: ignore[arg-type]
        request=draw(st.none() | ids(RequestId)),  # type: ignore[arg-type]
    )
    event: Event[Any] = Event(context, draw(stated(kind)))
    if phase is Phase.FAILED:
        event = event.failed("gate.role")
    if phase is Phase.DONE and kind.outcome:
        event = event.came_to(draw(stated(kind.outcome)))
    intent = EntryId.new(entropy) if phase in (Phase.DONE, Phase.FAILED) else None
    return event, _entry(event, phase, intent)


def sample() -> dict[str, Any]:
    """The body of one entry, taken apart."""
    entropy = CountedEntropy()
    deed = RecordQuarantined(
        photographs=(PhotographId.new(entropy),), job=JobId.new(entropy), barriers="YOUTH", row="17"
    )
    clock = FixedClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    context = Context(AccountId.new(entropy), AgencyId.new(entropy), Role.AUDITOR, clock, entropy, TraceId.new(entropy))
    body: dict[str, Any] = json.loads(_entry(Event(context, deed), Phase.EFFECT).body)
    return body


# --- there and back ---------------------------------------------------------------------------------


@given(entries())
def test_what_was_written_is_read_back_the_same(written: tuple[Event[Deed], Entry]) -> None:
    event, entry = written
    assert leaf_faults(entry.body) == []
    leaf = event_of(entry.body, entry.private)
    assert (leaf.deed, leaf.result, leaf.error) == (event.deed, event.result, event.error)
    assert (leaf.id, leaf.at, leaf.phase, leaf.intent) == (entry.id, entry.at, entry.phase, entry.intent)
    context = event.context
    assert (leaf.actor, leaf.agency, leaf.role) == (context.actor, context.agency, context.role)
    assert (leaf.case, leaf.request, leaf.trace) == (context.case, context.request, context.trace)
    assert (leaf.commitment is None) == (not event.private)


@given(entries())
def test_without_its_private_part_a_leaf_says_what_is_open_and_nothing_else(
    written: tuple[Event[Deed], Entry],
) -> None:
    """AUD-05, AUD-06: what is left when the private part is destroyed."""
    event, entry = written
    leaf = event_of(entry.body)
    assert (leaf.deed.facts, leaf.deed.targets, leaf.deed.private) == (event.deed.facts, event.deed.targets, {})
    if leaf.result and event.result:
        assert (leaf.result.facts, leaf.result.private) == (event.result.facts, {})


@given(entries())
def test_no_private_text_is_in_the_body(written: tuple[Event[Deed], Entry]) -> None:
    """AUD-05."""
    event, entry = written
    texts = {text for part in (event.deed, event.result) if part for text in part.private.values()}
    strings = set(_strings(json.loads(entry.body)))
    assert {text for text in texts if len(text) > 3} & strings == set()


def _strings(value: Any) -> typing.Iterator[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _strings(item)
    if isinstance(value, str):
        yield value


# --- malformed leaves -------------------------------------------------------------------------------

_CHANGES: dict[str, tuple[Any, str]] = {
    "a kind that does not exist": ({"kind": "record.whispered"}, "kind: malformed"),
    "an open name": ({"facts": {"name": "Jean Tremblay"}}, "facts: unknown"),
    "a sentence in place of an id": ({"facts": {"job": "Jean Tremblay"}}, "facts.job: malformed"),
    "nothing in place of an id": ({"facts": {"job": None}}, "facts.job: malformed"),
    "a birth date beside the rest": ({"born": "1990-01-01"}, "body: unknown"),
    "an actor who is a name": ({"actor": "Ada Moreau"}, "actor: malformed"),
    "an actor who is a case": ({"actor": "cas_" + "0" * 26}, "actor: malformed"),
    "a role off the list": ({"role": "god"}, "role: malformed"),
    "a target that is a number": ({"targets": ["PERSON-0815"]}, "targets: malformed"),
    "a target of another kind": ({"targets": ["cas_" + "0" * 26]}, "targets: unknown"),
    "targets that are no list": ({"targets": {}}, "targets: malformed"),
    "facts that are no object": ({"facts": []}, "facts: malformed"),
    "a local time": ({"at": "2026-03-02T12:00:00.000000-05:00"}, "at: malformed"),
    "a day that is none": ({"at": "2026-02-31T12:00:00.000000+00:00"}, "at: malformed"),
    "a phase of another pattern": ({"phase": "alone"}, "phase: out-of-place"),
    "an answer to nothing": ({"phase": "done"}, "intent: out-of-place"),
    "an intent that nothing answers": ({"intent": "ent_" + "0" * 26}, "intent: out-of-place"),
    "a commitment that is none": ({"private": "row 17"}, "private: malformed"),
    "an unsalted text": ({"private": {"row": "17"}}, "private: malformed"),
}


@pytest.mark.parametrize("what", _CHANGES)
def test_attack_put_something_into_a_leaf_that_has_no_business_there(what: str) -> None:
    changes, fault = _CHANGES[what]
    body = sample()
    facts = changes.get("facts")
    changed = {**body, **changes, **({"facts": {**body["facts"], **facts}} if isinstance(facts, dict) else {})}
    faults = leaf_faults(rfc8785.dumps(changed))
    assert fault in faults
    with pytest.raises(InputError, match=r"ledger\.leaf-malformed"):
        event_of(rfc8785.dumps(changed))
    assert not any(text in " ".join(faults) for text in ("Tremblay", "0815", "1990", "Moreau"))


@pytest.mark.parametrize("name", ["id", "at", "kind", "phase", "trace", "targets", "facts"])
def test_attack_leave_something_out_of_a_leaf(name: str) -> None:
    body = sample()
    del body[name]
    assert f"{name}: missing" in leaf_faults(rfc8785.dumps(body))


def test_attack_leave_a_fact_out_of_a_leaf() -> None:
    assert leaf_faults(rfc8785.dumps({**sample(), "facts": {}})) == ["facts.job: missing"]


def test_attack_write_a_leaf_in_another_form_that_says_the_same() -> None:
    """Two readers of one leaf must not be able to read two things (RFC 8785)."""
    body = sample()
    canonical = rfc8785.dumps(body)
    assert leaf_faults(canonical) == []
    twice = canonical[:-1] + b',"trace":' + json.dumps(body["trace"]).encode() + b"}"
    spaced = json.dumps(body, sort_keys=True).encode()
    unsorted = json.dumps(dict(reversed(body.items())), separators=(",", ":")).encode()
    for form in (twice, spaced, unsorted, canonical + b"\n", b"\xef\xbb\xbf" + canonical):
        assert set(leaf_faults(form)) & {"body: not-canonical", "body: not-json"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"NaN",
        b'{"facts":1e400}',
        b'{"a":' * 40_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"id":"\\ud800"}',
        b"\xff\xfe",
        b"9" * 5_000,
        b'"' + b"x" * LONGEST + b'"',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_leaf_at_all_has_a_fault(body: bytes) -> None:
    assert leaf_faults(body)
    with pytest.raises(InputError):
        event_of(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_leaf_or_a_domain_error(body: bytes) -> None:
    assert leaf_faults(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(entries(), st.data())
def test_any_value_anywhere_in_a_leaf_is_read_or_a_domain_error(
    written: tuple[Event[Deed], Entry], data: st.DataObject
) -> None:
    body = json.loads(written[1].body)
    place = data.draw(st.sampled_from([body, body["facts"]]))
    place[data.draw(st.sampled_from([*place, "name"]))] = data.draw(_JSON)
    changed = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    if leaf_faults(changed):
        with pytest.raises(InputError):
            event_of(changed)
    else:
        assert event_of(changed)


@given(entries(), st.binary(max_size=60))
def test_any_private_part_is_read_or_a_domain_error(written: tuple[Event[Deed], Entry], private: bytes) -> None:
    with contextlib.suppress(InputError):
        assert event_of(written[1].body, private).id == written[1].id


def test_every_result_and_deed_have_names_of_their_own() -> None:
    for kind in DEEDS.values():
        if kind.outcome:
            names = [field.name for each in (kind, kind.outcome) for field in fields(each)]  # type: ignore[arg-type]
            assert len(names) == len(set(names))
            assert issubclass(kind.outcome, Result)
            assert "error" not in names


def test_a_code_that_came_from_outside_is_not_repeated() -> None:
    """A pack is tried in a process of its own, which may say anything."""
    assert Code.of("Jean Tremblay, born 1990") == "unnamed"
    assert Code.of("pack.trial-died") == "pack.trial-died"
    assert {place.value for place in Place} == {"target", "open", "private"}
