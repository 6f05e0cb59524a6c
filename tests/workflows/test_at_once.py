"""People who act in the same instant, on real threads and connections: a server must give what SQLite's lock gives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from tests.workflows.conftest import PASSWORD, World

from custodes.app import new_context
from custodes.errors import CustodesError
from custodes.ids import CaseId
from custodes.ledger import Event
from custodes.ledger.events import SignedIn, SignedOut
from custodes.store import accounts
from custodes.store.database import GALLERY, present_generation, transaction_of_its_own
from custodes.store.gallery import DatabaseTemplateSource
from custodes.store.log import SealedEntries
from custodes.store.models import Account, Approval, Case, GalleryEntry, LogEntry, Search, SearchRequest
from custodes.types import RequestState, Role
from custodes.workflows import cases, people, requests
from custodes.workflows.search import search
from custodes.workflows.services import Services

pytestmark = pytest.mark.usefixtures("committed")


def at_once(services: Services, *deeds: Callable[[], object]) -> list[object]:
    """Do every deed in a thread of its own, all begun in one instant; return what each gave, or its error's code."""
    start = threading.Barrier(len(deeds), timeout=20)
    outcomes: list[object] = [None] * len(deeds)

    def run(place: int, deed: Callable[[], object]) -> None:
        start.wait()
        try:
            outcomes[place] = deed()
        except CustodesError as error:
            outcomes[place] = error.code
        except BaseException as error:  # noqa: BLE001 - the test says what it was
            outcomes[place] = repr(error)
        finally:
            services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()

    threads = [threading.Thread(target=run, args=(place, deed)) for place, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def codes(outcomes: list[object]) -> list[str]:
    return sorted(outcome for outcome in outcomes if isinstance(outcome, str))


def sealed() -> int:
    """Seal what there is; return how many entries that is, at positions without a gap."""
    SealedEntries().give_positions(1000)
    found = list(LogEntry.objects.order_by("position").values_list("position", flat=True))
    assert found == list(range(len(found)))
    return len(found)


def test_the_first_entries_of_an_empty_log_are_all_there(services: Services) -> None:
    event = Event(new_context(), SignedOut())
    assert codes(at_once(services, *[lambda: services.ledger.alone(event) and None] * 8)) == []
    assert sealed() == 8


def test_transactions_that_break_leave_no_gap_in_the_log(world: World) -> None:
    before = sealed()

    def broken() -> None:
        with transaction_of_its_own(GALLERY):
            person = world.person("searcher").id
            world.services.ledger.with_rows(Event(world.as_("searcher"), SignedIn(account=person)))
            raise InterruptedError

    people.sign_out(world.services, world.as_("searcher"))
    whole = lambda: people.sign_out(world.services, world.as_("searcher"))  # noqa: E731
    assert codes(at_once(world.services, *[broken, whole] * 4)) == ["InterruptedError()"] * 4
    assert sealed() == before + 5


def test_one_request_is_searched_once_however_many_ask(world: World) -> None:
    world.enrol(1)
    request = world.approved(1)
    outcomes = at_once(world.services, *[lambda: search(world.services, world.as_("searcher"), request=request)] * 6)
    assert len(codes(outcomes)) == 5
    assert set(codes(outcomes)) <= {"gate.already-searched", "search.already-run"}
    assert Search.objects.count() == 1
    assert sealed()


def test_two_supervisors_decide_one_request_once(world: World) -> None:
    """LAW-09."""
    request = world.request(1).id
    deeds = [
        lambda: requests.approve_request(world.services, world.as_("supervisor"), request=request),
        lambda: requests.decline_request(world.services, world.as_("supervisor"), request=request, reason="No."),
    ]
    assert codes(at_once(world.services, *deeds * 3)) == ["gate.already-decided"] * 5
    decision = Approval.objects.get()
    state = SearchRequest.objects.get().state
    assert state == (RequestState.APPROVED if decision.approved else RequestState.DECLINED)


def test_two_administrators_cannot_give_one_person_two_roles_that_conflict(world: World) -> None:
    """IAM-02: each of the grants alone is allowed; together they are not, whoever comes first."""
    boss = world.as_("administrator")
    person = people.create_account(
        world.services,
        boss,
        agency_code="NRP",
        email="newly.come@nrp.example",
        full_name="Newly Come",
        personnel_number="77",
        password=PASSWORD,
    )

    def grant(role: Role) -> Callable[[], object]:
        return lambda: people.grant_role(world.services, boss, account=person.id, role=role)

    grants = (grant(Role.SEARCHER), grant(Role.AUDITOR), grant(Role.ADMINISTRATOR))
    assert codes(at_once(world.services, *grants)) == ["gate.conflicting-roles"] * 2
    assert len(accounts.account(person.id).roles) == 1


def test_an_installation_is_founded_once(services: Services) -> None:
    def found(number: int) -> Callable[[], object]:
        return lambda: people.create_installation(
            services,
            new_context(),
            agency_code=f"A{number}",
            agency_name="Some Police",
            email=f"first{number}.person@a.example",
            full_name="First Person",
            personnel_number="1",
            password=PASSWORD,
        )

    assert codes(at_once(services, *map(found, range(4)))) == ["installation.exists"] * 3
    assert Account.objects.count() == 1


def test_one_case_number_opens_one_case(world: World) -> None:
    opened = at_once(
        world.services, *[lambda: cases.open_case(world.services, world.as_("searcher"), number="2026-7")] * 4
    )
    assert codes(opened) == ["case.exists"] * 3
    assert Case.objects.count() == 1


def test_a_case_closed_while_somebody_searches_in_it_is_searched_before_or_not_at_all(world: World) -> None:
    request = world.approved(1)
    case = SearchRequest.objects.select_related("case").get().case
    outcomes = at_once(
        world.services,
        lambda: search(world.services, world.as_("searcher"), request=request),
        lambda: cases.close_case(world.services, world.as_("supervisor"), case=CaseId(case.uid)),
    )
    assert codes(outcomes) in ([], ["gate.closed-case"])
    assert Search.objects.count() == (0 if codes(outcomes) else 1)


def test_five_failed_sign_ins_at_once_lock_the_account(world: World) -> None:
    """IAM: guesses in parallel are counted like guesses in turn."""
    email = world.person("searcher").email
    guess = lambda: people.sign_in(world.services, world.as_("searcher"), email=email, password="wrong")  # noqa: E731
    assert codes(at_once(world.services, *[guess] * 5)) == ["sign-in.failed"] * 5
    until = accounts.locked_until(world.person("searcher").id)
    assert until == world.clock.now() + timedelta(minutes=15)


def test_two_services_enrol_at_once_and_no_reader_misses_a_row(world: World) -> None:
    """Generations commit in their order, so whoever has read up to one has everything born by then."""
    done = threading.Event()
    gaps: list[tuple[int, int]] = []

    def enrol(agency: str, first: int) -> Callable[[], object]:
        def several() -> None:
            for number in range(first, first + 10):
                world.enrol(number, agency=agency, person_number=f"{agency}{number}")

        return several

    def read() -> None:
        source = DatabaseTemplateSource(world.services.vault)
        contract, seen, upto = world.services.engine.contract, 0, 0
        while not (done.is_set() and upto == present_generation()):
            after, upto = upto, source.generation()
            seen += len(list(source.born(contract, after, upto)))
            gaps.extend([(seen, upto)] if seen != upto else [])
        assert seen == 20

    def write() -> list[object]:
        try:
            return at_once(world.services, enrol("NRP", 1), enrol("LKS", 101))
        finally:
            done.set()

    outcomes = at_once(world.services, read, write)
    assert outcomes == [None, [None, None]]
    assert gaps == []
    assert sorted(GalleryEntry.objects.values_list("born", flat=True)) == list(range(1, 21))
