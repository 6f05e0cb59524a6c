"""Signing in and out, roles, languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from tests.web.conftest import PASSWORD, Pages, World, newest, text

from custodes.types import Role
from custodes.workflows import people


def sign_in(world: World, name: str = "searcher", password: str = PASSWORD, **more: str) -> tuple[Client, int, str]:
    client = Client(headers={"accept-language": "en"})
    answer = client.post("/sign-in", {"email": world.person(name).email, "password": password, **more})
    return client, answer.status_code, answer.get("Location", "") or answer.content.decode()


def test_signing_in_leads_to_the_page_that_was_asked_for(world: World) -> None:
    case = world.case()
    _, status, target = sign_in(world, next=f"/case/{case.id}")
    assert (status, target) == (302, f"/case/{case.id}")


def test_the_page_shows_who_is_signed_in_in_which_role_for_which_service(pages: Pages) -> None:
    page = text(pages("searcher"), "/")
    for words in ("Person2 Doe", "Searcher", "Northridge Police"):
        assert words in page


@pytest.mark.parametrize("email", ["person2.doe@nrp.example", "nobody@nrp.example", "", "x" * 3000])
def test_a_failure_says_the_same_whatever_was_wrong(world: World, stranger: Client, email: str) -> None:
    answer = stranger.post("/sign-in", {"email": email, "password": "wrong"})
    assert answer.status_code == 401
    assert b"The e-mail address or the password is wrong, or the account is locked for now." in answer.content
    assert newest(world)[0][0] == "sign-in.failed"
    assert b"wrong" not in newest(world)[0][1]


def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(5):
        sign_in(world, password="wrong")
    assert sign_in(world)[1] == 401
    world.clock.advance(minutes=16)
    assert sign_in(world)[1] == 302


def test_the_password_never_comes_back(world: World) -> None:
    _, _, page = sign_in(world, password="wrong but secret")
    assert "wrong but secret" not in page
    assert world.person("searcher").email in page


def test_signing_out_ends_the_session_and_is_logged(pages: Pages, world: World) -> None:
    client = pages("searcher")
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert newest(world)[0][0] == "sign-out"
    assert client.get("/").status_code == 302


def test_whoever_is_signed_in_needs_no_sign_in_page(pages: Pages) -> None:
    assert pages("searcher").get("/sign-in")["Location"] == "/"


def test_somebody_with_two_roles_chooses_one(pages: Pages, world: World) -> None:
    person = world.person("searcher")
    people.grant_role(world.services, world.as_("administrator"), account=person.id, role=Role.SUPERVISOR)
    client = pages("searcher")
    page = text(client, "/")
    assert "My requests" in page
    assert '<option value="supervisor">' in page
    assert client.post("/role", {"role": "supervisor"})["Location"] == "/"
    assert "Requests that wait for a decision" in text(client, "/")


def test_somebody_without_a_role_is_told_so(world: World) -> None:
    people.create_account(
        world.services,
        world.as_("administrator"),
        agency_code="NRP",
        email="new.person@nrp.example",
        full_name="New Person",
        personnel_number="99",
        password=PASSWORD,
    )
    client = Client(headers={"accept-language": "en"})
    client.post("/sign-in", {"email": "new.person@nrp.example", "password": PASSWORD})
    assert "You hold no role yet" in text(client, "/")
    assert client.post("/cases", {"number": "1"}).status_code == 403


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.VERIFIER])
def test_roles_whose_work_is_not_on_these_pages_are_told_so(world: World, pages: Pages, role: Role) -> None:
    person = people.create_account(
        world.services,
        world.as_("administrator"),
        agency_code="NRP",
        email="new.person@nrp.example",
        full_name="New Person",
        personnel_number="99",
        password=PASSWORD,
    )
    world.people[role.value] = (
        people.grant_role(world.services, world.as_("administrator"), account=person.id, role=role),
        role,
    )
    assert "Nothing waits for you in this role" in text(pages(role.value), "/")


def test_the_language_is_remembered_and_the_page_kept(stranger: Client) -> None:
    answer = stranger.post("/language", {"language": "fr", "next": "/sign-in"})
    assert answer["Location"] == "/sign-in"
    page = text(stranger, "/sign-in")
    assert '<html lang="fr">' in page
    assert "Ouvrir une session" in page


def test_a_language_there_is_not_changes_nothing(stranger: Client) -> None:
    answer = stranger.post("/language", {"language": "tlh", "next": "/sign-in"})
    assert "django_language" not in answer.cookies


def test_the_language_of_the_browser_is_the_first_choice(services: object) -> None:
    page = Client(headers={"accept-language": "fr-CA,en;q=0.5"}).get("/sign-in").content.decode()
    assert "Mot de passe" in page


def test_a_session_lasts_no_longer_than_the_cookie_says(pages: Pages, settings: object) -> None:
    cookie = pages("searcher").cookies["custodes"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert timedelta(seconds=settings.SESSION_COOKIE_AGE) == timedelta(hours=8)  # type: ignore[attr-defined]
