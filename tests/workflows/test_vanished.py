"""What a re-export no longer names is listed and barred, never deleted, and comes back only with a second person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import MAPPING, Export, as_csv, as_jsonl, row
from tests.workflows.test_re_export import NO_BARRIER, WHOLE, barriers, enrolled, entries, re_exported

from custodes.errors import Conflict, NotFound, Refused
from custodes.ids import JobId
from custodes.store.models import Booking, Correction, JobRow, Photograph, TemplateRow
from custodes.store.vanished import VanishedRecord
from custodes.types import Barrier
from custodes.workflows import corrections
from custodes.workflows.enrolment import Scope
from custodes.workflows.enrolment import job as enrolment_job
from custodes.workflows.enrolment import vanished as sweeping
from custodes.workflows.search import search


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(6)
    return export


def listed(world: World, job: JobId | None = None, by: str = "records officer") -> list[VanishedRecord]:
    found: list[VanishedRecord] = []
    count = corrections.list_vanished(world.services, world.as_(by), show=found.append, job=job)
    assert count == len(found)
    return found


def test_a_record_that_a_whole_re_export_does_not_name_is_listed_barred_and_not_deleted(export: Export) -> None:
    enrolled(export, row(1), row(2), row(3))
    report = re_exported(export, row(1), row(3))
    assert (report.already, report.vanished, report.vanished_barred) == (2, 1, 1)
    assert barriers() == [NO_BARRIER, Barrier.VANISHED, NO_BARRIER]
    (record,) = listed(export.world)
    assert (record.booking_number, record.person_number, record.is_whole, record.barred) == ("B2", "P2", True, True)
    assert (Photograph.objects.count(), TemplateRow.objects.count()) == (3, 3)
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(2))
    assert (found.eligible, found.candidates) == (2, ())
    (entry,) = entries(export, "record.vanished")
    assert entry["facts"] == {"photographs": 1, "job": report.job}
    (finished,) = [each for each in entries(export, "enrolment.finished") if each["targets"] == [report.job]]
    assert (finished["facts"]["vanished"], finished["facts"]["vanished_barred"]) == (1, 1)


def test_one_photograph_of_a_booking_can_vanish_alone(export: Export) -> None:
    enrolled(export, row(1), row(1, image="2.png"))
    re_exported(export, row(1))
    assert barriers() == [NO_BARRIER, Barrier.VANISHED]
    assert [record.is_whole for record in listed(export.world)] == [False]


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        (Scope(), ["B1", "B2", "B3", "B4"]),
        (Scope(date(2025, 1, 1), date(2025, 12, 31)), ["B2", "B3"]),
        (Scope(taken_from=date(2025, 6, 1)), ["B3"]),
        (Scope(taken_to=date(2025, 5, 31)), ["B1", "B2"]),
    ],
    ids=["whole", "year", "from", "to"],
)
def test_only_what_lies_within_the_scope_can_vanish(export: Export, scope: Scope, gone: list[str]) -> None:
    """A photograph without a date is in no range of dates, only in the whole service."""
    enrolled(
        export,
        row(1, taken_on="2024-12-31"),
        row(2, taken_on="2025-05-31"),
        row(3, taken_on="2025-06-01"),
        row(4, taken_on=""),
        row(5),
    )
    export.rows(row(5))
    export.enrol(re_export=scope)
    assert [record.booking_number for record in listed(export.world)] == gone


def test_a_row_that_cannot_be_read_keeps_its_booking_off_the_list(export: Export) -> None:
    """A date in a new format must not make a service's records vanish."""
    enrolled(export, row(1), row(2), row(3))
    report = re_exported(export, row(1, taken_on="02.06.2025"), row(2, image="none.png"))
    assert sorted(failure.code for failure in report.failures) == ["row.bad-date", "row.image-missing"]
    assert [record.booking_number for record in listed(export.world)] == ["B3"]
    assert barriers() == [NO_BARRIER, NO_BARRIER, Barrier.VANISHED]


def test_rows_of_which_nothing_can_be_read_let_the_list_be_made_and_nothing_be_barred(export: Export) -> None:
    enrolled(export, row(1), row(2))
    export.write(as_jsonl([row(1)]) + "{\n", "manifest.jsonl")
    report = export.enrol(re_export=WHOLE)
    assert (report.unreadable, report.vanished, report.vanished_barred) == (1, 1, 0)
    assert [(record.booking_number, record.barred) for record in listed(export.world)] == [("B2", False)]
    assert barriers() == [NO_BARRIER] * 2
    assert entries(export, "record.vanished") == []


def test_what_a_duplicate_row_names_has_not_vanished_and_neither_does_it_hide_what_has(export: Export) -> None:
    enrolled(export, row(1), row(1, image="2.png"))
    report = re_exported(export, row(1), row(1))
    assert [failure.code for failure in report.failures] == ["row.duplicate"]
    assert barriers() == [NO_BARRIER, Barrier.VANISHED]


def test_a_record_that_is_named_again_waits_for_a_second_person(export: Export) -> None:
    enrolled(export, row(1), row(2))
    re_exported(export, row(1))
    report = re_exported(export, row(1), row(2))
    assert (report.waiting, report.vanished, barriers()) == (1, 0, [NO_BARRIER, Barrier.VANISHED])
    assert listed(export.world) == []
    world = export.world
    assert corrections.confirm_all(world.services, world.as_("supervisor"), job=report.job).confirmed == 1
    assert barriers() == [NO_BARRIER] * 2
    assert not Photograph.objects.filter(vanished=True).exists()


def test_a_record_that_is_barred_anyway_comes_back_as_barred_as_it_was(export: Export) -> None:
    enrolled(export, row(1), row(2, youth="yes"))
    re_exported(export, row(1))
    assert barriers()[1] == Barrier.YOUTH | Barrier.VANISHED
    report = re_exported(export, row(1), row(2, youth="yes"))
    assert (report.corrected, report.waiting, barriers()[1]) == (1, 0, Barrier.YOUTH)


def test_what_vanished_stays_on_every_later_list_and_is_logged_once(export: Export) -> None:
    enrolled(export, row(1), row(2))
    first = re_exported(export, row(1))
    second = re_exported(export, row(1))
    assert (second.vanished, second.vanished_barred) == (1, 0)
    assert [len(listed(export.world, job)) for job in (first.job, second.job)] == [1, 1]
    assert len(entries(export, "record.vanished")) == 1


def test_an_ordinary_enrolment_neither_finds_nor_brings_back_what_vanished(export: Export) -> None:
    enrolled(export, row(1), row(2))
    re_exported(export, row(1))
    export.rows(row(2))
    report = export.enrol()
    assert (report.already, report.vanished) == (1, 0)
    assert barriers() == [NO_BARRIER, Barrier.VANISHED]


def test_what_is_enrolled_by_the_re_export_itself_has_not_vanished(export: Export) -> None:
    enrolled(export, row(1))
    report = re_exported(export, row(1), row(2))
    assert (report.enrolled, report.vanished) == (1, 0)


def test_other_services_records_are_in_no_scope_of_ours(export: Export) -> None:
    export.world.enrol(5, agency="LKS")
    enrolled(export, row(1), row(2))
    re_exported(export, row(1))
    assert [record.booking_number for record in listed(export.world)] == ["B2"]
    with pytest.raises(NotFound) as error:
        listed(export.world, by="partner records officer")
    assert error.value.code == "re-export.none"


@pytest.mark.parametrize("who", ["searcher", "auditor", "administrator"])
def test_the_list_is_for_those_who_keep_the_records(export: Export, who: str) -> None:
    with pytest.raises(Refused):
        listed(export.world, by=who)


def test_a_long_list_is_made_in_bounded_steps_and_goes_on_after_an_interruption(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_AT_ONCE", 2)
    enrolled(export, *(row(number) for number in range(1, 7)))
    export.rows(row(6))
    made: list[int] = []
    listing = sweeping.store.list_vanished

    def dying(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        if len(made) == 2:
            raise OSError
        return listing(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(sweeping.store, "list_vanished", dying)
        with pytest.raises(OSError):  # noqa: PT011 - any
            export.enrol(re_export=WHOLE)
    report = export.enrol(re_export=WHOLE)
    assert (report.vanished, report.vanished_barred, report.rows) == (5, 5, 1)
    assert [record.booking_number for record in listed(export.world)] == ["B1", "B2", "B3", "B4", "B5"]
    assert len(entries(export, "record.vanished")) == 5


def test_scope_is_part_of_which_work_it_is(export: Export) -> None:
    enrolled(export, row(1))
    export.rows(row(1))
    export.enrol(re_export=Scope(taken_from=date(2026, 1, 1)))
    kinds = JobRow.objects.values_list("kind", "key")
    assert len(set(kinds)) == 2
    assert Booking.objects.get().named_by


def test_what_waited_for_a_record_that_has_vanished_since_is_withdrawn(export: Export) -> None:
    """Attack: confirm what an older export said of a record that the present one does not know any more."""
    enrolled(export, row(1), row(2, youth="yes"), row(3))
    re_exported(export, row(1), row(2))
    assert re_exported(export, row(1), row(2), row(3)).waiting == 1
    assert Correction.objects.filter(state="waiting").count() == 2
    re_exported(export, row(1))
    assert not Correction.objects.filter(state="waiting").exists()
    world = export.world
    assert corrections.confirm_all(world.services, world.as_("supervisor")).confirmed == 0
    assert barriers()[1:] == [Barrier.YOUTH | Barrier.VANISHED, Barrier.VANISHED]


@pytest.mark.parametrize("code", ["LKS", "041"])
def test_an_export_under_a_wrong_service_code_makes_nothing_vanish(export: Export, code: str) -> None:
    enrolled(export, row(1), row(2))
    export.map(MAPPING.replace('agency = "NRP"', f'agency = "{code}"'))
    report = re_exported(export, row(1), row(2))
    assert (report.failed, report.vanished, barriers()) == (2, 0, [NO_BARRIER] * 2)


def test_an_older_re_export_cannot_go_on_once_a_later_one_has_begun(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once would take each other's records for vanished."""
    enrolled(export, row(1), row(2))
    monkeypatch.setattr(enrolment_job, "_RE_EXPORT_BATCH", 1)
    committing, begun = enrolment_job.commit, []

    def overtaken(*args: Any) -> Any:
        if not begun:
            begun.append(True)
            places = {**export.places(), "manifest": export.folder / "other.csv"}
            enrolment_job.enrol(export.world.services, export.world.as_("records officer"), re_export=WHOLE, **places)
        return committing(*args)

    export.write(as_csv([row(2), row(1)]), "other.csv")
    export.rows(row(1), row(2))
    monkeypatch.setattr(enrolment_job, "commit", overtaken)
    with pytest.raises(Conflict) as error:
        export.enrol(re_export=WHOLE)
    assert error.value.code == "re-export.superseded"
    assert barriers() == [NO_BARRIER] * 2
    assert export.enrol(re_export=WHOLE).vanished == 0
