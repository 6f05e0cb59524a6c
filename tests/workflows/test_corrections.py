"""Corrections that wait: confirmed or declined by somebody else, judged once more, and shown in the history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row
from tests.workflows.test_re_export import NO_BARRIER, WHOLE, barriers, enrolled, entries, history, re_exported

from custodes.engine.fake import FakeEngine, picture
from custodes.errors import Conflict, CustodesError, FaceError, InputError, NotFound, Refused
from custodes.ids import CorrectionId
from custodes.store.bookings import quarantine_booking
from custodes.store.corrections import CorrectionRecord
from custodes.store.models import Booking, Correction, GalleryEntry, TemplateRow
from custodes.types import Barrier, CorrectionState, Pose, RecordFact, Role
from custodes.workflows import corrections, people
from custodes.workflows.enrolment import job as enrolment_job
from custodes.workflows.search import search


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(4)
    return export


def waiting(world: World, by: str = "supervisor") -> list[CorrectionRecord]:
    found: list[CorrectionRecord] = []
    count = corrections.list_waiting(world.services, world.as_(by), show=found.append)
    assert count == len(found)
    return found


def confirm(world: World, by: str = "supervisor") -> CorrectionRecord:
    (record,) = waiting(world)
    return corrections.confirm_correction(world.services, world.as_(by), correction=record.id)


def second_officer(world: World) -> None:
    """Another records officer of the same service."""
    boss = world.as_("administrator")
    person = people.create_account(
        world.services,
        boss,
        agency_code="NRP",
        email="second.officer@nrp.example",
        full_name="Second Officer",
        personnel_number="99",
        password="a passphrase for tests",
    )
    granted = people.grant_role(world.services, boss, account=person.id, role=Role.RECORDS_OFFICER)
    world.people["second officer"] = (granted, Role.RECORDS_OFFICER)


@pytest.mark.parametrize("who", ["supervisor", "second officer"])
def test_a_second_person_confirms_and_the_record_is_searched_from_then_on(export: Export, who: str) -> None:
    world = export.world
    second_officer(world)
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    confirmed = confirm(world, by=who)
    assert (confirmed.state, confirmed.decided_by_name) == (CorrectionState.CONFIRMED, world.person(who).full_name)
    assert barriers() == [NO_BARRIER]
    assert GalleryEntry.objects.get(died__isnull=True).searchable_from == world.clock.now()
    assert search(world.services, world.as_("searcher"), request=world.approved(1)).eligible == 1
    (entry,) = entries(export, "correction.confirmed")
    assert world.private(entry) == {"fields": "youth"}
    assert entry["targets"][0] == confirmed.id


def test_whoever_brought_it_in_can_neither_confirm_nor_decline_it(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    world = export.world
    (record,) = waiting(world)
    officer = world.as_("records officer")
    with pytest.raises(Refused) as refused:
        corrections.confirm_correction(world.services, officer, correction=record.id)
    assert refused.value.code == "gate.second-officer"
    with pytest.raises(Refused):
        corrections.decline_correction(world.services, officer, correction=record.id, reason="No.")
    assert corrections.confirm_all(world.services, officer) == corrections.Decided(0, 1, {})
    assert barriers() == [Barrier.YOUTH]


@pytest.mark.parametrize("who", ["searcher", "administrator", "auditor"])
def test_other_roles_see_no_correction_and_decide_on_none(export: Export, who: str) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    world = export.world
    (record,) = waiting(world)
    with pytest.raises(Refused):
        waiting(world, by=who)
    with pytest.raises(Refused):
        corrections.confirm_correction(world.services, world.as_(who), correction=record.id)


def test_another_service_decides_nothing_about_our_records(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    world = export.world
    (record,) = waiting(world)
    assert waiting(world, by="partner supervisor") == []
    with pytest.raises(Refused) as refused:
        corrections.confirm_correction(world.services, world.as_("partner supervisor"), correction=record.id)
    assert refused.value.code == "gate.own-agency"


def test_a_correction_is_decided_once(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    record = confirm(export.world)
    supervisor = export.world.as_("supervisor")
    for again in (corrections.confirm_correction, corrections.decline_correction):
        reason = {"reason": "No."} if again is corrections.decline_correction else {}
        with pytest.raises(Refused) as refused:
            again(export.world.services, supervisor, correction=record.id, **reason)  # type: ignore[operator]
        assert refused.value.code == "gate.correction-decided"


def test_what_is_declined_stays_barred_and_says_why(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    world = export.world
    (record,) = waiting(world)
    supervisor = world.as_("supervisor")
    with pytest.raises(InputError):
        corrections.decline_correction(world.services, supervisor, correction=record.id, reason=" ")
    declined = corrections.decline_correction(
        world.services, supervisor, correction=record.id, reason="The court file says otherwise."
    )
    assert (declined.state, declined.reason) == (CorrectionState.DECLINED, "The court file says otherwise.")
    assert barriers() == [Barrier.YOUTH]
    (entry,) = entries(export, "correction.declined")
    assert "court" not in str(entry)
    assert re_exported(export, row(1)).waiting == 1


def test_a_quarantine_is_lifted_and_later_photographs_are_free_again(export: Export) -> None:
    enrolled(export, row(1))
    export.rows(row(1, youth="yes"))
    export.enrol()
    re_exported(export, row(1))
    confirm(export.world)
    assert barriers() == [NO_BARRIER]
    assert Booking.objects.get().disputed == 0
    enrolled(export, row(1), row(1, image="2.png"))
    assert barriers() == [NO_BARRIER] * 2


def test_a_contradiction_that_came_after_a_correction_is_not_settled_by_confirming_it(export: Export) -> None:
    """Attack: let an old correction sweep away a bar that nobody had seen when it was brought in."""
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    export.rows(row(1, youth="yes", offence_code="CC 175"))
    assert export.enrol().records_quarantined == 1
    confirm(export.world)
    assert barriers() == [Barrier.NO_GROUND | Barrier.YOUTH]


def test_what_was_corrected_meanwhile_is_judged_as_it_is_by_then(export: Export) -> None:
    enrolled(export, row(1, taken_on=""))
    re_exported(export, row(1))
    (record,) = waiting(export.world)
    # the waiting correction is of the photograph; this one is of its booking
    export.rows(row(1, youth="yes", image="none.png"))
    export.enrol(re_export=WHOLE)
    corrections.confirm_correction(export.world.services, export.world.as_("supervisor"), correction=record.id)
    assert barriers() == [Barrier.YOUTH]


def test_a_re_export_and_a_decision_at_one_moment_do_not_overwrite_each_other(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a plan was made for is looked at again where it is written; nothing is written half."""
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1))
    committing = enrolment_job.commit

    def decided_meanwhile(*args: Any) -> Any:
        monkeypatch.undo()
        corrections.confirm_all(export.world.services, export.world.as_("supervisor"))
        return committing(*args)

    monkeypatch.setattr(enrolment_job, "commit", decided_meanwhile)
    export.rows(row(1, youth="yes", sex="F"))
    with pytest.raises(Conflict) as error:
        export.enrol(re_export=WHOLE)
    assert error.value.code in ("record.changed", "correction.decided")
    assert barriers() == [NO_BARRIER]
    assert export.enrol(re_export=WHOLE).corrected == 1
    assert barriers() == [Barrier.YOUTH]


def test_a_photograph_judged_before_its_booking_was_quarantined_is_not_enrolled_as_free(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(export, row(1))
    committing = enrolment_job.commit

    def quarantined_meanwhile(*args: Any) -> Any:
        monkeypatch.undo()
        with export.world.changing():
            quarantine_booking(export.world.person("records officer").agency.id, "B1", Barrier.YOUTH)
        return committing(*args)

    monkeypatch.setattr(enrolment_job, "commit", quarantined_meanwhile)
    export.rows(row(1, image="2.png"))
    with pytest.raises(Conflict):
        export.enrol()
    assert barriers() == [Barrier.YOUTH]
    assert export.enrol().searchable == 0
    assert barriers() == [Barrier.YOUTH] * 2


def test_all_that_one_re_export_brought_in_is_confirmed_at_once(export: Export) -> None:
    enrolled(export, row(1, youth="yes"), row(2, offence_code="CC 175"), row(3, taken_on=""))
    report = re_exported(export, row(1), row(2), row(3))
    assert report.waiting == 3
    seen: list[int] = []
    decided = corrections.confirm_all(
        export.world.services,
        export.world.as_("supervisor"),
        job=report.job,
        progress=lambda done, total: seen.append(done),
    )
    assert (decided.confirmed, decided.own, decided.failed, seen) == (3, 0, {}, [1, 2, 3])
    assert barriers() == [NO_BARRIER] * 3


def test_a_profile_that_turns_out_to_be_frontal_gets_its_template_when_that_is_confirmed(export: Export) -> None:
    enrolled(export, row(1) | {"pose": "L"})
    assert (TemplateRow.objects.count(), barriers()) == (0, [Barrier.POSE])
    assert re_exported(export, row(1) | {"pose": "F"}).waiting == 1
    confirm(export.world)
    assert (TemplateRow.objects.count(), barriers()) == (1, [NO_BARRIER])
    assert search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1)).candidates


def test_a_photograph_without_a_face_cannot_be_confirmed_into_the_gallery(export: Export) -> None:
    export.image("1.png", data=picture())
    enrolled(export, row(1) | {"pose": "L"})
    re_exported(export, row(1) | {"pose": "F"})
    with pytest.raises(FaceError):
        confirm(export.world)
    assert (barriers(), Correction.objects.get().state) == ([Barrier.POSE], "waiting")
    decided = corrections.confirm_all(export.world.services, export.world.as_("supervisor"))
    assert decided.failed == {"face.none": 1}


def test_a_pack_that_compares_profiles_searches_them(export: Export) -> None:
    poses = frozenset({Pose.FRONTAL, Pose.LEFT_PROFILE})
    export.world.services.make_engine = lambda: FakeEngine(allows_operational_use=True, poses=poses)
    enrolled(export, row(1) | {"pose": "L"}, row(2) | {"pose": "R"})
    assert barriers() == [NO_BARRIER, Barrier.POSE]


def test_the_history_tells_who_changed_what_and_who_agreed(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    re_exported(export, row(1, youth="yes", sex="F"))
    re_exported(export, row(1, sex="F"))
    confirm(export.world)
    world = export.world
    found = corrections.list_history(world.services, world.as_("records officer"), person_number="P1")
    assert [(each.state, [change.fact for change in each.changes]) for each in found] == [
        (CorrectionState.CONFIRMED, [RecordFact.YOUTH]),
        (CorrectionState.APPLIED, [RecordFact.SEX]),
    ]
    assert [each.decided_by_name for each in found] == [world.person("supervisor").full_name, ""]
    assert {each.proposed_by_name for each in found} == {world.person("records officer").full_name}
    assert len(history()) == 2
    with pytest.raises(NotFound):
        corrections.list_history(world.services, world.as_("records officer"), person_number="P404")


def test_a_correction_that_never_was_is_said_to_be_unknown(export: Export) -> None:
    unknown = CorrectionId.new(export.world.as_("supervisor").entropy)
    with pytest.raises(CustodesError) as error:
        corrections.confirm_correction(export.world.services, export.world.as_("supervisor"), correction=unknown)
    assert error.value.code == "correction.unknown"
