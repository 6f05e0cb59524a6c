"""IAM-07: what ends a person's powers ends them at once, everywhere, and is in the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.workflows.conftest import PASSWORD, World
from tests.workflows.enrol_fixtures import Export, row

from custodes.errors import CustodesError, InputError, NotFound, NotSignedIn, Refused
from custodes.store.models import Account, Photograph
from custodes.types import AccountState, Role
from custodes.workflows import cases, gallery, people, sanctions, viewing
from custodes.workflows.enrolment import enrol, job

REASON = "Under investigation, file 7."


def _suspend(world: World, name: str, by: str = "administrator", reason: str = REASON) -> None:
    sanctions.suspend(world.services, world.as_(by), account=world.person(name).id, reason=reason)


def test_whoever_is_suspended_can_do_nothing_from_then_on(world: World) -> None:
    context = world.as_("searcher")
    cases.open_case(world.services, context, number="2026-1")
    _suspend(world, "searcher")
    with pytest.raises(NotSignedIn) as caught:
        cases.open_case(world.services, context, number="2026-2")
    assert caught.value.code == "session.ended"
    assert world.log()[0]["facts"] == {"action": "open-case", "code": "session.ended"}
    with pytest.raises(NotSignedIn):
        viewing.my_work(world.services, context)


def test_sessions_end_for_good_and_a_suspended_person_cannot_sign_in(world: World) -> None:
    searcher = world.person("searcher")
    proof = people.session_hash(searcher.id)
    assert people.resume(searcher.id, proof)
    _suspend(world, "searcher")
    assert people.resume(searcher.id, proof) is None
    with pytest.raises(NotSignedIn):
        people.sign_in(world.services, world.as_("searcher"), email=searcher.email, password=PASSWORD)
    sanctions.reinstate(world.services, world.as_("administrator"), account=searcher.id, reason="Cleared.")
    assert people.resume(searcher.id, proof) is None, "an old session does not come back with the account"
    assert people.resume(searcher.id, people.session_hash(searcher.id))
    assert cases.open_case(world.services, world.as_("searcher"), number="2026-1")


def test_a_withdrawn_role_cannot_be_acted_in_by_a_session_that_has_it(world: World) -> None:
    context = world.as_("searcher")
    person = sanctions.withdraw_role(
        world.services,
        world.as_("administrator"),
        account=world.person("searcher").id,
        role=Role.SEARCHER,
        reason=REASON,
    )
    assert Role.SEARCHER not in person.roles
    with pytest.raises(NotSignedIn):
        cases.open_case(world.services, context, number="2026-1")


def test_whoever_left_has_no_roles_even_when_the_account_is_used_again(world: World) -> None:
    boss, searcher = world.as_("administrator"), world.person("searcher")
    ended = sanctions.end(world.services, boss, account=searcher.id, reason="Retired.")
    assert (ended.state, ended.roles) == (AccountState.ENDED, ())
    assert [entry["kind"] for entry in world.log(2)] == ["account.ended", "role.withdrawn"]
    back = sanctions.reinstate(world.services, boss, account=searcher.id, reason="Came back.")
    assert (back.state, back.roles) == (AccountState.ACTIVE, ())


def test_a_job_under_way_ends_with_the_step_in_which_its_person_is_suspended(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_BATCH", 1)
    export = Export(world, tmp_path / "export")
    export.images(3)
    export.rows(*(row(number) for number in range(1, 4)))
    seen: list[int] = []

    def progress(done: int, _: int | None) -> None:
        seen.append(done)
        if len(seen) == 1:
            _suspend(world, "records officer")

    with pytest.raises(NotSignedIn):
        enrol(world.services, world.as_("records officer"), progress=progress, **export.places())
    assert seen == [1]
    assert Photograph.objects.count() == 1
    sanctions.reinstate(
        world.services, world.as_("administrator"), account=world.person("records officer").id, reason="Cleared."
    )
    export.enrol()
    assert Photograph.objects.count() == 3


@pytest.mark.parametrize("name", ["searcher", "auditor", "supervisor", "records officer"])
def test_only_administrators_decide_on_accounts(name: str, world: World) -> None:
    with pytest.raises(Refused) as caught:
        _suspend(world, "searcher", by=name)
    assert caught.value.code == "gate.role"


def _withdraw(world: World, name: str, reason: str) -> None:
    (role,) = world.person(name).roles
    sanctions.withdraw_role(
        world.services, world.as_("administrator"), account=world.person(name).id, role=role, reason=reason
    )


def _end(world: World, name: str, reason: str) -> None:
    sanctions.end(world.services, world.as_("administrator"), account=world.person(name).id, reason=reason)


def _suspend_as_boss(world: World, name: str, reason: str) -> None:
    _suspend(world, name, reason=reason)


@pytest.mark.parametrize("deed", [_suspend_as_boss, _withdraw, _end])
def test_nobody_decides_on_their_own_account(deed: Callable[[World, str, str], None], world: World) -> None:
    with pytest.raises(Refused) as caught:
        deed(world, "administrator", REASON)
    assert caught.value.code == "gate.oneself"


@pytest.mark.parametrize("deed", [_suspend_as_boss, _withdraw, _end])
@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_needed(reason: str, deed: Callable[[World, str, str], None], world: World) -> None:
    with pytest.raises(Refused) as caught:
        deed(world, "searcher", reason)
    assert caught.value.code == "gate.sanction-reason"


def test_what_cannot_be_is_refused(world: World) -> None:
    boss, services, searcher = world.as_("administrator"), world.services, world.person("searcher").id

    def code(deed: Callable[[], object]) -> str:
        with pytest.raises(CustodesError) as caught:
            deed()
        return caught.value.code

    assert code(lambda: sanctions.reinstate(services, boss, account=searcher, reason=REASON)) == "gate.account-state"
    assert (
        code(lambda: sanctions.withdraw_role(services, boss, account=searcher, role=Role.AUDITOR, reason=REASON))
        == "gate.role-not-held"
    )
    _suspend(world, "searcher")
    assert code(lambda: _suspend(world, "searcher")) == "gate.account-state"
    _end(world, "searcher", REASON)
    assert code(lambda: _end(world, "searcher", REASON)) == "gate.account-state"


def test_the_log_says_who_and_keeps_the_reason_private(world: World) -> None:
    _suspend(world, "searcher")
    (entry,) = world.log()
    assert entry["kind"] == "account.suspended"
    assert entry["targets"] == [world.person("searcher").id]
    assert REASON not in str(entry)
    assert world.private(entry) == {"reason": REASON}


def test_the_balance_follows_what_was_withdrawn_and_finds_what_came_back_behind_its_back(world: World) -> None:
    """AUD-13."""
    searcher = world.person("searcher").id
    _suspend(world, "searcher")
    _withdraw(world, "supervisor", REASON)
    assert gallery.weigh(world.services).powers == 0
    Account.objects.filter(uid=searcher).update(state="active")
    assert gallery.weigh(world.services).powers == 1
    Account.objects.filter(uid=searcher).update(state="suspended")
    sanctions.reinstate(world.services, world.as_("administrator"), account=searcher, reason=REASON)
    _end(world, "searcher", REASON)
    assert gallery.weigh(world.services).powers == 0


def test_an_account_is_found_by_id_or_address(world: World) -> None:
    searcher = world.person("searcher")
    assert people.account_named(str(searcher.id)) == people.account_named(searcher.email) == searcher.id
    with pytest.raises(NotFound):
        people.account_named("nobody@nrp.example")
    with pytest.raises(InputError):
        people.account_named("nonsense")
