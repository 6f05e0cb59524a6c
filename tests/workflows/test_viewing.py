"""Looking: only those who need to, and every look in the log before it is a page."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from tests.workflows.conftest import World

from custodes.errors import NotFound, NotSignedIn, Refused
from custodes.ids import PhotographId, SubjectId
from custodes.store.enrolment import NewPhotograph
from custodes.types import Barrier, Youth
from custodes.workflows import cases, people, viewing
from custodes.workflows.gallery import check_balance, compare_and_log
from custodes.workflows.search import search


def _searched(world: World, *identities: int) -> None:
    search(world.services, world.as_("searcher"), request=world.approved(*identities))


@pytest.fixture
def enrolled(world: World) -> NewPhotograph:
    return world.enrol(1, agency="LKS")


# --- records ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["searcher", "supervisor", "administrator", "auditor", "records officer"])
def test_a_record_that_no_search_returned_is_not_shown(who: str, world: World, enrolled: NewPhotograph) -> None:
    """IAM-05, and no browsing of the gallery."""
    for look in (
        lambda: viewing.view_record(world.services, world.as_(who), subject=enrolled.subject_id),
        lambda: viewing.view_photograph(world.services, world.as_(who), photograph=enrolled.photograph_id),
    ):
        size = world.services.entries.size()
        with pytest.raises(Refused):
            look()
        assert world.services.entries.size() == size + 1
        assert world.log()[0]["kind"] == "action.refused"


@pytest.mark.parametrize("who", ["searcher", "supervisor"])
def test_a_candidate_is_shown_to_the_service_whose_search_returned_it(
    who: str, world: World, enrolled: NewPhotograph
) -> None:
    _searched(world, 1)
    record = viewing.view_record(world.services, world.as_(who), subject=enrolled.subject_id)
    assert record.id == enrolled.subject_id
    assert (world.log()[0]["kind"], world.log()[0]["targets"]) == ("record.viewed", [enrolled.subject_id])
    with pytest.raises(Refused, match=r"gate\.no-need-to-see"):
        viewing.view_record(world.services, world.as_("partner searcher"), subject=enrolled.subject_id)


def test_the_records_officer_sees_the_own_services_records_only(world: World, enrolled: NewPhotograph) -> None:
    _searched(world, 1)
    assert viewing.view_record(world.services, world.as_("partner records officer"), subject=enrolled.subject_id)
    with pytest.raises(Refused, match=r"gate\.own-agency"):
        viewing.view_record(world.services, world.as_("records officer"), subject=enrolled.subject_id)


@pytest.mark.parametrize("hidden", [{"youth": Youth.YES}, {"taken_on": None}, {"ground": None}], ids=str)
def test_an_examiner_does_not_see_what_may_not_be_searched(hidden: dict[str, Any], world: World) -> None:
    """YCJA: an adult booking in the list opens no door to the same person's youth booking."""
    adult = world.enrol(1, person_number="P", booking_number="adult")
    other = world.enrol(1, person_number="P", booking_number="hidden", variation=1, **hidden)
    _searched(world, 1)
    seen = viewing.view_record(world.services, world.as_("searcher"), subject=adult.subject_id)
    assert [booking.booking_number for booking in seen.bookings] == ["adult"]
    (listed,) = viewing.view_candidates(
        world.services,
        world.as_("searcher"),
        request=world.services.entries.newest(1, kind="search")[0].request,  # type: ignore[arg-type]
    ).subjects
    assert listed == seen
    with pytest.raises(Refused, match=r"gate\.quarantined"):
        viewing.view_photograph(world.services, world.as_("searcher"), photograph=other.photograph_id)
    officer = viewing.view_record(world.services, world.as_("records officer"), subject=adult.subject_id)
    assert [bool(p.barriers) for b in officer.bookings for p in b.photographs] == [False, True]
    assert viewing.view_photograph(world.services, world.as_("records officer"), photograph=other.photograph_id)


def test_a_record_says_why_it_is_quarantined(world: World) -> None:
    new = world.enrol(1, ground=None, youth=Youth.YES)
    record = viewing.view_record(world.services, world.as_("records officer"), subject=new.subject_id)
    assert record.bookings[0].photographs[0].barriers == Barrier.NO_GROUND | Barrier.YOUTH
    assert record.bookings[0].offences == tuple(new.offences)


def test_a_person_number_is_no_oracle_for_who_is_in_the_gallery(world: World) -> None:
    """An examiner gets one answer for people in the gallery and people not in it."""
    world.enrol(1, person_number="known")
    for number in ("known", "unknown"):
        with pytest.raises(Refused, match=r"gate\.no-need-to-see"):
            viewing.subject_by_number(world.services, world.as_("searcher"), person_number=number)
        with pytest.raises(Refused, match=r"gate\.role"):
            viewing.subject_by_number(world.services, world.as_("administrator"), person_number=number)
    assert viewing.subject_by_number(world.services, world.as_("records officer"), person_number="known")
    with pytest.raises(NotFound, match=r"record\.unknown"):
        viewing.subject_by_number(world.services, world.as_("records officer"), person_number="unknown")


def test_the_same_number_at_another_service_is_another_person(world: World) -> None:
    world.enrol(1, person_number="P", agency="LKS")
    with pytest.raises(NotFound):
        viewing.subject_by_number(world.services, world.as_("records officer"), person_number="P")


@pytest.mark.parametrize("who", ["searcher", "records officer"])
def test_what_does_not_exist_is_not_found(who: str, world: World) -> None:
    with pytest.raises(NotFound, match=r"record\.unknown"):
        viewing.view_record(world.services, world.as_(who), subject=SubjectId("sbj_x"))
    with pytest.raises(NotFound, match=r"record\.unknown"):
        viewing.view_photograph(world.services, world.as_(who), photograph=PhotographId("pho_x"))


# --- images -----------------------------------------------------------------------------------------


def test_an_image_is_shown_as_a_small_jpeg_without_metadata(world: World, enrolled: NewPhotograph) -> None:
    preview = viewing.view_photograph(
        world.services, world.as_("partner records officer"), photograph=enrolled.photograph_id
    )
    with Image.open(io.BytesIO(preview)) as image:
        assert image.format == "JPEG"
        assert max(image.size) <= 640
        assert not image.getexif()
    assert world.log()[0]["kind"] == "image.viewed"


def test_a_probe_is_shown_to_those_who_work_on_its_case(world: World) -> None:
    probe = world.probe(world.case().id, 1)
    assert viewing.view_probe(world.services, world.as_("supervisor"), probe=probe.id)
    assert (world.log()[0]["kind"], world.log()[0]["case"]) == ("image.viewed", probe.case)
    for who in ("partner searcher", "administrator", "auditor", "records officer"):
        with pytest.raises(Refused):
            viewing.view_probe(world.services, world.as_(who), probe=probe.id)


def test_a_request_is_shown_to_the_own_service(world: World) -> None:
    made = world.request(1)
    assert viewing.view_request(world.services, world.as_("supervisor"), request=made.id) == made
    with pytest.raises(Refused, match=r"gate\.own-agency"):
        viewing.view_request(world.services, world.as_("partner supervisor"), request=made.id)


@pytest.mark.parametrize("who", ["partner searcher", "administrator", "auditor", "records officer"])
def test_a_candidate_list_is_for_the_case_it_belongs_to(who: str, world: World) -> None:
    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    with pytest.raises(Refused):
        viewing.view_candidates(world.services, world.as_(who), request=request)


# --- work and log -----------------------------------------------------------------------------------


def test_everybody_sees_what_waits_for_them_and_nothing_else(world: World) -> None:
    made = world.request(1)
    world.case("partner case", by="partner searcher")
    work = {who: viewing.my_work(world.services, world.as_(who)) for who in world.people}
    assert [r.id for r in work["supervisor"].to_decide] == [made.id]
    assert [r.id for r in work["searcher"].mine] == [made.id]
    assert (work["searcher"].to_decide, work["other searcher"].mine) == ((), ())
    assert [c.number for c in work["partner searcher"].cases] == ["partner case"]
    assert work["partner supervisor"].to_decide == ()
    assert work["administrator"] == work["auditor"] == viewing.Work()
    assert work["records officer"].counts is not None
    cases.close_case(world.services, world.as_("searcher"), case=made.case.id)
    assert viewing.my_work(world.services, world.as_("supervisor")).to_decide == ()


def test_an_auditor_reads_the_log_and_that_is_in_the_log(world: World) -> None:
    """AUD-08."""
    made = world.request(1)
    lines = viewing.view_log(world.services, world.as_("auditor"), case=made.case.id)
    assert [line.entry.kind for line in lines] == ["request.made", "probe.added", "case.opened"]
    assert {line.actor_name for line in lines} == {"Person2 Doe"}
    assert world.log()[0]["kind"] == "log.viewed"
    mine = viewing.view_log(world.services, world.as_("auditor"), actor=world.person("auditor").id)
    assert {line.entry.kind for line in mine} == {"log.viewed"}
    assert world.log()[0]["targets"] == [world.person("auditor").id], "AUD-08: whose entries were looked at"


def test_what_the_installation_did_by_itself_is_told_from_what_a_stranger_or_a_person_did(world: World) -> None:
    """AUD-01: every entry says whose deed it is; one of nobody is not always the installation's."""
    nobody = replace(world.as_("auditor"), actor=None, agency=None, role=None)
    compare_and_log(world.services, nobody)
    check_balance(world.services, world.as_("auditor"))
    with pytest.raises(NotSignedIn):
        people.sign_in(world.services, nobody, email="nobody@nrp.example", password="a guess")
    lines = viewing.view_log(world.services, world.as_("auditor"))[1:4]
    assert [(line.entry.kind, line.is_by_installation) for line in lines] == [
        ("sign-in.failed", False),
        ("gallery.balanced", False),
        ("gallery.balanced", True),
    ]


def test_the_log_can_be_read_when_an_account_is_gone(world: World) -> None:
    from custodes.store.models import Account

    person = people.create_account(
        world.services,
        world.as_("administrator"),
        agency_code="NRP",
        email="gone.person@nrp.example",
        full_name="Gone Person",
        personnel_number="99",
        password="a passphrase for tests",
    )
    world.people["gone"] = (person, world.people["searcher"][1])
    people.sign_out(world.services, world.as_("gone"))
    Account.objects.filter(uid=person.id).delete()
    lines = viewing.view_log(world.services, world.as_("auditor"), actor=person.id)
    assert [line.actor_name for line in lines] == [""]


@pytest.mark.parametrize("who", ["searcher", "supervisor", "administrator", "records officer"])
def test_only_an_auditor_reads_the_log(who: str, world: World) -> None:
    with pytest.raises(Refused, match=r"gate\.role"):
        viewing.view_log(world.services, world.as_(who))


def test_a_look_at_ones_work_is_one_entry(world: World) -> None:
    """AUD-08: the list shows cases and who asked for what."""
    size = world.services.entries.size()
    viewing.my_work(world.services, world.as_("supervisor"))
    assert (world.services.entries.size(), world.log()[0]["kind"]) == (size + 1, "work.viewed")


def test_a_partners_record_is_hidden_again_when_the_case_is_closed(world: World, enrolled: NewPhotograph) -> None:
    request = world.approved(1)
    record = search(world.services, world.as_("searcher"), request=request)
    case = viewing.view_request(world.services, world.as_("searcher"), request=record.request).case
    cases.close_case(world.services, world.as_("searcher"), case=case.id)
    with pytest.raises(Refused, match=r"gate\.no-need-to-see"):
        viewing.view_record(world.services, world.as_("searcher"), subject=enrolled.subject_id)
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=request)
    assert (view.subjects[0].bookings, "closed" in view.notes[0]) == ((), True)


def test_a_partners_record_is_hidden_again_when_the_agreement_ends(world: World, enrolled: NewPhotograph) -> None:
    """SHR-01."""
    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    world.clock.advance(days=31)
    with pytest.raises(Refused, match=r"gate\.no-agreement"):
        viewing.view_photograph(world.services, world.as_("searcher"), photograph=enrolled.photograph_id)
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=request)
    assert (view.subjects[0].bookings, "agreement" in view.notes[0]) == ((), True)


def test_a_candidate_quarantined_since_is_listed_with_the_reason(world: World, enrolled: NewPhotograph) -> None:
    from custodes.store.models import GalleryEntry

    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    GalleryEntry.objects.update(barriers=Barrier.YOUTH.value)
    view = viewing.view_candidates(world.services, world.as_("searcher"), request=request)
    assert (view.subjects[0].bookings, "Quarantined" in view.notes[0]) == ((), True)
