"""Enrolling from a manifest: what becomes searchable, what is quarantined, what fails, and what the log says of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import MAPPING, Export, as_csv, as_jsonl, row

from custodes.engine.fake import picture
from custodes.errors import ManifestError, Refused
from custodes.store import accounts, jobs, subjects
from custodes.store.database import present_generation
from custodes.types import Barrier, Disposition, Ground, Sex
from custodes.workflows.search import search


def held() -> dict[str, int]:
    """What the service holds."""
    return subjects.counts(accounts.agency_by_code("NRP").id)


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    return Export(world, tmp_path / "export")


def subject_of(export: Export, number: str) -> subjects.SubjectRecord:
    found = subjects.find_subject(accounts.agency_by_code("NRP").id, number)
    assert found is not None
    return subjects.subject(found)


def log_kinds(export: Export) -> Counter[str]:
    return Counter(entry["kind"] for entry in export.world.log(500))


# --- what a row becomes -------------------------------------------------------------------------------


def test_a_complete_row_can_be_searched_for(export: Export) -> None:
    export.images(3)
    export.rows(row(1), row(2), row(3))
    report = export.enrol()
    assert (report.rows, report.enrolled, report.searchable, report.failures) == (3, 3, 3, [])
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(2))
    assert [candidate.subject for candidate in found.candidates] == [subject_of(export, "P2").id]


def test_a_record_keeps_everything_the_row_states(export: Export) -> None:
    """ENR-02."""
    export.images(1)
    decided = {"disposition": "convicted", "disposition_date": "2025-09-01", "appeal_end": "2026-10-01"}
    export.rows(row(1, designated="yes", **decided))
    export.enrol()
    subject = subject_of(export, "P1")
    booking = subject.bookings[0]
    offence = booking.offences[0]
    assert (subject.sex, str(subject.birth_date)) == (Sex.MALE, "1990-01-01")
    assert (offence.code, offence.ground, offence.designated) == ("CC 344", Ground.INDICTABLE, True)
    assert (offence.disposition, str(offence.disposition_date)) == (Disposition.CONVICTED, "2025-09-01")
    assert (str(offence.committed_on), str(offence.appeal_end)) == ("2025-06-01", "2026-10-01")
    assert str(booking.photographs[0].taken_on) == "2025-06-02"


@pytest.mark.parametrize(
    ("changes", "barrier"),
    [
        ({"offence_code": "CC 175"}, Barrier.NO_GROUND),
        ({"offence_code": "CC 999"}, Barrier.NO_GROUND),
        ({"offence_code": "", "offence_date": ""}, Barrier.NO_GROUND),
        ({"youth": "yes"}, Barrier.YOUTH),
        ({"youth": "", "birth_date": ""}, Barrier.AGE_UNKNOWN),
        ({"birth_date": "2009-01-01"}, Barrier.AGE_UNKNOWN),
        ({"taken_on": ""}, Barrier.NO_DATE),
    ],
    ids=["summary", "unmapped", "no-offence", "youth", "age-unknown", "age-contradicts", "no-photograph-date"],
)
def test_what_the_law_says_must_not_be_searched_is_enrolled_and_quarantined(
    export: Export, changes: dict[str, str], barrier: Barrier
) -> None:
    """LAW-13, LAW-14."""
    export.images(1)
    export.rows(row(1, **changes))
    report = export.enrol()
    assert (report.enrolled, report.searchable) == (1, 0)
    assert barrier in subject_of(export, "P1").bookings[0].photographs[0].barriers
    assert barrier.name in report.quarantined
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1))
    assert (found.candidates, found.compared) == ((), 0)


def test_one_ground_among_several_offences_is_enough(export: Export) -> None:
    """LAW-13."""
    export.map(MAPPING.replace("[file]", '[file]\nlist_separator = ";"'))
    export.images(1)
    export.rows(row(1, offence_code="CC 175; CC 267", offence_date="2025-05-30; 2025-06-01"))
    assert export.enrol().searchable == 1
    offences = subject_of(export, "P1").bookings[0].offences
    assert [(o.code, o.ground, str(o.committed_on)) for o in offences] == [
        ("CC 175", None, "2025-05-30"),
        ("CC 267", Ground.HYBRID, "2025-06-01"),
    ]


def test_several_photographs_and_bookings_of_one_person_are_one_subject(export: Export) -> None:
    export.images(1)
    export.image("1b.png", 1, variation=1)
    export.image("1c.png", 1, variation=2)
    export.rows(row(1), row(1, image="1b.png"), row(1, booking_number="B1-2", image="1c.png"))
    assert export.enrol().enrolled == 3
    assert [len(booking.photographs) for booking in subject_of(export, "P1").bookings] == [2, 1]


def test_json_lines_are_read_like_csv(export: Export) -> None:
    export.images(2)
    rows = [{**row(1), "offence_code": ["CC 175", "CC 344"], "offence_date": ["2025-06-01", "2025-06-01"]}, row(2)]
    export.write(as_jsonl([{**rows[0], "youth": False}, rows[1]]), "manifest.jsonl")
    assert export.enrol().searchable == 2


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_every_usual_encoding_is_read(export: Export, encoding: str) -> None:
    export.map(MAPPING.replace("[file]", f'[file]\nencoding = "{encoding}"\ndelimiter = ";"'))
    export.image("Élodie.png", 1)
    export.write(as_csv([row(1, image="Élodie.png", person_number="É-1")], delimiter=";"), encoding=encoding)
    assert export.enrol().enrolled == 1
    assert subject_of(export, "É-1")


# --- again, and the log ---------------------------------------------------------------------------------


def test_the_same_manifest_again_enrols_nothing_twice_and_tries_failures_anew(export: Export) -> None:
    """ENR-10."""
    export.images(1)
    export.rows(row(1), row(2))
    first = export.enrol()
    generation = present_generation()
    second = export.enrol()
    assert present_generation() == generation
    export.image("2.png", 2)
    third = export.enrol()
    assert [(r.enrolled, r.already, r.failed) for r in (first, second, third)] == [(1, 0, 1), (0, 1, 1), (1, 1, 0)]


def test_another_export_that_overlaps_enrols_only_what_is_new(export: Export) -> None:
    export.images(2)
    export.rows(row(1))
    export.enrol()
    export.rows(row(1), row(2))
    report = export.enrol()
    assert (report.enrolled, report.already) == (1, 1)


def test_every_failure_to_enrol_is_in_the_log_and_nothing_else_is(export: Export) -> None:
    """ENR-04: the failure-to-enrol count equals the log."""
    export.images(4)
    export.image("2.png", data=b"not an image")
    export.image("3.png", 3, 33)
    export.rows(row(1), row(2), row(3), row(4, taken_on="soon"), row(5))
    report = export.enrol()
    kinds = log_kinds(export)
    assert report.failed == len(report.failures) == kinds["photograph.not-enrolled"] == 4
    assert report.enrolled == kinds["photograph.enrolled"] == 1
    failed = [entry for entry in export.world.log(500) if entry["kind"] == "photograph.not-enrolled"]
    stated = {int(export.world.private(entry)["row"]): entry["facts"]["code"] for entry in failed}
    assert stated == {f.row: f.code for f in report.failures}
    assert stated == {
        2: "image.not-an-image",
        3: "face.several",
        4: "row.bad-date",
        5: "row.image-missing",
    }


def test_the_log_repeats_nothing_that_a_row_says(export: Export) -> None:
    export.images(1)
    export.rows(row(1), row(2, taken_on="very-secret"))
    report = export.enrol()
    log = str(export.world.log(500))
    assert not any(text in log for text in ("P1", "B1", "1.png", "very-secret", "1990-01-01"))
    assert not any("very-secret" in failure.sentences() for failure in report.failures)


# --- who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["searcher", "supervisor", "administrator", "auditor"])
def test_only_a_records_officer_enrols(export: Export, who: str) -> None:
    export.images(1)
    export.rows(row(1))
    with pytest.raises(Refused) as refusal:
        export.enrol(by=who)
    assert refusal.value.code == "gate.role"
    with pytest.raises(Refused):
        export.check(by=who)
    assert log_kinds(export)["action.refused"] == 2


def test_an_officer_enrols_only_for_their_own_service(export: Export) -> None:
    export.map(MAPPING.replace('[constants]\nagency = "NRP"', '[values.agency]\n"041" = "NRP"'))
    export.images(3)
    export.rows(row(1, agency="041"), row(2, agency="LKS"), row(3, agency="RCMP"))
    assert export.failures() == {2: "row.other-agency", 3: "row.unknown-agency"}


# --- check -----------------------------------------------------------------------------------------------


def test_a_check_reports_coverage_and_writes_nothing(export: Export) -> None:
    export.images(3)
    export.rows(
        row(1), row(2, offence_code="CC 999"), row(3, sex="", youth=""), row(4), row(1), row(5, birth_date="1/1/1990")
    )
    before = export.world.services.entries.size()
    coverage = export.check()
    assert export.world.services.entries.size() == before
    assert held()["photographs"] == 0
    assert jobs.find_job("enrolment", accounts.agency_by_code("NRP").id, "") is None
    assert (coverage.rows, coverage.searchable) == (6, 2)
    assert coverage.problems == {"row.image-missing": 1, "row.duplicate": 1, "row.bad-date": 1}
    assert coverage.codes_without_ground == {"CC 999": 1}
    assert coverage.quarantined == {"NO_GROUND": 1}
    assert coverage.filled["sex"] == 4


def test_a_check_opens_no_image(export: Export) -> None:
    export.image("1.png", data=b"not an image")
    export.rows(row(1))
    assert export.check().searchable == 1


# --- bad rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"taken_on": "2025-02-30"}, "row.bad-date"),
        ({"birth_date": "02/03/1990"}, "row.bad-date"),
        ({"birth_date": "2025-07-01"}, "row.impossible-date"),
        ({"person_number": ""}, "row.missing-value"),
        ({"booking_number": " "}, "row.missing-value"),
        ({"image": ""}, "row.missing-value"),
        ({"image": "none.png"}, "row.image-missing"),
        ({"image": "."}, "row.image-missing"),
        ({"image": "../1.png"}, "row.path-leaves-folder"),
        ({"image": "..\\1.png"}, "row.path-leaves-folder"),
        ({"image": "/etc/passwd"}, "row.path-leaves-folder"),
        ({"image": "x" * 500}, "row.image-missing"),
        ({"person_number": "9" * 61}, "row.too-long"),
    ],
)
def test_a_bad_row_fails_alone_with_its_reason(export: Export, changes: dict[str, str], code: str) -> None:
    export.images(2)
    export.rows(row(1, **changes), row(2))
    assert export.failures() == {1: code}
    assert held()["photographs"] == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image.empty"),
        (b"not an image", "image.not-an-image"),
        (b"8BPS\x00\x01" + bytes(40), "image.format-not-accepted"),
        (picture(1)[:300], "image.truncated"),
        (picture(1, kind="JPEG"), "image.wrong-extension"),
        (picture(), "face.none"),
        (picture(*range(40), size=(2000, 1000)), "face.several"),
        (picture(1, cell=1), "face.too-small"),
    ],
    ids=["empty", "text", "photoshop", "truncated", "wrong-extension", "no-face", "forty-faces", "tiny"],
)
def test_a_bad_image_fails_alone_with_its_reason(export: Export, data: bytes, code: str) -> None:
    export.images(2)
    export.image("1.png", data=data)
    export.rows(row(1), row(2))
    assert export.failures() == {1: code}
    assert held()["searchable"] == 1


def test_a_link_that_leads_out_of_the_folder_is_not_followed(export: Export, tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(picture(1))
    (export.folder / "images" / "1.png").symlink_to(tmp_path / "outside.png")
    export.rows(row(1))
    assert export.failures() == {1: "row.path-leaves-folder"}


def test_a_pipe_is_no_image(export: Export) -> None:
    import os

    os.mkfifo(export.folder / "images" / "1.png")
    export.rows(row(1))
    assert export.failures() == {1: "row.image-missing"}


def test_the_second_of_two_equal_rows_is_a_duplicate(export: Export) -> None:
    export.images(1)
    export.rows(row(1), row(1))
    assert export.failures() == {2: "row.duplicate"}


def test_a_booking_of_two_persons_stays_with_the_first(export: Export) -> None:
    export.images(3)
    export.rows(row(1), row(2, booking_number="B1"))
    assert export.failures() == {2: "row.booking-of-another-person"}
    export.rows(row(3, booking_number="B1"))
    assert export.failures() == {1: "row.booking-of-another-person"}


def test_a_line_with_too_many_or_too_few_cells_fails_alone(export: Export) -> None:
    export.images(3)
    lines = as_csv([row(1), row(2), row(3)]).splitlines()
    export.write("\r\n".join([lines[0], lines[1] + ",more", lines[2].rpartition(",")[0], lines[3]]))
    assert export.failures() == {1: "row.wrong-columns", 2: "row.wrong-columns"}


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', "null", "[" * 100_000])
def test_a_line_that_is_no_json_object_fails_alone(export: Export, line: str) -> None:
    export.images(1)
    export.write(as_jsonl([row(1)]) + line + "\n", "manifest.jsonl")
    assert export.failures() == {2: "row.not-json"}


# --- bad files: one clear error, nothing written --------------------------------------------------------


def rejected(export: Export) -> str:
    """Enrol; return the code of the error that rejects the whole, which is in the log and wrote nothing else."""
    with pytest.raises(ManifestError) as error:
        export.enrol()
    assert all(isinstance(str(text), str) for text in (error.value.what, error.value.why, error.value.hint))
    kinds = log_kinds(export)
    assert (kinds["input.rejected"], kinds["enrolment.started"]) == (1, 0)
    assert held()["photographs"] == 0
    return error.value.code


@pytest.mark.parametrize("column", ["person_number", "booking_number", "image"])
def test_a_manifest_without_a_required_column_is_rejected(export: Export, column: str) -> None:
    export.images(1)
    export.rows({name: value for name, value in row(1).items() if name != column})
    assert rejected(export) == "manifest.missing-column"


def test_a_column_that_the_mapping_names_has_to_be_there(export: Export) -> None:
    export.map(MAPPING + '\n[columns]\nyouth = "young person"\n')
    export.rows(row(1))
    assert rejected(export) == "manifest.missing-column"


def test_a_column_that_is_there_twice_is_rejected(export: Export) -> None:
    lines = as_csv([row(1)]).splitlines()
    export.write("\n".join([lines[0] + ",sex", lines[1] + ",F"]))
    assert rejected(export) == "manifest.duplicate-column"


@pytest.mark.parametrize("text", ["", "\ufeff", as_csv([row(1)]).splitlines()[0]])
def test_a_manifest_without_a_row_is_rejected(export: Export, text: str) -> None:
    export.write(text)
    assert rejected(export) in ("manifest.empty", "manifest.missing-column")


@pytest.mark.parametrize(
    ("stated", "real"),
    [
        ("utf-8", "windows-1252"),
        ("ascii", "utf-8"),
        ("windows-1252", "utf-8"),
        ("latin-1", "utf-8"),
        ("utf-8", "utf-16"),
        ("windows-1252", "utf-8-sig"),
    ],
)
def test_an_encoding_that_lies_is_found_before_anything_is_written(export: Export, stated: str, real: str) -> None:
    export.map(MAPPING.replace("[file]", f'[file]\nencoding = "{stated}"'))
    export.images(3)
    rows = [row(1), row(2), row(3, person_number="Éléonore-3")]
    export.write(as_csv(rows), encoding=real)
    assert rejected(export) == "manifest.encoding"


def test_a_bad_byte_far_into_the_file_is_found_before_anything_is_written(export: Export) -> None:
    export.images(1)
    padding = as_csv([row(number) for number in range(1, 20_000)]).encode()
    export.write(padding + b"\xff\n")
    assert rejected(export) == "manifest.encoding"


@pytest.mark.parametrize("name", ["manifest.xlsx", "manifest.pdf", "manifest"])
def test_a_file_of_another_kind_is_rejected(export: Export, name: str) -> None:
    export.write(as_csv([row(1)]), name)
    assert rejected(export) == "manifest.not-csv-or-jsonl"


def test_a_manifest_that_is_not_there_is_rejected(export: Export) -> None:
    export.manifest = export.folder / "nowhere.csv"
    assert rejected(export) == "manifest.unreadable"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[file", "mapping.unreadable"),
        ("[fiel]", "mapping.unknown-key"),
        ('[file]\nencodign = "utf-8"', "mapping.unknown-key"),
        ('[columns]\nname = "NAME"', "mapping.unknown-key"),
        ('[values.race]\nW = "white"', "mapping.unknown-key"),
        ('[file]\nencoding = "klingon"', "mapping.unknown-value"),
        ('[file]\ndelimiter = "ab"', "mapping.unknown-value"),
        ('[values.ground]\n"CC 1" = "federal"', "mapping.unknown-value"),
        ('[values.youth]\nY = "perhaps"', "mapping.unknown-value"),
        ("columns = 3", "mapping.unknown-value"),
    ],
)
def test_a_mapping_file_that_says_something_unknown_is_rejected(export: Export, text: str, code: str) -> None:
    export.map(text)
    export.rows(row(1))
    assert rejected(export) == code
