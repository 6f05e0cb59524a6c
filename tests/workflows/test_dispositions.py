"""ENR-09: dispositions updated in bulk from a records system, each difference a correction with its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, as_csv, as_jsonl, row
from tests.workflows.test_re_export import barriers, enrolled, entries, history, re_exported, subject_of

from custodes.errors import ManifestError, Refused
from custodes.policy import eligibility as policy
from custodes.store.models import Correction
from custodes.types import Barrier, Disposition, Offence
from custodes.workflows import dispositions
from custodes.workflows.corrections import confirm_all
from custodes.workflows.dispositions import DispositionsReport, check_dispositions, update_dispositions
from custodes.workflows.enrolment import ends

MAPPING = """
[file]
date_formats = ["%d/%m/%Y"]

[columns]
booking_number = "DOCKET"
offence_code = "CHARGE"
disposition = "RESULT"

[values.disposition]
GUILTY = "convicted"
"""


def ended(number: int, disposition: str = "convicted", **changes: str) -> dict[str, str]:
    """A row that says how the one offence of booking ``number`` ended."""
    row = {"booking_number": f"B{number}", "offence_code": "CC 344", "disposition": disposition}
    dates = {"offence_date": "", "disposition_date": "2025-09-01", "appeal_end": "2025-10-01"}
    return {**row, **dates, **changes}


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(4)
    return export


def update(export: Export, *rows: dict[str, Any], by: str = "records officer") -> DispositionsReport:
    export.write(as_csv(rows), "dispositions.csv")
    return update_dispositions(export.world.services, export.world.as_(by), file=export.manifest)


def offence_of(number: str, place: int = 0) -> Offence:
    return subject_of(number).bookings[0].offences[place]


def codes(report: DispositionsReport) -> dict[int, str]:
    return {failure.row: failure.code for failure in report.failures}


def test_an_offence_ends_as_the_row_says_and_the_old_end_is_kept_in_the_history(export: Export) -> None:
    pending = {"disposition": "", "disposition_date": ""}
    enrolled(export, row(1, **pending), row(2, disposition="convicted", disposition_date="2025-07-01"))
    report = update(export, ended(1), ended(2, "quashed"))
    assert (report.rows, report.corrected, report.unchanged, report.failed) == (2, 2, 0, 0)
    first, second = offence_of("P1"), offence_of("P2")
    assert (first.disposition, str(first.disposition_date), str(first.appeal_end)) == (
        Disposition.CONVICTED,
        "2025-09-01",
        "2025-10-01",
    )
    assert second.disposition is Disposition.QUASHED
    assert [(state, fact) for state, fact, _, _ in history()] == [("applied", "dispositions")] * 2
    assert '"convicted","2025-06-01","2025-07-01"' in history()[1][2]
    corrected = entries(export, "record.corrected")
    assert [export.world.private(entry)["fields"] for entry in corrected] == ["dispositions"] * 2
    (finished,) = entries(export, "dispositions.finished")
    assert finished["facts"]["corrected"] == 2


def test_the_same_file_again_changes_nothing(export: Export) -> None:
    enrolled(export, row(1), row(2))
    assert update(export, ended(1), ended(2)).corrected == 2
    again = update(export, ended(1), ended(2))
    assert (again.corrected, again.unchanged) == (0, 2)
    assert Correction.objects.count() == 2


def test_one_offence_of_several_is_told_by_its_code_or_its_date(export: Export) -> None:
    enrolled(export, row(1, offence_code="CC 344;CC 267;CC 267", offence_date="2025-06-01;2025-05-01;2025-05-02"))
    report = update(
        export,
        ended(1, "withdrawn"),
        ended(1, "acquitted", offence_code="CC 267", offence_date="2025-05-02"),
        ended(1, "stayed", offence_code="CC 267"),
    )
    assert codes(report) == {3: "row.duplicate-offence"}
    ends_of = [offence.disposition for offence in subject_of("P1").bookings[0].offences]
    assert ends_of == [Disposition.WITHDRAWN, Disposition.PENDING, Disposition.ACQUITTED]
    assert codes(update(export, ended(1, "stayed", offence_code="CC 267"))) == {1: "row.offence-ambiguous"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"booking_number": "B404"}, "row.booking-unknown"),
        ({"offence_code": "CC 1"}, "row.offence-unknown"),
        ({"offence_date": "2025-06-02"}, "row.offence-unknown"),
        ({"disposition": ""}, "row.missing-value"),
        ({"disposition": "guilty"}, "row.bad-value"),
        ({"disposition_date": "soon"}, "row.bad-date"),
        ({"disposition_date": "2099-01-01"}, "row.impossible-disposition"),
        ({"disposition_date": "2025-05-31", "appeal_end": ""}, "row.impossible-disposition"),
        ({"appeal_end": "2025-08-31"}, "row.impossible-disposition"),
        ({"agency": "LKS"}, "row.other-agency"),
    ],
)
def test_a_bad_row_fails_alone_with_its_reason(export: Export, changes: dict[str, str], code: str) -> None:
    enrolled(export, row(1), row(2))
    report = update(export, {"agency": "", **ended(1, **changes)}, {"agency": "NRP", **ended(2)})
    assert codes(report) == {1: code}
    assert (report.corrected, offence_of("P1").disposition) == (1, Disposition.PENDING)


def test_of_two_rows_about_one_offence_the_earlier_counts(export: Export) -> None:
    """Otherwise every pass over the file would turn the record about."""
    enrolled(export, row(1))
    report = update(export, ended(1), ended(1, "withdrawn"))
    assert (report.corrected, codes(report)) == (1, {2: "row.duplicate-offence"})
    assert offence_of("P1").disposition is Disposition.CONVICTED


def test_a_check_foretells_it_and_writes_nothing(export: Export) -> None:
    enrolled(export, row(1), row(2))
    export.write(as_csv([ended(1), ended(2, "perhaps"), ended(3)]), "dispositions.csv")
    before = export.world.services.entries.size()
    officer = export.world.as_("records officer")
    report = check_dispositions(export.world.services, officer, file=export.manifest)
    assert (report.rows, report.corrected, report.failed) == (3, 1, 2)
    assert codes(report) == {2: "row.bad-value", 3: "row.booking-unknown"}
    assert (export.world.services.entries.size(), history()) == (before, [])


def test_a_mapping_file_explains_columns_codes_and_dates(export: Export) -> None:
    enrolled(export, row(1))
    (export.folder / "dispositions.toml").write_text(MAPPING)
    export.write(
        as_csv([{"DOCKET": "B1", "CHARGE": "CC 344", "RESULT": "GUILTY", "disposition_date": "02/09/2025"}]), "d.csv"
    )
    report = update_dispositions(
        export.world.services,
        export.world.as_("records officer"),
        file=export.manifest,
        mapping=export.folder / "dispositions.toml",
    )
    assert (report.corrected, str(offence_of("P1").disposition_date)) == (1, "2025-09-02")


def test_json_lines_are_read_too(export: Export) -> None:
    enrolled(export, row(1))
    export.write(as_jsonl([{**ended(1), "appeal_end": None}]), "dispositions.jsonl")
    officer = export.world.as_("records officer")
    assert update_dispositions(export.world.services, officer, file=export.manifest).corrected == 1


def test_a_file_without_a_column_that_it_needs_is_rejected_whole(export: Export) -> None:
    export.write(as_csv([{"booking_number": "B1", "offence_code": "CC 344"}]), "dispositions.csv")
    with pytest.raises(ManifestError) as error:
        update_dispositions(export.world.services, export.world.as_("records officer"), file=export.manifest)
    assert error.value.code == "manifest.missing-column"


@pytest.mark.parametrize("who", ["searcher", "supervisor", "administrator", "auditor"])
def test_only_a_records_officer_updates_dispositions(export: Export, who: str) -> None:
    with pytest.raises(Refused):
        update(export, ended(1), by=who)
    with pytest.raises(Refused):
        check_dispositions(export.world.services, export.world.as_(who), file=export.manifest)


def test_another_service_s_booking_of_the_same_number_is_not_touched(export: Export) -> None:
    enrolled(export, row(1))
    report = update(export, ended(1), by="partner records officer")
    assert codes(report) == {1: "row.booking-unknown"}
    assert offence_of("P1").disposition is Disposition.PENDING


def barring_acquittals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy for which an acquittal takes a record's ground away, as a later one may."""
    judged = policy.barriers

    def stricter(facts: policy.BookingFacts) -> Barrier:
        acquitted = any(offence.disposition is Disposition.ACQUITTED for offence in facts.offences)
        return judged(facts) | (Barrier.NO_GROUND if acquitted else Barrier.NONE)

    monkeypatch.setattr(policy, "barriers", stricter)


def test_policy_judges_what_a_disposition_does_a_bar_at_once_and_an_opening_not_alone(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    barring_acquittals(monkeypatch)
    enrolled(export, row(1))
    assert update(export, ended(1, "acquitted")).corrected == 1
    assert barriers() == [Barrier.NO_GROUND]
    report = update(export, ended(1, "convicted"))
    assert (report.corrected, report.waiting, barriers()) == (0, 1, [Barrier.NO_GROUND])
    confirm_all(export.world.services, export.world.as_("supervisor"))
    assert barriers() == [Barrier.NONE]


def test_dispositions_of_a_booking_whose_correction_waits_are_not_overwritten_by_it_later(export: Export) -> None:
    enrolled(export, row(1, offence_code="CC 175"))
    assert re_exported(export, row(1)).waiting == 1
    assert codes(update(export, ended(1, offence_code="CC 175"))) == {1: "row.correction-waits"}
    confirm_all(export.world.services, export.world.as_("supervisor"))
    assert update(export, ended(1)).corrected == 1


@pytest.mark.parametrize("size", [1, 2, 200])
def test_an_update_that_was_interrupted_goes_on_where_it_stopped(
    export: Export, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(ends, "BATCH", size)
    enrolled(export, *(row(number) for number in range(1, 5)))
    writing, calls = dispositions.write_corrections, [0]

    def dying(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2 or size == 200:
            raise OSError
        return writing(*args)

    with monkeypatch.context() as patched:
        patched.setattr(dispositions, "write_corrections", dying)
        with pytest.raises(OSError):  # noqa: PT011 - any
            update(export, *(ended(number) for number in range(1, 5)))
    report = update(export, *(ended(number) for number in range(1, 5)))
    assert (report.rows, report.corrected, Correction.objects.count()) == (4, 4, 4)
    assert len(entries(export, "dispositions.resumed")) == 1
