"""The three patterns of the log, over a store in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from tests.conftest import CountedEntropy, FixedClock

from custodes.errors import InputError
from custodes.ids import AccountId, AgencyId, CaseId, ProbeId, RequestId, SearchId, TraceId
from custodes.ledger import Event, Ledger, commitment
from custodes.ledger.events import (
    ContractId,
    EventKind,
    ExactFloat,
    KernelName,
    LogViewed,
    ProbeAdded,
    RequestDeclined,
    Result,
    SearchDone,
    Searched,
    Sha256,
    SignedOut,
)
from custodes.ledger.memory import MemoryEntryStore
from custodes.types import Context, Phase, ProbeSource, Purpose, Role


class TickingClock(FixedClock):
    """Like a real clock: never twice the same moment."""

    def now(self) -> Any:
        return self.advance(microseconds=1)


@pytest.fixture
def store() -> MemoryEntryStore:
    return MemoryEntryStore()


@pytest.fixture
def ledger(store: MemoryEntryStore) -> Ledger:
    return Ledger(store)


@pytest.fixture
def context(entropy: CountedEntropy, fixed_clock: FixedClock) -> Context:
    return Context(
        actor=AccountId.new(entropy),
        agency=AgencyId.new(entropy),
        role=Role.SEARCHER,
        clock=TickingClock(fixed_clock.moment),
        entropy=entropy,
        trace=TraceId.new(entropy),
        case=CaseId.new(entropy),
        request=RequestId.new(entropy),
    )


@pytest.fixture
def event(context: Context) -> Event[RequestDeclined]:
    """A row effect with a private text."""
    return Event(context, RequestDeclined(decided=RequestId.new(context.entropy), reason="a free text"))


@pytest.fixture
def look(context: Context) -> Event[LogViewed]:
    return Event(context, LogViewed())


@pytest.fixture
def asked(context: Context) -> Event[Searched]:
    probe = ProbeId.new(context.entropy)
    return Event(context, Searched(probe=probe, purpose=Purpose.IDENTIFY_VICTIM, source=ProbeSource.CCTV_RECORDING))


@pytest.fixture
def done(context: Context) -> SearchDone:
    return SearchDone(
        search=SearchId.new(context.entropy),
        contract=ContractId("a" * 64),
        generation=4,
        threshold=ExactFloat((0.5).hex()),
        limit=20,
        eligible=3,
        compared=3,
        rescored=2,
        gallery_root=Sha256("c" * 64),
        eligible_sha256=Sha256("d" * 64),
        kernel=KernelName("numpy-float32 1"),
        candidates=2,
        certificate="b" * 64,
    )


def _phases(store: MemoryEntryStore) -> list[Phase]:
    return [entry.phase for entry in store.entries]


# --- row effects ------------------------------------------------------------------------------------


def test_a_row_effect_outside_a_transaction_is_a_programming_error(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined]
) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        ledger.with_rows(event)
    assert store.entries == []


def test_a_row_effect_that_is_rolled_back_takes_its_entry_with_it(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined]
) -> None:
    def workflow() -> None:
        with store.transaction():
            ledger.with_rows(event)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        workflow()
    assert store.entries == []


def test_entries_of_one_transaction_follow_each_other(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined]
) -> None:
    with store.transaction():
        ids = ledger.with_rows(event, event, event)
    assert [entry.id for entry in store.entries] == ids
    assert len(set(ids)) == 3


# --- alone ------------------------------------------------------------------------------------------


def test_an_entry_alone_cannot_hide_in_somebody_elses_transaction(
    ledger: Ledger, store: MemoryEntryStore, look: Event[LogViewed]
) -> None:
    with store.transaction(), pytest.raises(RuntimeError):
        ledger.alone(look)
    assert store.entries == []


def test_an_entry_alone_stays(ledger: Ledger, store: MemoryEntryStore, look: Event[LogViewed]) -> None:
    ledger.alone(look)
    assert _phases(store) == [Phase.ALONE]
    assert not store.in_transaction()


# --- outside effects --------------------------------------------------------------------------------


def test_an_outside_effect_is_intended_before_it_happens_and_done_after(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched], done: SearchDone
) -> None:
    with ledger.outside(asked) as outcome:
        assert _phases(store) == [Phase.INTENDED]
        outcome.state(done)
    intended, answer = store.entries
    assert answer.intent == intended.id
    assert json.loads(answer.body)["facts"] == {**asked.facts, **done.facts}
    assert json.loads(intended.body)["facts"] == asked.facts
    assert json.loads(answer.private) == {"certificate": "b" * 64}
    assert list(store.open_intents()) == []


def test_an_outside_effect_that_fails_is_closed_with_the_code_and_raised(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched]
) -> None:
    with pytest.raises(InputError) as refusal, ledger.outside(asked):
        raise InputError("some.thing", "No.")
    assert _phases(store) == [Phase.INTENDED, Phase.FAILED]
    assert json.loads(store.entries[1].body)["facts"]["error"] == "some.thing"
    assert refusal.value.is_logged, "its one entry is the failed one"


def test_an_unexpected_error_is_logged_by_its_type_alone(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched]
) -> None:
    with pytest.raises(ValueError, match="secret"), ledger.outside(asked):
        raise ValueError("a secret in the message")
    assert json.loads(store.entries[1].body)["facts"]["error"] == "ValueError"
    assert b"secret" not in store.entries[1].body


def test_done_with_rows_commits_with_them_and_is_not_said_twice(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched], done: SearchDone
) -> None:
    with ledger.outside(asked) as outcome, store.transaction():
        outcome.state(done)
        entry = outcome.done_with_rows()
    assert _phases(store) == [Phase.INTENDED, Phase.DONE]
    assert store.entries[1].id == entry


def test_done_with_rows_that_are_rolled_back_is_a_failure(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched], done: SearchDone
) -> None:
    def workflow() -> None:
        with ledger.outside(asked) as outcome, store.transaction():
            outcome.state(done)
            outcome.done_with_rows()
            raise KeyError("rows")

    with pytest.raises(KeyError):
        workflow()
    assert _phases(store) == [Phase.INTENDED, Phase.FAILED]


def test_a_killed_process_leaves_its_intent_which_the_next_start_closes_as_interrupted(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched], context: Context
) -> None:
    killed = ledger.outside(asked)
    killed.__enter__()
    later = replace(context, actor=None, clock=FixedClock(context.now() + timedelta(hours=1)))
    assert ledger.close_interrupted(later) == 1
    intended, interrupted = store.entries
    assert (interrupted.phase, interrupted.intent) == (Phase.INTERRUPTED, intended.id)
    body = json.loads(interrupted.body)
    assert body["actor"] == str(context.actor), "whose deed it was stays known"
    assert body["at"] == later.now().isoformat(timespec="microseconds")
    assert "private" not in body, "the private part belongs to the intent"
    assert ledger.close_interrupted(later) == 0


def test_no_answered_intent_is_interrupted(
    ledger: Ledger, asked: Event[Searched], done: SearchDone, context: Context
) -> None:
    with ledger.outside(asked) as outcome:
        outcome.state(done)
    with pytest.raises(ValueError, match="x"), ledger.outside(asked):
        raise ValueError("x")
    assert ledger.close_interrupted(context) == 0


def test_an_effect_is_not_done_without_its_result_or_with_anothers(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched]
) -> None:
    with pytest.raises(RuntimeError, match="without its result"), ledger.outside(asked):
        pass
    assert _phases(store) == [Phase.INTENDED], "whoever forgot it learns of it, and the intent stays open"


def test_an_effect_cannot_state_the_result_of_another(
    ledger: Ledger, store: MemoryEntryStore, asked: Event[Searched]
) -> None:
    class Other(Result):
        __slots__ = ()

    def workflow() -> None:
        with ledger.outside(asked) as outcome, store.transaction():
            outcome.state(Other())  # type: ignore[arg-type]
            outcome.done_with_rows()

    with pytest.raises(RuntimeError, match="another's"):
        workflow()
    assert _phases(store) == [Phase.INTENDED, Phase.FAILED]


def test_a_kind_is_written_by_its_own_pattern_and_no_other(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined], look: Event[LogViewed]
) -> None:
    with pytest.raises(RuntimeError, match="row effects"):
        ledger.alone(event)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="alone"), store.transaction():
        ledger.with_rows(look)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="row effects"), ledger.outside(event):  # type: ignore[arg-type]
        pass
    assert store.entries == []


# --- what an entry says -----------------------------------------------------------------------------


def test_the_body_is_canonical_and_says_who_what_when_and_for_which_case(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined], context: Context
) -> None:
    with store.transaction():
        ledger.with_rows(event)
    entry = store.entries[0]
    body = json.loads(entry.body)
    assert rfc8785.dumps(body) == entry.body
    assert body["actor"] == context.actor
    assert (body["agency"], body["role"]) == (context.agency, "searcher")
    assert (body["case"], body["request"], body["trace"]) == (context.case, context.request, context.trace)
    assert (body["kind"], body["phase"], body["targets"]) == ("request.declined", "effect", list(event.targets))
    assert body["at"] == entry.at.isoformat(timespec="microseconds"), "column and body tell one moment"


def test_free_text_is_in_the_body_only_as_a_salted_commitment(
    ledger: Ledger, store: MemoryEntryStore, event: Event[RequestDeclined]
) -> None:
    """AUD-05."""
    with store.transaction():
        ledger.with_rows(event, event)
    one, other = store.entries
    assert b"free text" not in one.body
    assert json.loads(one.private) == {"reason": "a free text"}
    assert json.loads(one.body)["private"] == commitment(one.salt, one.private)
    assert json.loads(one.body)["private"] != json.loads(other.body)["private"], "the same text, another salt"


def test_an_entry_without_private_part_commits_to_nothing(
    ledger: Ledger, store: MemoryEntryStore, look: Event[LogViewed]
) -> None:
    ledger.alone(look)
    assert "private" not in json.loads(store.entries[0].body)
    assert (store.entries[0].salt, store.entries[0].private) == (b"", b"")


@pytest.mark.parametrize("name", ["photo\udcff.jpg", "\ud800", "nul\x00.png", "\u202egpj.exe"], ids=ascii)
def test_a_file_name_that_is_no_unicode_does_not_stop_the_log(
    name: str, ledger: Ledger, store: MemoryEntryStore, context: Context
) -> None:
    added = ProbeAdded(probe=ProbeId.new(context.entropy), faces=1, sha256="c" * 64, name=name)
    with store.transaction():
        ledger.with_rows(Event(context, added))
    assert json.loads(store.entries[0].private)["name"]


def test_before_sign_in_an_entry_names_nobody(ledger: Ledger, store: MemoryEntryStore, context: Context) -> None:
    nobody = replace(context, actor=None, agency=None, role=None, case=None, request=None)
    ledger.alone(Event(nobody, SignedOut()))
    assert set(json.loads(store.entries[0].body)) == {"id", "at", "kind", "phase", "trace", "targets", "facts"}
    assert store.entries[0].kind == EventKind.SIGNED_OUT
