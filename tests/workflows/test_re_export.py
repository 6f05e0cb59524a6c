"""A re-export corrects what is kept: what bars takes effect at once, what would open a record waits, all is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import MAPPING, Export, row

from custodes.store import accounts, subjects
from custodes.store.database import present_generation
from custodes.store.models import Booking, CorrectedFact, Correction, GalleryEntry, Photograph
from custodes.store.records import SubjectRecord
from custodes.types import Barrier, CorrectionState, Disposition, Ground, Pose, Sex, Youth
from custodes.workflows.corrections import confirm_all
from custodes.workflows.enrolment import EnrolmentReport, Scope
from custodes.workflows.enrolment import job as enrolment_job
from custodes.workflows.search import search

WHOLE = Scope()
DIFFERENT = "row.booking-stated-differently"
NO_BARRIER = Barrier.NONE


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(4)
    return export


def enrolled(export: Export, *rows: dict[str, str]) -> None:
    export.rows(*rows)
    assert export.enrol().failures == []


def re_exported(export: Export, *rows: dict[str, str]) -> EnrolmentReport:
    export.world.clock.advance(days=1)
    export.rows(*rows)
    return export.enrol(re_export=WHOLE)


def barriers() -> list[Barrier]:
    """The barriers of every photograph, which its living row repeats."""
    rows = list(Photograph.objects.order_by("pk").values_list("uid", "barriers"))
    living = GalleryEntry.objects.filter(died__isnull=True)
    entries = dict(living.values_list("template__photograph__uid", "barriers"))
    assert all(entries.get(uid, kept) == kept for uid, kept in rows)
    return [Barrier(kept) for _, kept in rows]


def subject_of(number: str) -> SubjectRecord:
    found = subjects.find_subject(accounts.agency_by_code("NRP").id, number)
    assert found is not None
    return subjects.subject(found)


def entries(export: Export, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in export.world.log(500) if entry["kind"] == kind]


def history() -> list[tuple[str, str, str, str]]:
    """Every corrected fact: state of its correction, fact, old and new value."""
    rows = CorrectedFact.objects.order_by("correction", "pk")
    return list(rows.values_list("correction__state", "fact", "old", "new"))


# --- corrections that take effect at once -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "barrier"),
    [
        ({"youth": "yes"}, Barrier.YOUTH),
        ({"youth": "", "birth_date": ""}, Barrier.AGE_UNKNOWN),
        ({"offence_code": "CC 175"}, Barrier.NO_GROUND),
        ({"offence_code": "", "offence_date": ""}, Barrier.NO_GROUND),
        ({"taken_on": ""}, Barrier.NO_DATE),
        ({"birth_date": "2010-01-01"}, Barrier.AGE_UNKNOWN),
    ],
)
def test_what_bars_a_record_takes_effect_at_once_and_becomes_the_record(
    export: Export, changes: dict[str, str], barrier: Barrier
) -> None:
    """LAW-13."""
    enrolled(export, row(1))
    searcher = export.world.as_("searcher")
    assert search(export.world.services, searcher, request=export.world.approved(1, number="a")).eligible == 1
    report = re_exported(export, row(1, **changes))
    assert (report.already, report.failed, report.corrected, report.waiting) == (1, 0, 1, 0)
    assert barriers()[0] & barrier
    assert search(export.world.services, searcher, request=export.world.approved(1, number="b")).eligible == 0
    (entry,) = entries(export, "record.corrected")
    assert set(entry["facts"]) == {"job"}
    assert export.world.private(entry)["row"] == "1"
    assert entries(export, "record.quarantined") == []
    # the record now says so: the same row is no contradiction any more
    assert export.failures() == {}


def test_neutral_facts_are_replaced_and_the_old_ones_kept_in_the_history(export: Export) -> None:
    enrolled(export, row(1))
    report = re_exported(export, row(1, birth_date="1991-02-03", sex="F", offence_code="CC 267", taken_on="2025-06-03"))
    assert (report.corrected, report.waiting, barriers()) == (2, 0, [NO_BARRIER])
    subject = subject_of("P1")
    booking = subject.bookings[0]
    assert (str(subject.birth_date), subject.sex, str(booking.birth_date)) == ("1991-02-03", Sex.FEMALE, "1991-02-03")
    assert [offence.ground for offence in booking.offences] == [Ground.HYBRID]
    assert str(booking.photographs[0].taken_on) == "2025-06-03"
    living = GalleryEntry.objects.get(died__isnull=True)
    assert (str(living.birth_date), living.sex, str(living.taken_on)) == ("1991-02-03", "F", "2025-06-03")
    assert [(state, fact) for state, fact, _, _ in history()] == [
        ("applied", "birth-date"),
        ("applied", "sex"),
        ("applied", "offences"),
        ("applied", "taken-on"),
    ]
    assert ("applied", "birth-date", "1990-01-01", "1991-02-03") in history()
    proposer = export.world.person("records officer").id
    assert {each.proposed_by.uid for each in Correction.objects.select_related("proposed_by")} == {proposer}


def test_the_log_names_the_facts_and_none_of_their_values(export: Export) -> None:
    enrolled(export, row(1))
    re_exported(export, row(1, birth_date="1991-02-03", person_number="P77"))
    (entry,) = entries(export, "record.corrected")
    assert export.world.private(entry)["fields"] == "person birth-date"
    assert entry["targets"][1] == Booking.objects.get().uid
    log = str(export.world.log(500))
    assert not any(value in log for value in ("1991-02-03", "P77", "P1", "B1"))


def test_dispositions_alone_are_named_as_such(export: Export) -> None:
    enrolled(export, row(1))
    re_exported(export, row(1, disposition="withdrawn", disposition_date="2025-09-01"))
    assert [fact for _, fact, _, _ in history()] == ["dispositions"]
    assert subject_of("P1").bookings[0].offences[0].disposition is Disposition.WITHDRAWN


def test_a_booking_moves_to_another_person_with_its_photographs(export: Export) -> None:
    enrolled(export, row(1), row(2))
    re_exported(export, row(1, person_number="P9"), row(2, person_number="P9"))
    assert [booking.booking_number for booking in subject_of("P9").bookings] == ["B1", "B2"]
    assert subject_of("P1").bookings == ()
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1))
    assert [candidate.subject for candidate in found.candidates] == [subject_of("P9").id]


def test_a_search_of_an_earlier_generation_still_compares_what_it_compared(export: Export) -> None:
    """SRCH-06."""
    from custodes.workflows.replay import replay

    enrolled(export, row(1))
    request = export.world.approved(1)
    search(export.world.services, export.world.as_("searcher"), request=request)
    re_exported(export, row(1, youth="yes"))
    assert replay(export.world.services, export.world.as_("supervisor"), request=request).same


def test_an_unchanged_re_export_changes_nothing(export: Export) -> None:
    enrolled(export, row(1), row(2, youth="yes"), row(1, image="3.png"))
    generation = present_generation()
    report = re_exported(export, row(1), row(2, youth="yes"), row(1, image="3.png"))
    assert (report.already, report.corrected, report.waiting, report.vanished) == (3, 0, 0, 0)
    assert (present_generation(), history()) == (generation, [])


def test_one_correction_again_is_none(export: Export) -> None:
    enrolled(export, row(1))
    assert re_exported(export, row(1, youth="yes")).corrected == 1
    assert re_exported(export, row(1, youth="yes")).corrected == 0


def test_a_row_whose_image_is_gone_corrects_its_booking_all_the_same(export: Export) -> None:
    enrolled(export, row(1))
    report = re_exported(export, row(1, youth="yes", image="none.png"))
    assert ([failure.code for failure in report.failures], report.corrected) == (["row.image-missing"], 1)
    assert barriers() == [Barrier.YOUTH]


def test_without_the_declaration_nothing_is_corrected(export: Export) -> None:
    enrolled(export, row(1))
    export.rows(row(1, birth_date="1991-02-03"))
    assert export.failures() == {1: DIFFERENT}
    assert history() == []


# --- corrections that wait --------------------------------------------------------------------------------

OPENING: list[tuple[dict[str, str], Barrier]] = [
    ({"youth": "yes"}, Barrier.YOUTH),
    ({"youth": "", "birth_date": ""}, Barrier.AGE_UNKNOWN),
    ({"offence_code": "CC 175"}, Barrier.NO_GROUND),
    ({"taken_on": ""}, Barrier.NO_DATE),
]


@pytest.mark.parametrize(("before", "barrier"), OPENING)
def test_what_would_open_a_record_waits_for_a_second_person(
    export: Export, before: dict[str, str], barrier: Barrier
) -> None:
    """LAW-13: one person's word opens no record."""
    enrolled(export, row(1, **before))
    kept = barriers()
    assert kept[0] & barrier
    report = re_exported(export, row(1))
    assert (report.already, report.corrected, report.waiting) == (1, 0, 1)
    assert barriers() == kept
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1))
    assert found.eligible == 0
    assert len(entries(export, "correction.waiting")) == 1


def test_a_new_photograph_of_a_record_that_waits_is_barred_like_the_others(export: Export) -> None:
    """Attack: one more photograph, under the statement that is not confirmed yet."""
    enrolled(export, row(1, youth="yes"))
    report = re_exported(export, row(1), row(1, image="2.png"))
    assert (report.enrolled, report.searchable, report.waiting) == (1, 0, 1)
    assert barriers() == [Barrier.YOUTH] * 2
    assert Booking.objects.get().youth == Youth.YES


def test_removing_one_barrier_of_two_opens_nothing_and_does_not_wait_but_the_second_does(export: Export) -> None:
    enrolled(export, row(1, youth="yes", offence_code="CC 175"))
    assert re_exported(export, row(1, youth="yes")).corrected == 1
    assert barriers() == [Barrier.YOUTH]
    assert re_exported(export, row(1)).waiting == 1
    assert barriers() == [Barrier.YOUTH]


def test_an_age_that_was_unknown_and_is_now_under_18_does_not_wait(export: Export) -> None:
    enrolled(export, row(1, youth="", birth_date=""))
    assert re_exported(export, row(1, youth="yes", birth_date="")).corrected == 1
    assert barriers() == [Barrier.YOUTH]


def test_what_bars_one_photograph_takes_effect_though_the_rest_of_the_correction_waits(export: Export) -> None:
    """A ground and a later birth date open one photograph of a booking and bar the other: the bar is not put off."""
    summary = {"offence_code": "CC 175", "offence_date": ""}
    earlier, later = {"taken_on": "2025-06-02"}, {"taken_on": "2025-06-05", "image": "2.png"}
    enrolled(export, row(1, **earlier, **summary), row(1, **later, **summary))
    adult_between = {"offence_date": "", "birth_date": "2007-06-03"}
    report = re_exported(export, row(1, **earlier, **adult_between), row(1, **later, **adult_between))
    assert (report.waiting, report.corrected, report.failures) == (1, 0, [])
    assert barriers() == [Barrier.NO_GROUND | Barrier.AGE_UNKNOWN] * 2
    confirm_all(export.world.services, export.world.as_("supervisor"))
    assert barriers() == [Barrier.AGE_UNKNOWN, NO_BARRIER]


def test_the_same_statement_again_waits_once_and_another_replaces_it(export: Export) -> None:
    enrolled(export, row(1, youth="yes"))
    assert re_exported(export, row(1)).waiting == 1
    assert re_exported(export, row(1)).waiting == 0
    assert Correction.objects.filter(state=CorrectionState.WAITING).count() == 1
    assert re_exported(export, row(1, offence_code="CC 267")).waiting == 1
    assert re_exported(export, row(1, youth="yes")).waiting == 0
    states = list(Correction.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["withdrawn", "withdrawn"]
    assert len(entries(export, "correction.withdrawn")) == 2


def test_rows_that_agree_with_a_statement_that_waits_do_not_contradict_it(export: Export) -> None:
    enrolled(export, row(1, youth="yes"), row(1, image="2.png", youth="yes"))
    for _ in range(2):
        assert re_exported(export, row(1), row(1, image="2.png")).failures == []
    assert barriers() == [Barrier.YOUTH] * 2


def test_a_quarantine_after_a_contradiction_is_lifted_by_a_confirmed_restatement(export: Export) -> None:
    enrolled(export, row(1))
    export.rows(row(1, youth="yes"))
    assert export.failures() == {1: DIFFERENT}
    assert barriers() == [Barrier.YOUTH]
    report = re_exported(export, row(1))
    assert (report.already, report.waiting, barriers()) == (1, 1, [Barrier.YOUTH])
    assert [fact for _, fact, _, _ in history()] == ["dispute"]


# --- re-exports that contradict themselves ---------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 16])
def test_the_first_row_of_a_booking_states_it_and_a_later_one_that_differs_fails_and_bars(
    export: Export, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(enrolment_job, "_RE_EXPORT_BATCH", size)
    enrolled(export, row(1), row(1, image="2.png"))
    report = re_exported(export, row(1, sex="F"), row(1, image="2.png", youth="yes"))
    assert [(failure.row, failure.code) for failure in report.failures] == [(2, DIFFERENT)]
    assert (report.corrected, report.records_quarantined) == (1, 1)
    assert barriers() == [Barrier.YOUTH] * 2


@pytest.mark.parametrize("size", [1, 2, 16])
def test_an_export_that_contradicts_itself_leaves_nothing_waiting(
    export: Export, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Attack: open a record by the first of two rows, while the second says why it is barred."""
    monkeypatch.setattr(enrolment_job, "_RE_EXPORT_BATCH", size)
    enrolled(export, row(1, youth="yes"), row(1, image="2.png", youth="yes"))
    for _ in range(2):
        report = re_exported(export, row(1), row(1, image="2.png", youth="yes"))
        assert [failure.row for failure in report.failures] == [2]
        assert report.waiting == 0
        assert barriers() == [Barrier.YOUTH] * 2
    assert set(Correction.objects.values_list("state", flat=True)) == {"withdrawn"}


@pytest.mark.parametrize("size", [1, 16])
def test_one_photograph_restated_twice_keeps_the_first_date(
    export: Export, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(enrolment_job, "_RE_EXPORT_BATCH", size)
    export.image("copy.png", 1)
    enrolled(export, row(1))
    report = re_exported(export, row(1, taken_on="2025-06-03"), row(1, image="copy.png", taken_on="2025-06-04"))
    assert [failure.code for failure in report.failures] == [DIFFERENT]
    assert str(Photograph.objects.get().taken_on) == "2025-06-03"


# --- several photographs and poses -----------------------------------------------------------------------


def test_a_profile_is_kept_and_shown_and_not_searched(export: Export) -> None:
    """ENR-03: several photographs of a booking; a pose that the pack does not compare needs no face to be found."""
    from custodes.engine.fake import picture

    export.image("left.png", data=picture())
    enrolled(export, row(1) | {"pose": "F"}, row(1, image="left.png") | {"pose": "L"})
    report_barriers = barriers()
    assert report_barriers == [NO_BARRIER, Barrier.POSE]
    assert GalleryEntry.objects.count() == 1
    photographs = subject_of("P1").bookings[0].photographs
    assert {photograph.pose for photograph in photographs} == {Pose.FRONTAL, Pose.LEFT_PROFILE}
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1))
    assert [len(candidate.photographs) for candidate in found.candidates] == [1]


def test_a_pose_that_turns_out_to_be_a_profile_is_searched_no_more(export: Export) -> None:
    enrolled(export, row(1))
    report = re_exported(export, row(1) | {"pose": "right-profile"})
    assert (report.corrected, barriers()) == (1, [Barrier.POSE])


def test_a_re_export_of_another_service_does_not_touch_ours(export: Export) -> None:
    enrolled(export, row(1))
    export.map(MAPPING.replace('agency = "NRP"', 'agency = "LKS"'))
    export.rows(row(1, youth="yes"))
    report = export.enrol(by="partner records officer", re_export=WHOLE)
    assert (report.corrected, report.vanished) == (0, 0)
    assert [each for each in barriers() if not each] == [NO_BARRIER]
