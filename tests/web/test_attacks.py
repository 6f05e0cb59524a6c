"""What somebody might try against the pages, by name."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from PIL import Image
from tests.web.conftest import ANSWERS, PASSWORD, Pages, World, newest, text

from custodes.app import process
from custodes.engine.fake import picture
from custodes.ids import CaseId, RequestId
from custodes.store.models import GalleryEntry
from custodes.types import Role
from custodes.workflows import cases, people


def png(*identities: int, name: str = "probe.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture(*identities, variation=3))


def test_the_case_of_another_service_is_refused_and_the_refusal_is_logged(pages: Pages, world: World) -> None:
    case = world.case("L-1", by="partner searcher")
    assert "gate.own-agency" in text(pages("searcher"), f"/case/{case.id}", 403)
    kind, body = newest(world)[0]
    assert kind == "action.refused"
    assert b"gate.own-agency" in body


def test_the_image_of_another_service_s_probe_is_refused(pages: Pages, world: World) -> None:
    case = world.case("L-1", by="partner searcher")
    probe = world.probe(case.id, 1, by="partner searcher")
    assert pages("searcher").get(f"/probe/{probe.id}/image").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/case/cas_00000000000000000000000000",
        "/request/req_00000000000000000000000000",
        "/record/sbj_00000000000000000000000000",
        "/probe/prb_00000000000000000000000000/image",
        "/photograph/pho_00000000000000000000000000/image",
    ],
)
def test_an_unknown_id_is_not_found(pages: Pages, address: str) -> None:
    text(pages("searcher"), address, 404)


@pytest.mark.parametrize(
    "address",
    ["/case/1", "/case/req_00000000000000000000000000", "/case/cas_0000000000000000000000000u", "/case/..%2f..%2fetc"],
)
def test_a_malformed_id_is_no_page(pages: Pages, address: str) -> None:
    page = text(pages("searcher"), address, 404)
    assert "page.unknown" in page


@pytest.mark.parametrize("face", ["1", "-1", "99", "zero", "0x0", "0 OR 1=1"])
def test_a_forged_face_index_is_refused(pages: Pages, world: World, face: str) -> None:
    """PRB-13."""
    case = world.case()
    probe = world.probe(case.id, 1)
    answer = pages("searcher").post(f"/case/{case.id}/{probe.id}/ask", {**ANSWERS, "face": face})
    assert answer.status_code in (403, 422)
    assert cases.view_case(world.services, world.as_("searcher"), case=case.id).requests == ()


def test_the_probe_of_another_case_cannot_be_asked_about(pages: Pages, world: World) -> None:
    first, second = world.case("1"), world.case("2")
    probe = world.probe(first.id, 1)
    assert pages("searcher").post(f"/case/{second.id}/{probe.id}/ask", ANSWERS).status_code == 404


def test_approving_one_s_own_request_with_both_roles_is_refused(pages: Pages, world: World) -> None:
    """LAW-09."""
    record = world.request(1)
    boss = world.as_("administrator")
    people.grant_role(world.services, boss, account=world.person("searcher").id, role=Role.SUPERVISOR)
    client = pages("searcher")
    assert client.post("/role", {"role": "supervisor"}).status_code == 302
    answer = client.post(f"/request/{record.id}/decision", {"decision": "approve"})
    assert (answer.status_code, b"gate.second-person" in answer.content) == (403, True)


def test_acting_in_a_role_one_does_not_hold_is_refused(pages: Pages) -> None:
    """IAM-02."""
    client = pages("searcher")
    for role in ("auditor", "administrator", "", "root"):
        assert client.post("/role", {"role": role}).status_code == 403
    assert "My requests" in text(client, "/")


def test_a_role_that_was_written_into_the_session_is_not_believed(pages: Pages) -> None:
    client = pages("searcher")
    session = client.session
    session["role"] = "auditor"
    session.save()
    assert "My requests" in text(client, "/")


def test_searching_without_approval_through_its_address_is_refused(pages: Pages, world: World) -> None:
    """LAW-09."""
    record = world.request(1)
    answer = pages("searcher").post(f"/request/{record.id}/search")
    assert (answer.status_code, b"gate.not-approved" in answer.content) == (403, True)


def test_another_searcher_cannot_use_somebody_s_approval(pages: Pages, world: World) -> None:
    request = world.approved(1)
    answer = pages("other searcher").post(f"/request/{request}/search")
    assert (answer.status_code, b"gate.own-request" in answer.content) == (403, True)


@pytest.mark.parametrize(
    "address",
    ["/sign-in", "/sign-out", "/role", "/language", "/cases", "/records", "/case/{case}/close", "/case/{case}/probes"],
)
def test_a_form_without_its_token_is_refused(pages: Pages, world: World, address: str) -> None:
    client = pages("searcher", strict=True)
    answer = client.post(address.format(case=world.case().id), {"number": "x"})
    assert (answer.status_code, b"page.foreign-form" in answer.content) == (403, True)


@pytest.mark.parametrize(
    "address", ["/sign-out", "/role", "/language", "/case/{case}/close", "/request/{request}/search"]
)
def test_nothing_is_changed_by_following_a_link(pages: Pages, world: World, address: str) -> None:
    record = world.request(1)
    answer = pages("searcher").get(address.format(case=record.case.id, request=record.id))
    assert answer.status_code == 405


def test_a_session_ends_when_the_password_changes(pages: Pages, world: World) -> None:
    from custodes.store.models import Account

    client = pages("searcher")
    row = Account.objects.get(uid=world.person("searcher").id)
    row.set_password("another passphrase for tests")
    row.save()
    assert client.get("/").status_code == 302
    assert "account" not in client.session


def test_a_session_ends_when_the_account_does(pages: Pages, world: World) -> None:
    from custodes.store.models import Account

    client = pages("searcher")
    Account.objects.filter(uid=world.person("searcher").id).update(state="suspended")
    assert client.get("/").status_code == 302


def test_a_session_s_key_from_before_the_sign_in_is_worth_nothing(world: World) -> None:
    """Session fixation."""
    client = Client()
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["custodes"] = planted = str(session.session_key)
    client.post("/sign-in", {"email": world.person("searcher").email, "password": PASSWORD})
    assert client.cookies["custodes"].value != planted
    assert "planted" not in client.session


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\x00//evil.example",
        "evil",
    ],
)
def test_next_never_leads_to_another_site(world: World, target: str) -> None:
    client = Client()
    form = {"email": world.person("searcher").email, "password": PASSWORD, "next": target}
    assert client.post("/sign-in", form)["Location"] == "/"
    assert client.post("/language", {"language": "fr", "next": target})["Location"] == "/"


def test_script_in_what_people_typed_is_text(pages: Pages, world: World) -> None:
    """Cross-site scripting."""
    attack = '<script>alert(1)</script>"onload="alert(2)'
    record = world.request(1, number=attack, necessity=attack, how_obtained=attack, authority_reference=attack)
    for client, address in (
        (pages("searcher"), "/"),
        (pages("searcher"), f"/case/{record.case.id}"),
        (pages("searcher"), f"/case/{record.case.id}/{record.probe.id}/ask"),
        (pages("supervisor"), f"/request/{record.id}"),
    ):
        page = text(client, address)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert not re.search(r'"\s*onload=', page)
    again = pages("searcher").post("/cases", {"number": attack})
    assert b"<script>alert" not in again.content
    assert b"<script>alert" not in Client().get("/sign-in", {"next": attack}).content


def _jpeg(size: tuple[int, int] = (64, 64)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "grey").save(out, "JPEG")
    return out.getvalue()


def _gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"this is no image", "a.png", "image.not-an-image"),
        (b"", "empty.png", "image.empty"),
        (picture(1)[:-40], "cut.png", "image.truncated"),
        (picture(1), "wrong.jpg", "image.wrong-extension"),
        (_gif(), "nobody.gif", "face.none"),
        (b"8BPS\x00\x01" + bytes(40), "a.psd", "image.format-not-accepted"),
        (_jpeg(), "nobody.jpg", "face.none"),
        (_jpeg()[:200], "cut.jpg", "image."),
        (picture(1)[:60] + b"\x00" * 400, "damaged.png", "image."),
        (b"%PDF-1.7\n" + b"0" * 100, "a.pdf", "image."),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg", "image."),
    ],
    ids=["text", "empty", "cut-png", "extension", "gif", "photoshop", "nobody", "cut-jpeg", "damaged", "pdf", "svg"],
)
def test_a_bad_file_gives_one_clear_error_and_an_entry_in_the_log(
    pages: Pages, world: World, data: bytes, name: str, code: str
) -> None:
    case = world.case()
    answer = pages("searcher").post(f"/case/{case.id}/probes", {"image": SimpleUploadedFile(name, data)})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count('role="alert"') == 1
    assert f"<code>{code}" in page
    assert ("input.rejected", True) in [(kind, b'"code":"' in body) for kind, body in newest(world, 3)]
    assert cases.view_case(world.services, world.as_("searcher"), case=case.id).probes == ()


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(pages: Pages, world: World) -> None:
    """SEC-05."""
    case = world.case()
    world.services.config = replace(world.services.config, max_image_pixels=1000)
    answer = pages("searcher").post(f"/case/{case.id}/probes", {"image": png(1)})
    assert (answer.status_code, b"image.too-many-pixels" in answer.content) == (422, True)


@override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_an_upload_over_the_limit_is_dropped_and_explained(pages: Pages, world: World) -> None:
    """SEC-05."""
    case = world.case()
    answer = pages("searcher").post(f"/case/{case.id}/probes", {"image": SimpleUploadedFile("a.png", b"0" * 2000)})
    assert (answer.status_code, b"upload.too-large" in answer.content) == (422, True)
    assert b"upload.too-large" in newest(world, 2)[1][1]


@pytest.mark.parametrize(("files", "code"), [(0, b"upload.nothing"), (2, b"upload.several")])
def test_a_probe_is_one_file(pages: Pages, world: World, files: int, code: bytes) -> None:
    case = world.case()
    answer = pages("searcher").post(f"/case/{case.id}/probes", {"image": [png(1) for _ in range(files)]})
    assert (answer.status_code, code in answer.content) == (422, True)


def test_forty_faces_can_be_chosen_from(pages: Pages, world: World) -> None:
    case = world.case()
    data = picture(*range(40), size=(1200, 500), cell=5)
    asking = pages("searcher").post(f"/case/{case.id}/probes", {"image": SimpleUploadedFile("crowd.png", data)})
    assert text(pages("searcher"), asking["Location"]).count('name="face"') == 40


def test_a_file_s_name_never_comes_back(pages: Pages, world: World) -> None:
    """SEC-07: a name may name a person."""
    case = world.case()
    client = pages("searcher")
    client.post(f"/case/{case.id}/probes", {"image": png(1, name="Jane Roe.png")})
    assert "Jane Roe" not in text(client, f"/case/{case.id}")
    assert all(b"Jane Roe" not in body for _, body in newest(world, 5))


def test_an_enormous_form_is_refused_with_a_page(pages: Pages) -> None:
    answer = pages("searcher").post("/cases", {"number": "9" * 1_100_000})
    assert (answer.status_code, b"page.bad-request" in answer.content) == (400, True)


def test_an_unforeseen_error_shows_no_trace_of_the_program(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    client = pages("searcher")
    client.raise_request_exception = False
    monkeypatch.setattr("custodes.web.views.work.services", broken)
    answer = client.get("/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "page.unexpected" in page
    assert answer["X-Request-Id"] in page
    assert "secret detail" not in page
    assert "Traceback" not in page


def test_without_an_installation_the_sign_in_says_so(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    process.set_services(None)
    answer = Client().post("/sign-in", {"email": "a@b.example", "password": "x"})
    assert (answer.status_code, b"installation.none" in answer.content) == (500, True)


def test_ids_of_the_wrong_kind_cannot_be_exchanged() -> None:
    from custodes.errors import InputError

    with pytest.raises(InputError):
        CaseId.parse(str(RequestId("req_00000000000000000000000000")))


def test_a_source_that_is_not_on_the_list_leaves_one_rejection(pages: Pages, world: World) -> None:
    """LAW-04."""
    case = world.case()
    probe, client = world.probe(case.id, 1), pages("searcher")
    size = world.services.entries.size()
    client.post(f"/case/{case.id}/{probe.id}/ask", {**ANSWERS, "source": "social-media"})
    assert world.services.entries.size() == size + 2, "the case was shown, the value rejected"
    kind, body = newest(world)[0]
    assert (kind, b"request.unknown-value" in body, b"social" in body) == ("input.rejected", True, False)


def test_a_role_not_held_leaves_one_entry(pages: Pages, world: World) -> None:
    client = pages("searcher")
    size = world.services.entries.size()
    client.post("/role", {"role": "auditor"})
    assert world.services.entries.size() == size + 1
    assert b"session.role-not-held" in newest(world)[0][1]


def test_a_forged_form_leaves_one_entry(pages: Pages, world: World) -> None:
    client = pages("searcher", strict=True)
    size = world.services.entries.size()
    assert client.post("/cases", {"number": "1"}).status_code == 403
    assert world.services.entries.size() == size + 1
    assert b"page.foreign-form" in newest(world)[0][1]


def test_a_candidate_quarantined_since_the_search_is_listed_with_the_reason(pages: Pages, searched: RequestId) -> None:
    GalleryEntry.objects.update(barriers=1)
    page = text(pages("searcher"), f"/request/{searched}/candidates")
    assert "Quarantined or removed since the search" in page
    assert "/photograph/" not in page
    assert "Mise en quarantaine" in text(pages("searcher", language="fr"), f"/request/{searched}/candidates")
