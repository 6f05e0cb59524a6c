"""The three patterns of the log, over a store in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import CountedEntropy, FixedClock

from custodes.errors import InputError
from custodes.ids import AccountId, AgencyId, CaseId, RequestId, TraceId
from custodes.ledger import Event, EventKind, Ledger, commitment
from custodes.ledger.memory import MemoryEntryStore
from custodes.types import Context, Phase, Role


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
def event(context: Context) -> Event:
    return Event(EventKind.CASE_OPENED, context, (context.case,), {"n": 1}, {"reason": "a free text"})  # type: ignore[arg-type]


def _phases(store: MemoryEntryStore) -> list[Phase]:
    return [entry.phase for entry in store.entries]


# --- row effects ------------------------------------------------------------------------------------


def test_a_row_effect_outside_a_transaction_is_a_programming_error(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        ledger.with_rows(event)
    assert store.entries == []


def test_a_row_effect_that_is_rolled_back_takes_its_entry_with_it(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    def workflow() -> None:
        with store.transaction():
            ledger.with_rows(event)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        workflow()
    assert store.entries == []


def test_entries_of_one_transaction_follow_each_other(ledger: Ledger, store: MemoryEntryStore, event: Event) -> None:
    with store.transaction():
        ids = ledger.with_rows(event, event, event)
    assert [entry.id for entry in store.entries] == ids
    assert len(set(ids)) == 3


# --- alone ------------------------------------------------------------------------------------------


def test_an_entry_alone_cannot_hide_in_somebody_elses_transaction(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    with store.transaction(), pytest.raises(RuntimeError):
        ledger.alone(event)
    assert store.entries == []


def test_an_entry_alone_stays(ledger: Ledger, store: MemoryEntryStore, event: Event) -> None:
    ledger.alone(event)
    assert _phases(store) == [Phase.ALONE]
    assert not store.in_transaction()


# --- outside effects --------------------------------------------------------------------------------


def test_an_outside_effect_is_intended_before_it_happens_and_done_after(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    with ledger.outside(event) as outcome:
        assert _phases(store) == [Phase.INTENDED]
        outcome.state(found=2)
    intended, done = store.entries
    assert done.intent == intended.id
    assert json.loads(done.body)["facts"] == {"n": 1, "found": 2}
    assert json.loads(intended.body)["facts"] == {"n": 1}
    assert list(store.open_intents()) == []


def test_an_outside_effect_that_fails_is_closed_with_the_code_and_raised(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    with pytest.raises(InputError) as refusal, ledger.outside(event):
        raise InputError("some.thing", "No.")
    assert _phases(store) == [Phase.INTENDED, Phase.FAILED]
    assert json.loads(store.entries[1].body)["facts"]["error"] == "some.thing"
    assert refusal.value.is_logged, "its one entry is the failed one"


def test_an_unexpected_error_is_logged_by_its_type_alone(ledger: Ledger, store: MemoryEntryStore, event: Event) -> None:
    with pytest.raises(ValueError, match="secret"), ledger.outside(event):
        raise ValueError("a secret in the message")
    assert json.loads(store.entries[1].body)["facts"]["error"] == "ValueError"
    assert b"secret" not in store.entries[1].body


def test_done_with_rows_commits_with_them_and_is_not_said_twice(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    with ledger.outside(event) as outcome, store.transaction():
        entry = outcome.done_with_rows()
    assert _phases(store) == [Phase.INTENDED, Phase.DONE]
    assert store.entries[1].id == entry


def test_done_with_rows_that_are_rolled_back_is_a_failure(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    def workflow() -> None:
        with ledger.outside(event) as outcome, store.transaction():
            outcome.done_with_rows()
            raise KeyError("rows")

    with pytest.raises(KeyError):
        workflow()
    assert _phases(store) == [Phase.INTENDED, Phase.FAILED]


def test_a_killed_process_leaves_its_intent_which_the_next_start_closes_as_interrupted(
    ledger: Ledger, store: MemoryEntryStore, event: Event, context: Context
) -> None:
    killed = ledger.outside(event)
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


def test_no_answered_intent_is_interrupted(ledger: Ledger, event: Event, context: Context) -> None:
    with ledger.outside(event):
        pass
    with pytest.raises(ValueError, match="x"), ledger.outside(event):
        raise ValueError("x")
    assert ledger.close_interrupted(context) == 0


# --- what an entry says -----------------------------------------------------------------------------


def test_the_body_is_canonical_and_says_who_what_when_and_for_which_case(
    ledger: Ledger, store: MemoryEntryStore, event: Event, context: Context
) -> None:
    ledger.alone(event)
    entry = store.entries[0]
    body = json.loads(entry.body)
    assert rfc8785.dumps(body) == entry.body
    assert body["actor"] == context.actor
    assert (body["agency"], body["role"]) == (context.agency, "searcher")
    assert (body["case"], body["request"], body["trace"]) == (context.case, context.request, context.trace)
    assert (body["kind"], body["phase"], body["targets"]) == ("case.opened", "alone", [context.case])
    assert body["at"] == entry.at.isoformat(timespec="microseconds"), "column and body tell one moment"


def test_free_text_is_in_the_body_only_as_a_salted_commitment(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    """AUD-05."""
    ledger.alone(event, event)
    one, other = store.entries
    assert b"free text" not in one.body
    assert json.loads(one.private) == {"reason": "a free text"}
    assert json.loads(one.body)["private"] == commitment(one.salt, one.private)
    assert json.loads(one.body)["private"] != json.loads(other.body)["private"], "the same text, another salt"


def test_an_entry_without_private_part_commits_to_nothing(
    ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    ledger.alone(replace(event, private={}))
    assert "private" not in json.loads(store.entries[0].body)
    assert (store.entries[0].salt, store.entries[0].private) == (b"", b"")


@pytest.mark.parametrize("name", ["photo\udcff.jpg", "\ud800", "nul\x00.png", "\u202egpj.exe"], ids=ascii)
def test_a_file_name_that_is_no_unicode_does_not_stop_the_log(
    name: str, ledger: Ledger, store: MemoryEntryStore, event: Event
) -> None:
    ledger.alone(replace(event, private={"name": name}))
    assert json.loads(store.entries[0].private)["name"]


@given(
    st.dictionaries(
        st.text(st.characters(max_codepoint=127), max_size=5),
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.lists(st.sampled_from([CaseId("cas_1"), Role.AUDITOR, "x"])),
    )
)
def test_facts_survive_the_log_as_they_were(facts: dict[str, Any]) -> None:
    entropy, store = CountedEntropy(), MemoryEntryStore()
    clock = FixedClock.__new__(FixedClock)
    from datetime import UTC, datetime

    clock.moment = datetime(2026, 1, 1, tzinfo=UTC)
    nobody = Context(None, None, None, clock, entropy, TraceId.new(entropy))
    Ledger(store).alone(Event(EventKind.SIGNED_OUT, nobody, facts=facts))
    assert json.loads(store.entries[0].body)["facts"] == facts
    assert "actor" not in json.loads(store.entries[0].body)
