"""Cases and probes (PRB-01, PRB-13): opened, filled, closed; and nothing after that."""

from __future__ import annotations

import hashlib

import pytest
from tests.workflows.conftest import World

from custodes.engine.fake import picture
from custodes.errors import Conflict, FaceError, ImageError, InputError, NotFound, Refused
from custodes.ids import CaseId
from custodes.store import casework, subjects
from custodes.store.models import Probe, SealedImage
from custodes.workflows import cases


def test_a_case_is_opened_and_closed_by_name(world: World) -> None:
    case = world.case("2026-7")
    assert (case.number, case.is_open, case.opened_by) == ("2026-7", True, "Person2 Doe")
    assert cases.case_by_number(world.services, world.as_("supervisor"), number="2026-7") == case
    closed = cases.close_case(world.services, world.as_("supervisor"), case=case.id)
    assert closed.closed_at == world.clock.now()
    assert [entry["kind"] for entry in world.log(2)] == ["case.closed", "case.opened"]


@pytest.mark.parametrize("number", ["", "   ", "x" * 61])
def test_a_case_without_a_usable_number_is_rejected(number: str, world: World) -> None:
    with pytest.raises(InputError, match=r"case\.number"):
        world.case(number)
    assert casework.cases(world.person("searcher").agency.id) == []


def test_a_case_number_is_used_once_by_each_service(world: World) -> None:
    world.case("1")
    world.case("1", by="partner searcher")
    size = world.services.entries.size()
    with pytest.raises(Conflict, match=r"case\.exists"):
        world.case(" 1 ")
    assert world.services.entries.size() == size + 1


def test_a_closed_case_is_closed_once_and_for_good(world: World) -> None:
    case = world.case()
    closed = cases.close_case(world.services, world.as_("searcher"), case=case.id)
    world.clock.advance(days=1)
    with pytest.raises(Refused, match=r"gate\.closed-case"):
        cases.close_case(world.services, world.as_("searcher"), case=case.id)
    assert casework.case(case.id).closed_at == closed.closed_at


@pytest.mark.parametrize("who", ["administrator", "auditor", "records officer"])
def test_whoever_has_no_casework_cannot_even_ask_whether_a_case_exists(who: str, world: World) -> None:
    """IAM-05: the same answer for a case that exists and one that does not."""
    world.case("1")
    for number in ("1", "2"):
        with pytest.raises(Refused, match=r"gate\.role"):
            cases.case_by_number(world.services, world.as_(who), number=number)


def test_another_services_case_is_not_found_by_its_number_nor_shown_by_its_id(world: World) -> None:
    case = world.case("1")
    with pytest.raises(NotFound, match=r"case\.unknown"):
        cases.case_by_number(world.services, world.as_("partner searcher"), number="1")
    with pytest.raises(Refused, match=r"gate\.own-agency"):
        cases.view_case(world.services, world.as_("partner searcher"), case=case.id)


def test_looking_at_a_case_is_in_the_log(world: World) -> None:
    made = world.request(1)
    file = cases.view_case(world.services, world.as_("supervisor"), case=made.case.id)
    assert [request.id for request in file.requests] == [made.id]
    assert [probe.id for probe in file.probes] == [made.probe.id]
    assert (world.log()[0]["kind"], world.log()[0]["case"]) == ("case.viewed", made.case.id)


# --- probes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_original_bytes_of_a_probe_are_kept_as_they_came(kind: str, world: World) -> None:
    """PRB-01."""
    case = world.case()
    data = picture(1, kind=kind)
    probe = cases.add_probe(world.services, world.as_("searcher"), case=case.id, data=data, name=f"a.{kind}")
    assert subjects.original_bytes(world.services.vault, probe.id) == data
    assert probe.sha256 == hashlib.sha256(data).hexdigest()
    assert (probe.format.upper(), len(probe.faces)) == (kind, 1)


def test_faces_are_located_but_not_templated(world: World) -> None:
    """PRB-13."""
    probe = world.probe(world.case().id, 1, 2, 3)
    assert len(probe.faces) == 3
    assert len(casework.probe(probe.id).faces) == 3
    assert set(Probe._meta.get_field("faces").to_python(Probe.objects.get().faces)[0]) == {
        "box",
        "landmarks",
        "quality",
        "confidence",
    }


@pytest.mark.parametrize(
    "data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", picture(1)[:200], picture(1)[:-40]], ids=len
)
def test_what_is_no_whole_image_leaves_nothing_but_its_entry(data: bytes, world: World) -> None:
    case = world.case()
    size, keys = world.services.entries.size(), world.services.vault.keys.count()  # type: ignore[attr-defined]
    with pytest.raises(ImageError):
        cases.add_probe(world.services, world.as_("searcher"), case=case.id, data=data, name="secret name.png")
    assert (Probe.objects.count(), SealedImage.objects.count()) == (0, 0)
    assert world.services.vault.keys.count() == keys  # type: ignore[attr-defined]
    assert world.services.entries.size() == size + 1
    assert (world.log()[0]["kind"], world.log()[0]["case"]) == ("input.rejected", case.id)
    assert "secret name" not in str(world.log())


def test_an_image_without_a_face_is_rejected(world: World) -> None:
    case = world.case()
    with pytest.raises(FaceError, match=r"face\.none"):
        world.probe(case.id)
    assert Probe.objects.count() == 0


@pytest.mark.parametrize("name", [None, "", "naïve name.png", "broken\udcff.png", "../../x.png", "n" * 5000])
def test_whatever_the_file_is_called_the_probe_is_added(name: str | None, world: World) -> None:
    """A file name may be bytes that are no text; that must not stop the log."""
    case = world.case()
    probe = cases.add_probe(world.services, world.as_("searcher"), case=case.id, data=picture(1), name=name)
    assert casework.probe(probe.id) == probe


def test_a_probe_in_a_closed_case_is_refused(world: World) -> None:
    case = world.case()
    cases.close_case(world.services, world.as_("searcher"), case=case.id)
    with pytest.raises(Refused, match=r"gate\.closed-case"):
        world.probe(case.id, 1)


def test_a_case_that_is_closed_while_an_image_is_decoded_takes_it_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack on the time between check and use."""
    case = world.case()
    detect = world.services.engine.detect

    def closing(pixels: object) -> object:
        cases.close_case(world.services, world.as_("supervisor"), case=case.id)
        return detect(pixels)  # type: ignore[arg-type]

    monkeypatch.setattr(world.services.engine, "detect", closing)
    with pytest.raises(Refused, match=r"gate\.closed-case"):
        world.probe(case.id, 1)
    assert Probe.objects.count() == 0


@pytest.mark.parametrize("who", ["supervisor", "administrator", "records officer", "partner searcher"])
def test_only_a_searcher_of_the_own_service_adds_a_probe(who: str, world: World) -> None:
    case = world.case()
    with pytest.raises(Refused):
        world.probe(case.id, 1, by=who)
    assert SealedImage.objects.count() == 0


def test_a_case_that_does_not_exist_takes_nothing(world: World) -> None:
    with pytest.raises(NotFound, match=r"case\.unknown"):
        world.probe(CaseId("cas_" + "0" * 26), 1)
