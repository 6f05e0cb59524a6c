"""The whole journey in a real browser: nothing on the console, nothing that axe objects to, in both languages."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from tests.web.conftest import PASSWORD, Enrol, World
from tests.workflows.kept_log import KeptLog, three_witnesses

from custodes.config import Config
from custodes.engine.fake import picture
from custodes.types import Role
from custodes.workflows import people, viewing
from custodes.workflows.search import search

pytestmark = pytest.mark.browser


@pytest.fixture(params=["en", "fr"])
def browser_context_args(request: pytest.FixtureRequest) -> dict[str, object]:
    return {"locale": f"{request.param}-CA", "viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}


class Journey:
    """A person at a browser; every page they come to is looked at by axe, and the console is listened to."""

    def __init__(self, page: Page, server: LiveServer, world: World) -> None:
        self.page, self.server, self.world = page, server, world
        self.complaints: list[str] = []
        # a refused form is answered with 403 or 422, which the browser notes on the console
        page.on(
            "console",
            lambda message: None if "with a status of 4" in message.text else self.complaints.append(message.text),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, address: str) -> None:
        self.page.goto(f"{self.server.url}{address}")

    def sign_in(self, name: str) -> None:
        self.go("/sign-in")
        self.page.locator("#email").fill(self.world.person(name).email)
        self.page.locator("#password").fill(PASSWORD)
        self.page.locator("main button.primary").click()
        expect(self.page.locator("h1")).to_be_visible()

    def sign_out(self) -> None:
        self.page.locator("form[action='/sign-out'] button").click()
        expect(self.page.locator("#email")).to_be_visible()

    def look(self, name: str) -> None:
        """Hold the page to WCAG 2.1 AA; keep a picture of it where CUSTODES_TEST_PICTURES names a folder."""
        results = Axe().run(
            self.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
        )
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"
        if folder := os.environ.get("CUSTODES_TEST_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def journey(page: Page, live_server: LiveServer, world: World) -> Iterator[Journey]:
    journey = Journey(page, live_server, world)
    yield journey
    assert journey.complaints == []


def test_the_whole_journey(journey: Journey, enrol: Enrol, tmp_path: Path) -> None:
    """Searcher asks, supervisor approves, searcher searches and sees candidates and a record."""
    for variation in (1, 2):
        enrol(1, variation=variation)
    enrol(1, by="partner records officer", variation=4, person_number="L-77")
    enrol(2)
    probe = tmp_path / "probe.png"
    probe.write_bytes(picture(5, 1, 9, variation=3))
    page = journey.page
    journey.go("/")
    journey.look("sign-in")

    journey.sign_in("searcher")
    journey.look("work-searcher-empty")
    page.locator("#number").fill("2026-104")
    page.locator("form[action='/cases'] button").click()
    expect(page.locator("h1")).to_contain_text("2026-104")
    journey.look("case-empty")
    page.locator("#image").set_input_files(probe)
    page.locator("form.drop button").click()
    expect(page.locator(".faces input")).to_have_count(3)
    journey.look("ask")
    page.locator("form.ask button.primary").click()
    expect(page.locator(".error")).to_be_visible()
    expect(page.locator(".field-error")).to_have_count(8)
    journey.look("ask-incomplete")
    page.locator(".drawing .face[data-face='1']").click()
    expect(page.locator(".faces input[value='1']")).to_be_checked()
    expect(page.locator(".drawing .face[data-face='1']")).to_have_class("face pickable picked")
    for name, value in (
        ("offence_code", "CC 344"),
        ("purpose", "person-of-interest"),
        ("authority", "warrant"),
        ("source", "cctv-recording"),
    ):
        page.locator(f"[name={name}]").select_option(value)
    page.locator("[name=authority_reference]").fill("W-2026-17")
    page.locator("[name=necessity]").fill("Two robberies; witnesses could not name the person.")
    page.locator("[name=how_obtained]").fill("Given by the shop’s owner on the same day.")
    page.locator("[name=age_from]").fill("20")
    page.locator("form.ask button.primary").click()
    expect(page.locator(".state-awaiting")).to_be_visible()
    journey.look("request-awaiting")
    request_address = page.url.removeprefix(journey.server.url)
    journey.sign_out()

    journey.sign_in("supervisor")
    journey.look("work-supervisor")
    page.locator(".request-row a.primary").click()
    expect(page.locator(".decision")).to_be_visible()
    page.locator("button[value=decline]").click()
    expect(page.locator(".error")).to_be_visible()
    journey.look("decision")
    page.locator("button[value=approve]").click()
    expect(page.locator(".state-approved")).to_be_visible()
    journey.sign_out()

    journey.sign_in("searcher")
    journey.look("work-searcher")
    journey.go(request_address)
    journey.look("request-approved")
    page.locator("form.step button").click()
    expect(page.locator(".candidates > li")).to_have_count(2)
    journey.look("candidates")
    page.locator(".candidate-words a").first.click()
    expect(page.locator(".booking").first).to_be_visible()
    journey.look("record")
    page.locator(".crumbs a").first.click()
    page.locator("table a").first.click()
    expect(page.locator(".probes")).to_be_visible()
    journey.look("case")


@pytest.mark.parametrize("name", ["records officer", "auditor", "administrator"])
def test_the_work_of_the_other_roles(journey: Journey, enrol: Enrol, name: str) -> None:
    enrol(1)
    journey.sign_in(name)
    journey.look(f"work-{name.replace(' ', '-')}")


def test_a_record_in_quarantine_an_empty_list_a_closed_case_and_an_error(journey: Journey, enrol: Enrol) -> None:
    enrol(4, taken_on=None, offences=(), person_number="P-4")
    request, case = journey.world.approved(1), journey.world.case("2026-2")
    journey.sign_in("searcher")
    journey.go(f"/request/{request}")
    journey.page.locator("form.step button").click()
    expect(journey.page.locator(".none")).to_be_visible()
    journey.look("no-candidate")
    journey.go(f"/case/{case.id}")
    journey.page.locator("summary").click()
    journey.page.locator("button.danger").click()
    expect(journey.page.locator(".notice")).to_be_visible()
    journey.look("case-closed")
    journey.go("/case/nowhere")
    journey.look("not-found")
    journey.sign_out()
    journey.sign_in("records officer")
    journey.page.locator("#person_number").fill("P-4")
    journey.page.locator("main button.primary").click()
    expect(journey.page.locator(".quarantine")).to_be_visible()
    journey.look("record-in-quarantine")


def test_the_log_for_everybody(journey: Journey, config: Config, tmp_path: Path) -> None:
    with three_witnesses(journey.world, config, tmp_path) as policy:
        kept = KeptLog(journey.world, config, policy)
        kept.seal()
        kept.keeper.ask_witnesses(kept.at)
    journey.go("/sign-in")
    journey.page.locator("footer a").click()
    expect(journey.page.locator("main table tbody tr")).to_have_count(3)
    journey.look("transparency")


def test_a_failed_sign_in_and_one_with_two_roles(journey: Journey) -> None:
    journey.go("/sign-in")
    journey.page.locator("#email").fill("nobody@nrp.example")
    journey.page.locator("#password").fill("wrong")
    journey.page.locator("main button.primary").click()
    expect(journey.page.locator(".error")).to_be_visible()
    journey.look("sign-in-failed")
    world = journey.world
    people.grant_role(
        world.services, world.as_("administrator"), account=world.person("searcher").id, role=Role.SUPERVISOR
    )
    journey.sign_in("searcher")
    journey.page.locator("#role").select_option("supervisor")
    journey.page.locator(".switch button").click()
    expect(journey.page.locator("#role")).to_have_value("supervisor")
    journey.look("two-roles")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_banner_of_an_evaluation_can_be_read(journey: Journey, scheme: Literal["light", "dark"]) -> None:
    """WCAG 1.4.3 and 1.4.1: contrast whatever the browser's scheme, and words, not a colour alone."""
    journey.world.services.config = replace(journey.world.services.config, evaluation=True)
    journey.page.emulate_media(color_scheme=scheme)
    journey.go("/sign-in")
    expect(journey.page.get_by_role("complementary")).to_be_visible()
    journey.look(f"evaluation-sign-in-{scheme}")
    journey.sign_in("searcher")
    journey.look(f"evaluation-work-{scheme}")


def test_an_image_that_is_dropped_on_the_page_is_added(journey: Journey) -> None:
    case = journey.world.case()
    journey.sign_in("searcher")
    journey.go(f"/case/{case.id}")
    data = base64.b64encode(picture(1, 2)).decode()
    dropped = journey.page.evaluate_handle(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "probe.png", { type: "image/png" }));
            return transfer;
        }""",
        data,
    )
    journey.page.dispatch_event("form.drop", "dragover", {"dataTransfer": dropped})
    expect(journey.page.locator("form.drop.over")).to_be_visible()
    journey.page.dispatch_event("form.drop", "drop", {"dataTransfer": dropped})
    expect(journey.page.locator(".faces input")).to_have_count(2)


def test_everything_can_be_done_with_the_keyboard_alone(journey: Journey, enrol: Enrol) -> None:
    """WCAG 2.1.1: the face is picked without a mouse."""
    case = journey.world.case()
    probe = journey.world.probe(case.id, 1, 2)
    journey.sign_in("searcher")
    journey.go(f"/case/{case.id}/{probe.id}/ask")
    journey.page.keyboard.press("Tab")
    expect(journey.page.locator(".skip")).to_be_focused()
    journey.page.locator(".faces input").first.focus()
    journey.page.keyboard.press("ArrowDown")
    expect(journey.page.locator(".faces input[value='1']")).to_be_checked()
    expect(journey.page.locator(".drawing .face.picked")).to_have_count(1)


def test_without_scripts_everything_works(browser: Browser, live_server: LiveServer, world: World) -> None:
    case = world.case()
    page = browser.new_context(java_script_enabled=False, locale="en-CA").new_page()
    page.goto(f"{live_server.url}/sign-in")
    page.locator("#email").fill(world.person("searcher").email)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button.primary").click()
    page.goto(f"{live_server.url}/case/{case.id}")
    page.locator("#image").set_input_files({"name": "probe.png", "mimeType": "image/png", "buffer": picture(1, 2)})
    page.locator("form.drop button").click()
    page.locator(".faces input[value='1']").check()
    expect(page.locator(".faces input[value='1']")).to_be_checked()
    page.context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_its_screen(journey: Journey, enrol: Enrol, width: int) -> None:
    """WCAG 1.4.10, reflow."""
    enrol(1)
    world = journey.world
    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    record = viewing.view_candidates(world.services, world.as_("searcher"), request=request)
    journey.sign_in("searcher")
    journey.page.set_viewport_size({"width": width, "height": 800})
    probe = record.request.probe
    for address in (
        "/",
        f"/case/{probe.case}",
        f"/case/{probe.case}/{probe.id}/ask",
        f"/request/{request}",
        f"/request/{request}/candidates",
        f"/record/{record.subjects[0].id}",
    ):
        journey.go(address)
        wide = journey.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (address, wide)
        if folder := os.environ.get("CUSTODES_TEST_PICTURES"):
            name = address.split("/")[-1][:12] or "work"
            journey.page.screenshot(path=Path(folder) / f"narrow-{width}-{name}.png", full_page=True)
