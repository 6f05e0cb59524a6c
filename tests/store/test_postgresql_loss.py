"""A server that goes away, hangs or refuses: one clear error, nothing half-written, and work goes on afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection
from tests import postgresql
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row

from custodes.errors import InputError, SetupError
from custodes.ids import CaseId
from custodes.store import casework, enrolment
from custodes.store.database import GALLERY, check_readable, openings, readable_database, transaction_of_its_own
from custodes.store.models import Case, GalleryEntry, Generation, LogEntry, Photograph, SealedImage, Search
from custodes.types import Phase, RequestState
from custodes.workflows import cases
from custodes.workflows.enrolment import job
from custodes.workflows.search import search

pytestmark = pytest.mark.usefixtures("committed")


def end_connection() -> None:
    """End the product's connection as a server does that is stopped."""
    pid = connection.connection.info.backend_pid
    postgresql.admin(f"SELECT pg_terminate_backend({pid}, 5000)", url=postgresql.url("postgres", "postgres"))


@pytest.fixture(autouse=True)
def connected_again() -> Iterator[None]:
    yield
    connection.close()


def after(function: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    def both(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        then()
        return result

    return both


def lost(deed: Callable[[], object]) -> None:
    with pytest.raises(SetupError) as refusal:
        deed()
    assert refusal.value.code == "database.unreachable"
    connection.close()


def test_a_connection_lost_between_row_and_entry_leaves_neither(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    size = LogEntry.objects.count()
    with monkeypatch.context() as patch:
        patch.setattr(casework, "add_case", after(casework.add_case, end_connection))
        lost(lambda: world.case("1"))
    assert (Case.objects.count(), LogEntry.objects.count()) == (0, size)
    assert world.case("1").number == "1"
    assert LogEntry.objects.count() == size + 1


def test_a_connection_lost_before_a_workflow_begins_is_one_clear_error(world: World) -> None:
    connection.ensure_connection()
    end_connection()
    lost(lambda: world.case("1"))
    assert Case.objects.count() == 0


def test_a_search_whose_connection_is_lost_uses_no_approval_up_and_shows_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol(1)
    request = world.approved(1)
    gallery = world.services.gallery
    with monkeypatch.context() as patch:
        patch.setattr(gallery, "search", after(gallery.search, end_connection))
        lost(lambda: search(world.services, world.as_("searcher"), request=request))
    assert casework.request(request).state is RequestState.APPROVED
    assert Search.objects.count() == 0
    assert LogEntry.objects.get(kind="search").phase == Phase.INTENDED
    assert world.services.ledger.close_interrupted(world.as_("searcher")) == 1
    assert len(search(world.services, world.as_("searcher"), request=request).candidates) == 1


def test_an_enrolment_whose_connection_is_lost_goes_on_where_it_was(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = Export(world, tmp_path / "export")
    monkeypatch.setattr(job, "_BATCH", 2)
    calls: list[int] = []

    def third() -> None:
        calls.append(1)
        if len(calls) == 3:
            end_connection()

    export.images(10)
    export.rows(*[row(number) for number in range(1, 11)])
    with monkeypatch.context() as patch:
        patch.setattr(enrolment, "add_photographs", after(enrolment.add_photographs, third))
        lost(export.enrol)
    counts = [model.objects.count() for model in (Photograph, SealedImage, GalleryEntry)]
    assert counts == [4, 4, 4], "two whole batches and nothing of the third"
    assert LogEntry.objects.filter(kind="photograph.enrolled").count() == 4
    assert export.enrol().enrolled == 10
    assert [model.objects.count() for model in (Photograph, SealedImage, GalleryEntry)] == [10, 10, 10]
    assert LogEntry.objects.filter(kind="photograph.enrolled").count() == 10


def test_a_writer_who_hangs_makes_others_busy_and_readers_do_not_notice(world: World) -> None:
    case = world.case("1")
    settings = connection.settings_dict
    with psycopg.connect(host=settings["HOST"], user=settings["USER"], dbname=settings["NAME"]) as hanging:
        hanging.execute("SELECT pg_advisory_xact_lock(%s)", [openings(case.agency).number()])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(SetupError) as refusal:
            world.case("2")
        assert refusal.value.code == "database.busy"
        assert casework.case(case.id).number == "1"
    assert world.case("2").number == "2"


def test_a_transaction_in_which_nothing_happens_is_ended_by_the_server(world: World) -> None:
    """A process that hangs does not keep everybody else from writing for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("2min",)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("30s",)
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
        cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")

    def hang() -> None:
        with readable_database(), transaction_of_its_own(GALLERY):
            Generation.objects.first()
            threading.Event().wait(0.6)
            Generation.objects.first()

    lost(hang)
    assert world.case("1").number == "1"


def test_a_server_that_is_not_there_is_explained() -> None:
    socket = connection.settings_dict["HOST"]
    connection.close()
    try:
        connection.settings_dict["HOST"] = "/nowhere"
        with pytest.raises(SetupError) as refusal:
            check_readable()
    finally:
        connection.settings_dict["HOST"] = socket
    assert refusal.value.code == "database.unreachable"
    assert "/nowhere" not in str(refusal.value)


_STATES = {
    "55P03": "database.busy",
    "40P01": "database.busy",
    "40001": "database.busy",
    "57014": "database.busy",
    "08006": "database.unreachable",
    "28P01": "database.unreachable",
    "3D000": "database.unreachable",
    "53300": "database.unreachable",
    "57P01": "database.unreachable",
    "42501": "database.not-allowed",
    "42P01": "database.damaged",
    "XX001": "database.damaged",
}


@pytest.mark.parametrize(("state", "code"), _STATES.items())
def test_every_state_a_server_can_be_in_has_its_error(state: str, code: str) -> None:
    cause = psycopg.errors.lookup(state)("the server's own words, which may hold a row")
    kind = OperationalError if isinstance(cause, psycopg.OperationalError) else ProgrammingError
    said = kind(str(cause))
    said.__cause__ = cause
    with pytest.raises(SetupError) as refusal, readable_database():
        raise said
    assert refusal.value.code == code
    assert "own words" not in str(refusal.value)


def test_what_is_too_long_or_no_text_is_one_clear_error(world: World) -> None:
    """SQLite keeps what its columns do not allow; a server does not."""
    agency, opener = world.person("searcher").agency.id, world.person("searcher").id
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(InputError, match=r"input\.not-storable"), readable_database():
            casework.add_case(CaseId("cas_x"), agency, name, opener, world.clock.now())
    assert cases.open_case(world.services, world.as_("searcher"), number="fine").number == "fine"
