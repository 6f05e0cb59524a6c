"""Named people (IAM-01, IAM-02), agreements (SHR-01), and signing in: the same answer to everything that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import FixedClock
from tests.workflows.conftest import PASSWORD, World

from custodes.app import new_context
from custodes.errors import Conflict, CustodesError, NotFound, NotSignedIn, Refused
from custodes.ids import AccountId
from custodes.ledger import commitment
from custodes.store import accounts
from custodes.store.models import Account, Agency, Agreement, LogDetail, RoleGrant
from custodes.store.records import AccountRecord
from custodes.store.vault import Sealed
from custodes.types import Role
from custodes.workflows import people
from custodes.workflows.services import Services

_NEW = {
    "agency_code": "NRP",
    "email": "new.person@nrp.example",
    "full_name": "New Person",
    "personnel_number": "77",
    "password": PASSWORD,
}


def _create(world: World, **changes: str) -> AccountRecord:
    return people.create_account(world.services, world.as_("administrator"), **{**_NEW, **changes})


def _sign_in(world: World, email: str, password: str = PASSWORD) -> AccountRecord:
    context = replace(new_context(), clock=world.clock)
    return people.sign_in(world.services, context, email=email, password=password)


# --- the first administrator ------------------------------------------------------------------------


def _install(services: Services, clock: FixedClock, **changes: str) -> AccountRecord:
    fields = {"agency_name": "Northridge", **_NEW, **changes}
    return people.create_installation(services, replace(new_context(), clock=clock), **fields)


def test_an_installation_begins_once(services: Services, fixed_clock: FixedClock) -> None:
    first = _install(services, fixed_clock)
    assert first.roles == (Role.ADMINISTRATOR,)
    with pytest.raises(Refused, match=r"installation\.exists"):
        _install(services, fixed_clock, agency_code="X", email="other.person@x.example", personnel_number="2")
    assert (Account.objects.count(), Agency.objects.count()) == (1, 1)
    assert json.loads(services.entries.newest(1)[0].body)["facts"]["code"] == "installation.exists"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "admin@nrp.example"}, "gate.named-person"),
        ({"personnel_number": " "}, "gate.named-person"),
        ({"full_name": "Administrator"}, "gate.named-person"),
        ({"agency_code": ""}, "agency.malformed"),
        ({"agency_code": "a b"}, "agency.malformed"),
        ({"agency_name": " "}, "agency.malformed"),
        ({"password": "short"}, "account.weak-password"),
    ],
    ids=str,
)
def test_even_the_first_administrator_is_a_named_person(
    changes: dict[str, str], code: str, services: Services, fixed_clock: FixedClock
) -> None:
    """IAM-01."""
    with pytest.raises(CustodesError) as refusal:
        _install(services, fixed_clock, **changes)
    assert refusal.value.code == code
    assert (Account.objects.count(), Agency.objects.count(), services.entries.size()) == (0, 0, 1)


# --- accounts and roles -----------------------------------------------------------------------------


def test_a_new_account_holds_no_role(world: World) -> None:
    assert _create(world).roles == ()
    assert world.log()[0]["kind"] == "account.created"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "desk@nrp.example"}, "gate.named-person"),
        ({"personnel_number": ""}, "gate.named-person"),
        ({"full_name": "Person"}, "gate.named-person"),
        ({"email": "PERSON2.DOE@nrp.example "}, "account.exists"),
        ({"personnel_number": " 2 "}, "account.exists"),
        ({"password": "password1234"}, "account.weak-password"),
        ({"password": "new.person@nrp"}, "account.weak-password"),
        ({"agency_code": "???"}, "agency.unknown"),
    ],
    ids=str,
)
def test_an_account_that_cannot_be_is_refused_with_one_entry(changes: dict[str, str], code: str, world: World) -> None:
    """IAM-01: one person, one account, also when spelt differently."""
    before = (Account.objects.count(), world.services.entries.size())
    with pytest.raises(CustodesError) as refusal:
        _create(world, **changes)
    assert refusal.value.code == code
    assert (Account.objects.count(), world.services.entries.size()) == (before[0], before[1] + 1)


def test_an_address_and_a_number_are_kept_without_the_blanks_around_them(world: World) -> None:
    person = _create(world, email="  New.Person@NRP.example ", personnel_number=" 78 ")
    assert (person.email, person.personnel_number) == ("new.person@nrp.example", "78")


def test_a_personnel_number_belongs_to_one_service(world: World) -> None:
    assert _create(world, agency_code="LKS", personnel_number="2").agency.code == "LKS"


@pytest.mark.parametrize("who", ["searcher", "supervisor", "records officer", "auditor"])
def test_only_an_administrator_makes_accounts_and_grants_roles(who: str, world: World) -> None:
    with pytest.raises(Refused, match=r"gate\.role"):
        people.create_account(world.services, world.as_(who), **_NEW)
    with pytest.raises(Refused, match=r"gate\.role"):
        people.grant_role(world.services, world.as_(who), account=world.person(who).id, role=Role.SUPERVISOR)
    with pytest.raises(Refused, match=r"gate\.role"):
        people.create_agency(world.services, world.as_(who), code="X", name="X")
    assert RoleGrant.objects.count() == len(world.people)


@pytest.mark.parametrize(("first", "second"), [("auditor", "searcher"), ("searcher", "auditor")])
def test_conflicting_roles_are_refused_in_both_orders(first: str, second: str, world: World) -> None:
    """IAM-02."""
    boss, person = world.as_("administrator"), _create(world)
    people.grant_role(world.services, boss, account=person.id, role=Role(first))
    with pytest.raises(Refused, match=r"gate\.conflicting-roles"):
        people.grant_role(world.services, boss, account=person.id, role=Role(second))
    assert accounts.account(person.id).roles == (Role(first),)
    assert world.log()[0]["targets"] == [person.id]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_an_administrator_cannot_grant_themselves_a_look_at_images(role: Role, world: World) -> None:
    """IAM-05."""
    with pytest.raises(Refused, match=r"gate\.conflicting-roles"):
        people.grant_role(
            world.services, world.as_("administrator"), account=world.person("administrator").id, role=role
        )


def test_a_role_granted_twice_is_held_once(world: World) -> None:
    searcher = world.person("searcher")
    again = people.grant_role(world.services, world.as_("administrator"), account=searcher.id, role=Role.SEARCHER)
    assert again.roles == (Role.SEARCHER,)


def test_nobody_is_granted_a_role_who_does_not_exist(world: World) -> None:
    with pytest.raises(NotFound, match=r"account\.unknown"):
        people.grant_role(world.services, world.as_("administrator"), account=AccountId("acc_x"), role=Role.SEARCHER)


# --- services and agreements ------------------------------------------------------------------------


def test_a_code_is_one_service(world: World) -> None:
    """The error has a value called ``code``, which once broke it."""
    with pytest.raises(Conflict) as refusal:
        people.create_agency(world.services, world.as_("administrator"), code="LKS", name="Another")
    assert "LKS" in str(refusal.value.what)
    with pytest.raises(NotFound) as missing:
        people.agency("ZZZ")
    assert "ZZZ" in str(missing.value.what)


@pytest.mark.parametrize(
    "changes",
    [{"searcher_code": "LKS"}, {"reference": "  "}, {"ends_on": None}],
    ids=["with oneself", "without a document", "that ends before it begins"],
)
def test_an_agreement_is_refused(changes: dict[str, Any], world: World) -> None:
    """SHR-01."""
    today = world.clock.now().date()
    fields: dict[str, Any] = {
        "owner_code": "LKS",
        "searcher_code": "NRP",
        "reference": "MOU 8",
        "starts_on": today,
        "ends_on": today,
        **changes,
    }
    fields["ends_on"] = fields["ends_on"] or today - timedelta(days=1)
    with pytest.raises(Refused, match=r"gate\.dated-agreement"):
        people.register_agreement(world.services, world.as_("administrator"), **fields)
    assert Agreement.objects.count() == 1


# --- signing in -------------------------------------------------------------------------------------


def test_whoever_knows_the_password_is_signed_in(world: World) -> None:
    searcher = world.person("searcher")
    assert _sign_in(world, " " + searcher.email.upper()) == searcher
    assert (world.log()[0]["kind"], world.log()[0]["targets"]) == ("sign-in.succeeded", [searcher.id])


def _failure(world: World, email: str, password: str) -> str:
    with pytest.raises(NotSignedIn) as refusal:
        _sign_in(world, email, password)
    return str(refusal.value)


def test_unknown_wrong_locked_and_ended_accounts_answer_alike(world: World) -> None:
    searcher, supervisor = world.person("searcher"), world.person("supervisor")
    wrong = _failure(world, searcher.email, "wrong")
    for _ in range(5):
        _failure(world, supervisor.email, "wrong")
    Account.objects.filter(uid=world.person("auditor").id).update(state="suspended")
    assert {
        wrong,
        _failure(world, "nobody@nrp.example", PASSWORD),
        _failure(world, "", ""),
        _failure(world, supervisor.email, PASSWORD),
        _failure(world, world.person("auditor").email, PASSWORD),
    } == {wrong}


def test_five_failures_lock_and_fifteen_minutes_unlock(world: World) -> None:
    email = world.person("searcher").email
    for _ in range(4):
        _failure(world, email, "wrong")
    assert _sign_in(world, email)
    for _ in range(5):
        _failure(world, email, "wrong")
    world.clock.advance(minutes=14, seconds=59)
    _failure(world, email, PASSWORD)
    world.clock.advance(seconds=1)
    assert _sign_in(world, email)


def test_trying_a_locked_account_does_not_keep_it_locked(world: World) -> None:
    """Otherwise anybody could lock anybody out for good."""
    email = world.person("searcher").email
    for _ in range(5):
        _failure(world, email, "wrong")
    for _ in range(20):
        world.clock.advance(seconds=30)
        _failure(world, email, "wrong")
    world.clock.advance(minutes=5)
    assert _sign_in(world, email)


def test_one_persons_failures_lock_nobody_else(world: World) -> None:
    for _ in range(9):
        _failure(world, world.person("searcher").email, "wrong")
    assert _sign_in(world, world.person("supervisor").email)


def test_a_failed_sign_in_is_logged_with_the_address_only_as_a_commitment(world: World) -> None:
    """AUD-01, AUD-05."""
    email = "Somebody.Else@nrp.example"
    _failure(world, email, "wrong")
    newest = world.services.entries.newest(1)[0]
    assert newest.kind == "sign-in.failed"
    assert b"@" not in newest.body
    row = LogDetail.objects.get(entry=newest.id)
    opened = world.services.vault.open(newest.id, Sealed(row.key_uid, bytes(row.ciphertext)))  # type: ignore[arg-type]
    salt, private = opened[:16], opened[16:]
    assert json.loads(private) == {"email": email}
    assert json.loads(newest.body)["private"] == commitment(salt, private)


def test_the_log_knows_that_a_failure_met_a_locked_account(world: World) -> None:
    email = world.person("searcher").email
    for _ in range(6):
        _failure(world, email, "wrong")
    assert [entry["facts"]["locked"] for entry in world.log(6)] == [True, False, False, False, False, False]
    assert world.log()[0]["targets"] == [world.person("searcher").id]


@pytest.mark.parametrize("email", ["x" * 100_000, "a@b\x00c", "\udcff@x", "'; DROP TABLE store_account; --"], ids=ascii)
def test_an_absurd_address_is_a_failed_sign_in_like_any_other(email: str, world: World) -> None:
    assert "[sign-in.failed]" in _failure(world, email, "wrong")


# --- sessions ---------------------------------------------------------------------------------------


def test_a_session_ends_with_the_password_and_with_the_account(world: World) -> None:
    searcher = world.person("searcher")
    proof = people.session_hash(searcher.id)
    assert people.resume(searcher.id, proof) == searcher
    assert people.resume(searcher.id, "") is None
    assert people.resume(searcher.id, people.session_hash(world.person("supervisor").id)) is None
    assert people.resume(AccountId("acc_x"), proof) is None
    row = Account.objects.get(uid=searcher.id)
    row.set_password("another passphrase")
    row.save()
    assert people.resume(searcher.id, proof) is None
    proof = people.session_hash(searcher.id)
    Account.objects.filter(uid=searcher.id).update(state="suspended")
    assert people.resume(searcher.id, proof) is None


def test_signing_out_is_in_the_log(world: World) -> None:
    people.sign_out(world.services, world.as_("searcher"))
    assert (world.log()[0]["kind"], world.log()[0]["actor"]) == ("sign-out", world.person("searcher").id)


def test_a_right_guess_made_at_once_with_wrong_ones_does_not_clear_the_lock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: parallel guesses, all let in before any was counted."""
    email, check = world.person("searcher").email, accounts.password_is_right

    def slow(account: AccountId | None, password: str) -> bool:
        right = check(account, password)
        if password == PASSWORD:
            for _ in range(5):
                _failure(world, email, "wrong")
        return right

    monkeypatch.setattr(accounts, "password_is_right", slow)
    _failure(world, email, PASSWORD)
    assert world.log()[0]["facts"]["locked"] is True
