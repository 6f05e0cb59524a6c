"""Many writers on a server, one of whom holds a transaction open: nothing is lost, and nobody waits for him."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from tests.workflows.conftest import World

from custodes.ids import CaseId
from custodes.ledger import Event
from custodes.ledger.events import CaseClosed
from custodes.store.database import case_queue, transaction_of_its_own
from custodes.store.log import SealedEntries
from custodes.store.models import Case, LogEntry
from custodes.workflows import cases, people
from custodes.workflows.search import search

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("committed")]
WRITERS = 8
LONG = 60.0


class Held:
    """A transaction that has closed a case and written its entry, and does not commit until it is let go."""

    def __init__(self, world: World, case: CaseId) -> None:
        self._world, self._case = world, case
        self._is_open, self._may_go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> Held:
        self._thread.start()
        assert self._is_open.wait(LONG)
        return self

    def __exit__(self, *_: object) -> None:
        self._may_go.set()
        self._thread.join()

    def _hold(self) -> None:
        try:
            with transaction_of_its_own(case_queue(self._case)):
                Case.objects.filter(uid=self._case).update(closed_at=self._world.clock.now())
                context = replace(self._world.as_("supervisor"), case=self._case)
                event = Event(context, CaseClosed(closed=self._case))
                self._world.services.ledger.with_rows(event)
                self._is_open.set()
                assert self._may_go.wait(LONG)
        finally:
            self._world.services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()


def in_threads(world: World, *deeds: Callable[[], object]) -> None:
    """Do each deed in a thread of its own and wait for all; what one raises is raised."""
    errors: list[BaseException] = []

    def run(deed: Callable[[], object]) -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            world.services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads), "a writer waits"
    assert errors == []


def sealed_ids() -> list[str]:
    """Seal what has been committed, and return the entries' ids in the order of their positions."""
    index = SealedEntries()
    while index.give_positions(13):
        pass
    return [json.loads(body)["id"] for body in index.bodies(0, 100_000)]


def test_eight_writers_do_not_wait_for_a_transaction_that_is_held_open(world: World) -> None:
    """Everybody's entries are written and sealed while it is open; its own comes later, and is not lost."""
    held_case = world.case("held").id
    world.enrol(1)
    request = world.approved(1)

    def write(writer: int) -> Callable[[], None]:
        def deeds() -> None:
            for number in range(5):
                people.sign_out(world.services, world.as_("searcher"))
                case = cases.open_case(world.services, world.as_("searcher"), number=f"{writer}-{number}")
                cases.close_case(world.services, world.as_("supervisor"), case=case.id)

        return deeds

    before = LogEntry.objects.count()
    with Held(world, held_case):
        others = [lambda: search(world.services, world.as_("searcher"), request=request), lambda: world.enrol(2)]
        in_threads(world, *map(write, range(WRITERS)), *others)
        written = LogEntry.objects.count()
        early = sealed_ids()
        assert len(early) == written >= before + WRITERS * 15
        assert not LogEntry.objects.filter(case=held_case, kind="case.closed").exists()
    late = sealed_ids()
    assert late[: len(early)] == early, "what is sealed stays in its place"
    assert len(late) == written + 1
    assert json.loads(LogEntry.objects.get(uid=late[-1]).body)["targets"] == [held_case]


def test_a_deed_on_the_same_case_waits_its_turn_and_sees_what_was_done(world: World) -> None:
    case = world.case("held").id
    outcome: list[object] = []

    def close() -> None:
        try:
            outcome.append(cases.close_case(world.services, world.as_("supervisor"), case=case))
        except Exception as error:  # noqa: BLE001 - its code is what is tested
            outcome.append(getattr(error, "code", repr(error)))
        finally:
            world.services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()

    waiting = threading.Thread(target=close)
    with Held(world, case):
        waiting.start()
        waiting.join(0.5)
        assert outcome == []
    waiting.join(LONG)
    assert outcome == ["gate.closed-case"]
