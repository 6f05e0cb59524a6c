"""The log in the database: positions without gaps whoever writes, private parts sealed apart and destroyable."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from tests.workflows.conftest import World

from custodes.ids import EntryId, ProbeId, RequestId
from custodes.ledger import Event
from custodes.ledger.events import RequestApproved, Searched
from custodes.store.database import PEOPLE, transaction_of_its_own
from custodes.store.log import SealedEntries
from custodes.store.models import LogDetail, LogEntry
from custodes.types import Phase, ProbeSource, Purpose


def _event(world: World, note: str = "") -> Event[RequestApproved]:
    return Event(world.as_("searcher"), RequestApproved(decided=RequestId.new(os.urandom), reason=note))


def _write(world: World, *events: Event[RequestApproved]) -> list[EntryId]:
    with transaction_of_its_own(PEOPLE):
        return world.services.ledger.with_rows(*events)


def _search(world: World) -> Event[Searched]:
    probe = ProbeId.new(os.urandom)
    asked = Searched(probe=probe, purpose=Purpose.IDENTIFY_VICTIM, source=ProbeSource.CCTV_RECORDING)
    record = world.request(1)
    return Event(replace(world.as_("searcher"), case=record.case.id, request=record.id), asked)


@pytest.mark.usefixtures("committed")
def test_positions_have_no_gaps_however_many_write_at_once(world: World) -> None:
    before = world.services.entries.size()

    def write() -> None:
        try:
            for _ in range(8):
                _write(world, _event(world, note="n"), _event(world))
        finally:
            world.services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = SealedEntries()
    while index.give_positions(7):
        pass
    positions = list(LogEntry.objects.order_by("pk").values_list("position", flat=True))
    assert positions == list(range(before + 64)) == list(range(index.size()))


@pytest.mark.usefixtures("committed")
def test_an_intent_whose_process_died_is_closed_at_the_next_start(world: World) -> None:
    ledger, entries = world.services.ledger, world.services.entries
    dead = ledger.outside(_search(world))
    dead.__enter__()
    (open_intent,) = entries.open_intents()
    assert open_intent.phase is Phase.INTENDED
    assert ledger.close_interrupted(world.as_("searcher")) == 1
    assert list(entries.open_intents()) == []
    assert entries.newest(1)[0].intent == open_intent.id
    assert ledger.close_interrupted(world.as_("searcher")) == 0


def test_an_entry_comes_back_as_it_was_written(world: World) -> None:
    (uid,) = _write(world, _event(world, note="n"))
    entry = world.services.entries.newest(1)[0]
    body = json.loads(entry.body)
    assert (entry.id, entry.kind, entry.phase) == (uid, "request.approved", Phase.EFFECT)
    assert (entry.actor, entry.agency) == (body["actor"], body["agency"])
    assert entry.at.isoformat(timespec="microseconds") == body["at"]
    assert entry.position is None
    SealedEntries().give_positions(1000)
    assert world.services.entries.newest(1)[0].position == world.services.entries.size() - 1


def test_destroying_a_private_part_leaves_the_entry(world: World) -> None:
    """AUD-06: the commitment opens to nothing, the log is whole."""
    (uid,) = _write(world, _event(world, note="somebody's name"))
    row, body = LogDetail.objects.get(entry=uid), LogEntry.objects.get(uid=uid).body
    world.services.vault.keys.destroy([row.key_uid])  # type: ignore[list-item]
    row.delete()
    assert LogEntry.objects.get(uid=uid).body == body
    assert json.loads(body)["private"]


def test_nothing_is_added_when_there_is_nothing_to_add(world: World) -> None:
    size = world.services.entries.size()
    world.services.entries.add([])
    assert world.services.entries.size() == size


def test_entries_are_found_by_what_they_are_about(world: World) -> None:
    case = world.case()
    assert [entry.kind for entry in world.services.entries.newest(5, case=case.id)] == ["case.opened"]
    assert world.services.entries.newest(5, case="cas_none") == []


def test_bodies_are_read_in_the_order_of_their_positions(world: World) -> None:
    index = SealedEntries()
    index.give_positions(10_000)
    size = index.size()
    ids = _write(world, *[_event(world) for _ in range(5)])
    assert index.waiting() == (5, LogEntry.objects.get(uid=ids[0]).at)
    assert index.give_positions(3) == 3
    assert (index.size(), index.waiting()[0]) == (size + 3, 2)
    assert [json.loads(body)["id"] for body in index.bodies(size, 10)] == ids[:3]
    assert index.give_positions(3) == 2
    assert index.give_positions(3) == 0
    assert index.waiting() == (0, None)
    assert [json.loads(body)["id"] for body in index.bodies(size + 3, 10)] == ids[3:]


@pytest.mark.parametrize(
    "change",
    [
        "position = 0",
        "position = NULL",
        "actor = 'acc_somebody'",
        "at = at",
        "position = position",
    ],
)
def test_a_position_once_given_is_never_changed(world: World, change: str) -> None:
    _write(world, _event(world))
    SealedEntries().give_positions(1000)
    with pytest.raises(IntegrityError, match="appended"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE store_logentry SET {change}")


@pytest.mark.parametrize("column", ["uid", "at", "kind", "phase", "intent", "actor", "agency", "body"])
def test_giving_a_position_changes_nothing_else(world: World, column: str) -> None:
    """A trigger sees to it, with whatever statement the position is given."""
    (uid,) = _write(world, _event(world))
    other = "'2020-01-01T00:00:00Z'" if column == "at" else "'x'"
    statement = f"UPDATE store_logentry SET position = 999999, {column} = {other} WHERE uid = %s"
    with pytest.raises(IntegrityError, match="appended"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [uid])
