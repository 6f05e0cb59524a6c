"""Every page, by role: who sees what, and that what is seen is what the workflows returned."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client
from tests.web.conftest import ANSWERS, Enrol, Pages, World, newest, text

from custodes.engine.fake import picture
from custodes.ids import RequestId
from custodes.types import Disposition, Filters, Offence, Sex, Youth
from custodes.workflows import cases, requests, viewing
from custodes.workflows.search import search

ROLES = ("searcher", "supervisor", "records officer", "auditor", "administrator")


def test_a_stranger_is_sent_to_the_sign_in_page(stranger: Client) -> None:
    answer = stranger.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=%2F")
    assert "Sign in" in text(stranger, "/sign-in")


def test_nobody_can_register_themselves(stranger: Client) -> None:
    """IAM-01."""
    page = text(stranger, "/sign-in")
    assert re.findall(r'<form[^>]*action="([^"]*)"', page) == ["/language", "/sign-in"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("searcher", "You have not asked for a search yet"),
        ("supervisor", "No request waits for you"),
        ("records officer", "In quarantine"),
        ("auditor", "Newest entries of the log"),
        ("administrator", "They see no image"),
    ],
)
def test_my_work_is_that_of_the_role(pages: Pages, name: str, words: str) -> None:
    assert words in text(pages(name), "/")


@pytest.mark.parametrize(
    ("page", "who"),
    [
        ("/case/{case}", {"searcher", "supervisor"}),
        ("/case/{case}/{probe}/ask", {"searcher", "supervisor"}),
        ("/request/{request}", {"searcher", "supervisor"}),
        ("/request/{request}/candidates", {"searcher", "supervisor"}),
        ("/record/{subject}", {"searcher", "supervisor", "records officer"}),
        ("/probe/{probe}/image", {"searcher", "supervisor"}),
        ("/photograph/{photograph}/image", {"searcher", "supervisor", "records officer"}),
    ],
)
def test_a_page_opens_to_its_roles_alone(
    pages: Pages, world: World, searched: RequestId, stranger: Client, page: str, who: set[str]
) -> None:
    """IAM-02, IAM-05: administrators and auditors see no image and no case."""
    record = viewing.view_request(world.services, world.as_("searcher"), request=searched)
    listed = viewing.view_candidates(world.services, world.as_("searcher"), request=searched)
    own = next(s for s in listed.subjects if s.agency.code == "NRP")
    address = page.format(
        case=record.case.id,
        probe=record.probe.id,
        request=searched,
        subject=own.id,
        photograph=own.bookings[0].photographs[0].id,
    )
    opened = {name for name in ROLES if pages(name).get(address).status_code == 200}
    refused = {name for name in ROLES if pages(name).get(address).status_code == 403}
    assert (opened, refused) == (who, set(ROLES) - who)
    assert stranger.get(address).status_code == 302


def test_a_searcher_opens_a_case_adds_a_probe_asks_and_searches_once_another_person_approved(
    pages: Pages, world: World, enrol: Enrol
) -> None:
    enrol(1)
    searcher, supervisor = pages("searcher"), pages("supervisor")
    case = searcher.post("/cases", {"number": "2026-7"})["Location"]
    asking = searcher.post(f"{case}/probes", {"image": upload(world, 5, 1)})["Location"]
    page = text(searcher, asking)
    assert page.count('name="face"') == 2
    request = searcher.post(asking, {**ANSWERS, "face": "1"})["Location"]
    assert "Run the search</button>" not in text(searcher, request)
    assert supervisor.post(f"{request}/decision", {"decision": "approve"})["Location"] == request
    assert "Run the search</button>" in text(searcher, request)
    assert "Run the search</button>" not in text(supervisor, request)
    listed = searcher.post(f"{request}/search")["Location"]
    assert "1 candidate<" in text(searcher, listed)
    again = searcher.post(f"{request}/search")
    assert again.status_code == 403
    assert b"gate.already-searched" in again.content


def test_the_picked_face_is_the_one_that_is_searched_for(pages: Pages, world: World) -> None:
    """PRB-13."""
    case = world.case()
    probe = world.probe(case.id, 5, 1)
    made = pages("searcher").post(f"/case/{case.id}/{probe.id}/ask", {**ANSWERS, "face": "1"})["Location"]
    file = cases.view_case(world.services, world.as_("searcher"), case=case.id)
    assert file.requests[0].face == 1
    page = text(pages("supervisor"), made)
    assert page.count('class="outline"') == 1


def test_what_is_to_be_known_of_the_image_stands_where_the_face_is_picked_and_where_it_is_decided(
    pages: Pages, world: World
) -> None:
    case = world.case()
    data = picture(1, variation=3) + b"more than an image"
    probe = cases.add_probe(world.services, world.as_("searcher"), case=case.id, data=data, name="probe.png")
    asking = f"/case/{case.id}/{probe.id}/ask"
    made = pages("searcher").post(asking, ANSWERS)["Location"]
    for name, address in (("searcher", asking), ("searcher", f"/case/{case.id}"), ("supervisor", made)):
        assert "18 bytes follow the picture" in text(pages(name), address), address


def test_a_supervisor_sees_everything_that_was_asked_and_decides(pages: Pages, world: World) -> None:
    filters = Filters(
        sex=Sex.FEMALE, age_from=20, age_to=40, taken_from=date(2020, 1, 1), agencies=frozenset({agency(world, "NRP")})
    )
    record = world.request(1, filters=filters)
    page = text(pages("supervisor"), f"/request/{record.id}")
    for fact in (
        "Robbery (CC 344)",
        "A person of interest",
        "Common law<br>R. v. Example",
        "Recording of a surveillance camera",
        "No other lead; one face, one search.",
        "Volunteered by the shop&#x27;s owner.",
        "Services: Northridge Police",
        "Sex: Female",
        "Age on the day of the search: 20 to 40",
        "Date of the photograph: from 2020-01-01",
        "Person2 Doe",
        record.probe.sha256,
    ):
        assert fact in page, fact
    answer = pages("supervisor").post(
        f"/request/{record.id}/decision",
        {"decision": "decline", "reason": "A witness named the person already."},
    )
    assert answer.status_code == 302
    page = text(pages("searcher"), f"/request/{record.id}")
    assert "Declined" in page
    assert "A witness named the person already." in page


def test_declining_without_a_reason_is_explained_and_changes_nothing(pages: Pages, world: World) -> None:
    record = world.request(1)
    answer = pages("supervisor").post(f"/request/{record.id}/decision", {"decision": "decline", "reason": "  "})
    assert answer.status_code == 422
    assert b"Say why the request is declined." in answer.content
    assert "Waiting for a decision" in text(pages("searcher"), f"/request/{record.id}")


def test_an_incomplete_request_loses_nothing_and_says_what_is_missing(pages: Pages, world: World) -> None:
    """LAW-01."""
    case = world.case()
    probe = world.probe(case.id, 1)
    answer = pages("searcher").post(
        f"/case/{case.id}/{probe.id}/ask",
        {
            "face": "0",
            "purpose": "victim",
            "necessity": "  typed already  ",
            "age_from": "30",
            "taken_to": "2024-02-29",
        },
    )
    page = answer.content.decode()
    assert answer.status_code == 403
    assert page.count("This is missing.") == 5
    assert '<option value="victim" selected>' in page
    assert "typed already" in page
    assert 'value="30"' in page
    assert 'value="2024-02-29"' in page
    assert re.search(r'name="face" value="0"\s+checked', page)
    assert newest(world)[0][0] == "action.refused"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"age_from": "40", "age_to": "20"}, "The end lies before the beginning."),
        ({"taken_from": "2024-01-02", "taken_to": "2024-01-01"}, "The end lies before the beginning."),
        ({"age_from": "old"}, "Enter a whole number."),
        ({"age_to": "-1"}, "greater than or equal to 0"),
        ({"taken_from": "yesterday"}, "Enter a valid date."),
        ({"offence_code": "CC 334"}, "not one of the available choices"),
        ({"purpose": "immigration"}, "not one of the available choices"),
        ({"source": "social-media"}, "not one of the available choices"),
        ({"sex": "race"}, "not one of the available choices"),
    ],
)
def test_a_value_that_cannot_be_is_explained_beside_its_field(
    pages: Pages, world: World, changes: dict[str, str], words: str
) -> None:
    """LAW-03, LAW-04, SRCH-05."""
    case = world.case()
    probe = world.probe(case.id, 1)
    answer = pages("searcher").post(f"/case/{case.id}/{probe.id}/ask", {**ANSWERS, **changes})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert cases.view_case(world.services, world.as_("searcher"), case=case.id).requests == ()


def test_the_form_has_no_filter_for_race(pages: Pages, world: World) -> None:
    """SRCH-05."""
    case = world.case()
    probe = world.probe(case.id, 1)
    names = set(re.findall(r'name="(\w+)"', text(pages("searcher"), f"/case/{case.id}/{probe.id}/ask")))
    assert names == {*ANSWERS, "agencies", "sex", "age_from", "age_to", "taken_from", "taken_to"} | {
        "csrfmiddlewaretoken",
        "next",
        "language",
        "viewport",
    }


def test_the_candidates_stand_in_order_beside_the_probe_with_what_the_search_compared(
    pages: Pages, world: World, searched: RequestId
) -> None:
    """SRCH-01, SRCH-05, SRCH-06, SRCH-07."""
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=searched)
    page = text(pages("searcher"), f"/request/{searched}/candidates")
    assert "An investigative lead, not an identification." in page
    assert "order is not evidence" in page
    assert "4 eligible photographs, 4 compared" in page
    for particular in (view.search.certificate, view.search.log_entry, view.search.contract.id):
        assert particular in page
    places = [page.index(str(photo)) for c in view.search.candidates for photo in c.photographs]
    assert places == sorted(places)
    assert "L-1" in page
    assert "Lakeshore Police" in page


def test_a_service_that_a_filter_left_out_is_not_said_to_have_been_searched(
    pages: Pages, world: World, enrol: Enrol
) -> None:
    """SRCH-05."""
    enrol(1, by="partner records officer")
    request = world.approved(1, filters=Filters(agencies=frozenset({agency(world, "LKS")})))
    search(world.services, world.as_("searcher"), request=request)
    page = text(pages("searcher"), f"/request/{request}/candidates")
    assert re.findall(r"<dt>Services searched</dt><dd>(.*?)</dd>", page) == ["Lakeshore Police"]


def test_no_score_and_no_percentage_is_on_the_candidates_page(pages: Pages, world: World, searched: RequestId) -> None:
    """SRCH-04."""
    for language in ("en", "fr"):
        page = text(pages("searcher", language=language), f"/request/{searched}/candidates")
        words = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
        assert "%" not in words
        assert re.findall(r"\d[.,]\d", words) == []
        view = viewing.view_candidates(world.services, world.as_("searcher"), request=searched)
        for candidate in view.search.candidates:
            assert f"{candidate.score:.2f}" not in words
            assert candidate.score.hex() not in words


def test_an_empty_list_is_a_normal_answer_and_is_explained(pages: Pages, world: World) -> None:
    """SRCH-01."""
    request = world.approved(1)
    client = pages("searcher")
    page = text(client, client.post(f"/request/{request}/search")["Location"])
    assert "No candidate. This is a normal answer." in page
    assert "does not mean that the person is not in the gallery" in page


def test_candidates_before_the_search_are_a_conflict(pages: Pages, world: World) -> None:
    page = text(pages("searcher"), f"/request/{world.approved(1)}/candidates", 409)
    assert "search.not-run" in page


def test_a_record_explains_ground_youth_disposition_and_quarantine(pages: Pages, enrol: Enrol) -> None:
    offences = (Offence("CC 175", None, committed_on=date(2024, 5, 1), disposition=Disposition.WITHDRAWN),)
    new = enrol(3, offences=offences, youth=Youth.UNKNOWN, taken_on=None, person_number="P-3")
    client = pages("records officer")
    address = client.post("/records", {"person_number": " P-3 "})["Location"]
    assert address == f"/record/{new.subject_id}"
    page = text(client, address)
    for words in (
        "Northridge Police",
        "Withdrawn",
        "None stated",
        "Age at the time of the offence not known",
        "In quarantine, never searched",
        "No offence of this booking has a ground",
        "The date of the photograph is missing.",
    ):
        assert words in page, words


def test_an_unknown_person_number_is_explained_and_kept_in_its_field(pages: Pages) -> None:
    answer = pages("records officer").post("/records", {"person_number": "P-999"})
    assert answer.status_code == 404
    assert b'value="P-999"' in answer.content


def test_a_records_officer_sees_how_much_is_enrolled_and_quarantined(pages: Pages, enrol: Enrol) -> None:
    enrol(1)
    enrol(2, taken_on=None)
    counts = re.findall(r"<dd>(\d+)</dd>", text(pages("records officer"), "/"))
    assert counts == ["2", "2", "1", "1"]


def test_an_auditor_reads_who_did_what_and_that_they_looked(pages: Pages, world: World) -> None:
    world.case("2026-9")
    page = text(pages("auditor"), "/")
    assert "Case opened" in page
    assert "Log shown" in page
    assert "Person2 Doe" in page


def test_a_closed_case_takes_nothing_more(pages: Pages, world: World) -> None:
    record = world.request(1)
    client = pages("searcher")
    assert client.post(f"/case/{record.case.id}/close").status_code == 302
    page = text(client, f"/case/{record.case.id}")
    assert "This case is closed" in page
    assert 'type="file"' not in page
    answer = client.post(f"/case/{record.case.id}/probes", {"image": upload(world, 1)})
    assert answer.status_code == 403
    assert "Closed cases" in text(client, "/")
    approve = pages("supervisor").post(f"/request/{record.id}/decision", {"decision": "approve"})
    assert (approve.status_code, b"gate.closed-case" in approve.content) == (403, True)


def test_a_case_number_that_is_taken_or_empty_is_explained_and_kept(pages: Pages, world: World) -> None:
    world.case("2026-1")
    client = pages("searcher")
    taken, empty = client.post("/cases", {"number": "2026-1"}), client.post("/cases", {"number": " "})
    assert (taken.status_code, empty.status_code) == (409, 422)
    assert b'value="2026-1"' in taken.content
    assert b"There is already a case 2026-1." in taken.content


def test_every_image_that_is_shown_is_in_the_log_first(pages: Pages, world: World) -> None:
    probe = world.probe(world.case().id, 1)
    answer = pages("searcher").get(f"/probe/{probe.id}/image")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert b"Exif" not in answer.content
    kind, body = newest(world)[0]
    assert kind == "image.viewed"
    assert str(probe.id).encode() in body


@pytest.mark.parametrize("address", ["/cases", "/records"])
def test_a_form_s_address_leads_back_to_the_work(pages: Pages, address: str) -> None:
    assert pages("searcher").get(address)["Location"] == "/"


def test_a_form_s_address_in_a_case_or_request_leads_back_to_it(pages: Pages, world: World) -> None:
    record = world.request(1)
    client = pages("searcher")
    assert client.get(f"/case/{record.case.id}/probes")["Location"] == f"/case/{record.case.id}"
    assert client.get(f"/request/{record.id}/decision")["Location"] == f"/request/{record.id}"


def test_a_second_decision_is_refused(pages: Pages, world: World) -> None:
    """LAW-09."""
    record = world.request(1)
    requests.approve_request(world.services, world.as_("supervisor"), request=record.id)
    answer = pages("supervisor").post(f"/request/{record.id}/decision", {"decision": "decline", "reason": "Too late"})
    assert (answer.status_code, b"gate.already-decided" in answer.content) == (403, True)


def agency(world: World, code: str) -> str:
    return next(p.agency.id for p, _ in world.people.values() if p.agency.code == code)


def upload(world: World, *identities: int) -> object:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("probe.png", picture(*identities, variation=3), "image/png")
