"""What holds for every page there is: policy, caching, languages, and nothing inline."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.http import HttpResponse
from django.test import Client
from tests.web.conftest import Enrol, Pages, World

from custodes.ids import RequestId
from custodes.types import Youth
from custodes.workflows import requests, viewing

WEB = Path(__file__).resolve().parents[2] / "src" / "custodes" / "web"
CATALOGUE = WEB.parent / "locale" / "fr" / "LC_MESSAGES" / "django.po"


def every_page(pages: Pages, world: World, searched: RequestId, language: str) -> Iterator[tuple[str, HttpResponse]]:
    """Yield every page in every state worth looking at."""
    record = viewing.view_request(world.services, world.as_("searcher"), request=searched)
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=searched)
    waiting, approved = world.request(1, number="2026-2"), world.approved(1, number="2026-3")
    declined = world.request(1, number="2026-4")
    requests.decline_request(world.services, world.as_("supervisor"), request=declined.id, reason="No.")
    empty = world.approved(99, number="2026-5")
    searcher, supervisor, officer = (
        pages(name, language=language) for name in ("searcher", "supervisor", "records officer")
    )
    searcher.post(f"/request/{empty}/search")
    closed = world.case("2026-6")
    searcher.post(f"/case/{closed.id}/close")
    stranger = Client(headers={"accept-language": language})
    ask = f"/case/{record.case.id}/{record.probe.id}/ask"
    own = next(subject for subject in view.subjects if subject.agency.code == "NRP")
    for client, method, address in (
        (stranger, "get", "/sign-in"),
        (stranger, "post", "/sign-in"),
        (searcher, "get", "/"),
        (supervisor, "get", "/"),
        (officer, "get", "/"),
        (pages("auditor", language=language), "get", "/"),
        (pages("administrator", language=language), "get", "/"),
        (searcher, "get", f"/case/{record.case.id}"),
        (searcher, "get", f"/case/{closed.id}"),
        (searcher, "post", f"/case/{record.case.id}/probes"),
        (searcher, "get", ask),
        (searcher, "post", ask),
        (searcher, "get", f"/request/{waiting.id}"),
        (supervisor, "get", f"/request/{waiting.id}"),
        (supervisor, "get", f"/request/{declined.id}"),
        (searcher, "get", f"/request/{approved}"),
        (searcher, "get", f"/request/{searched}"),
        (searcher, "get", f"/request/{searched}/candidates"),
        (searcher, "get", f"/request/{empty}/candidates"),
        (officer, "get", f"/record/{own.id}"),
        (searcher, "get", "/nowhere"),
        (officer, "get", f"/case/{record.case.id}"),
    ):
        yield f"{method} {address}", getattr(client, method)(address)


@pytest.fixture
def quarantined(enrol: Enrol) -> None:
    enrol(1, variation=7, taken_on=None, youth=Youth.YES, offences=())


@pytest.mark.usefixtures("quarantined")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_holds_to_the_policy_and_speaks_one_language(
    pages: Pages, world: World, searched: RequestId, language: str
) -> None:
    foreign = _english() if language == "fr" else []
    for name, answer in every_page(pages, world, searched, language):
        page = answer.content.decode()
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert answer["Cache-Control"] == "no-store, private", name
        assert re.fullmatch(r"trc_[0-9a-z]{26}", answer["X-Request-Id"]), name
        assert answer["X-Frame-Options"] == "DENY", name
        assert answer["X-Content-Type-Options"] == "nosniff", name
        assert f'<html lang="{language}">' in page, name
        assert inline(page) == [], name
        assert re.findall(r'(?:src|href|action)="(?!/|#)[^"]*"', page) == [], name
        shown = html.unescape(page)
        assert [msgid for msgid in foreign if msgid in shown] == [], name


def inline(page: str) -> list[str]:
    """Return what a strict policy would stop: inline scripts, styles and handlers."""
    return re.findall(r"<style|<script(?![^>]*\ssrc=)[^>]*>|\sstyle=|\son[a-z]+=\"", page)


def _english() -> list[str]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    return [
        message.id
        for message in catalogue
        if isinstance(message.id, str)
        and len(message.id) > 11
        and "%(" not in message.id
        and message.string not in ("", message.id)
        and str(message.id) not in str(message.string)
    ]


@pytest.mark.parametrize("planted", ["<script>x()</script>", '<p style="color:red">', '<p onclick="x()">', "<style>"])
def test_what_is_inline_is_seen(planted: str) -> None:
    assert inline(planted)


def test_every_form_that_changes_something_carries_a_token() -> None:
    """Cross-site request forgery."""
    for template in WEB.rglob("*.html"):
        for form in re.findall(r"<form.*?</form>", template.read_text(encoding="utf-8"), re.DOTALL):
            assert 'method="post"' in form, template.name
            assert "{% csrf_token %}" in form, template.name


def test_every_picture_has_words() -> None:
    """WCAG 1.1.1."""
    for template in WEB.rglob("*.html"):
        for picture in re.findall(r"<img.*?>", template.read_text(encoding="utf-8"), re.DOTALL):
            assert "alt=" in picture, template.name


def test_static_files_are_served_to_anybody_and_hold_no_address_of_another_site(stranger: Client) -> None:
    for file in (WEB / "static").rglob("*.*"):
        assert not re.search(r"https?://(?!www\.w3\.org)", file.read_text(encoding="utf-8")), file.name
        answer = stranger.get(f"/static/custodes/{file.name}")
        assert answer.status_code == 200, file.name
        answer.close()


def test_the_style_sheet_is_small() -> None:
    sheet = WEB / "static" / "custodes" / "custodes.css"
    assert len(sheet.read_text(encoding="utf-8").splitlines()) <= 400
