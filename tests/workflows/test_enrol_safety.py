"""What a careless or a hostile export may not achieve: a quarantine undone, rows lost in silence, a crash half-way."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import MAPPING, Export, as_csv, as_jsonl, row

from custodes.engine.fake import picture
from custodes.errors import Conflict, ManifestError
from custodes.store import accounts, jobs, subjects
from custodes.store.database import GALLERY, transaction_of_its_own
from custodes.workflows.enrolment import batch as enrolment_batch
from custodes.workflows.enrolment import job as enrolment_job
from custodes.workflows.jobs import key_of_pass


def held() -> dict[str, int]:
    """What the service holds."""
    return subjects.counts(accounts.agency_by_code("NRP").id)


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    return Export(world, tmp_path / "export")


def rejected(export: Export) -> str:
    with pytest.raises(ManifestError) as error:
        export.enrol()
    assert str(error.value)
    assert held()["photographs"] == 0
    return error.value.code


@pytest.mark.parametrize(
    "barred",
    [{"youth": "yes"}, {"offence_code": "CC 175"}, {"birth_date": "2009-01-01", "youth": ""}],
    ids=["youth", "summary-offence", "birth-date"],
)
def test_a_second_row_cannot_talk_a_booking_out_of_its_quarantine(export: Export, barred: dict[str, str]) -> None:
    """LAW-13: the photographs of one booking may not be judged by different facts."""
    export.images(2)
    export.rows(row(1, **barred), row(1, image="2.png"))
    assert export.failures() == {2: "row.booking-stated-differently"}
    assert held()["searchable"] == 0
    export.rows(row(1, image="2.png"))
    assert export.failures() == {1: "row.booking-stated-differently"}
    assert held()["searchable"] == 0


def test_the_same_image_under_another_name_is_enrolled_once_however_far_apart(export: Export) -> None:
    export.images(120)
    export.image("copy.png", 1)
    for place in (2, 40, 100):
        rows = [row(number) for number in range(1, 121)]
        rows[place] = row(1, image="copy.png")
        export.rows(*rows)
        assert export.failures() == {}
    assert held()["photographs"] == 120


def test_an_enrolled_photograph_does_not_hide_that_its_booking_is_given_to_another(export: Export) -> None:
    export.images(1)
    export.rows(row(1))
    export.enrol()
    export.rows(row(1, person_number="P2"))
    assert export.failures() == {1: "row.booking-of-another-person"}


@pytest.mark.parametrize("closed_later", [True, False])
def test_a_quotation_that_is_not_closed_swallows_no_row_in_silence(export: Export, closed_later: bool) -> None:
    """ENR-04."""
    export.images(6)
    lines = as_csv([row(number) for number in range(1, 7)]).splitlines(keepends=True)
    lines[2] = lines[2].replace("P2", '"P2')
    if closed_later:
        lines[4] = lines[4].replace("P4", 'P4"')
    export.write("".join(lines))
    assert rejected(export) == "manifest.malformed"


def test_a_line_break_in_a_column_that_nobody_reads_is_let_pass(export: Export) -> None:
    export.images(1)
    export.rows({**row(1), "notes": 'two\nlines, and a "quotation"'})
    assert export.enrol().enrolled == 1


@pytest.mark.parametrize("text", ["P\x07", "P\x00", "P\x85X", "P\udcff"])
def test_a_control_character_or_half_a_character_fails_its_row(export: Export, text: str) -> None:
    export.images(2)
    export.write(as_jsonl([row(1, person_number=text), row(2)]), "manifest.jsonl")
    assert export.failures() == {1: "row.unreadable-character"}


@pytest.mark.parametrize("value", ["NaN", "1.5", "1e400", "{}"])
def test_a_number_that_is_no_number_of_a_person_fails_its_row(export: Export, value: str) -> None:
    export.images(2)
    line = as_jsonl([row(1)]).replace('"P1"', value)
    export.write(line + as_jsonl([row(2)]), "manifest.jsonl")
    assert list(export.failures()) == [1]


def test_a_key_named_twice_in_a_line_fails_its_row(export: Export) -> None:
    export.images(2)
    twice = as_jsonl([row(1)]).replace('"youth": "no"', '"youth": "yes", "youth": "no"')
    export.write(twice + as_jsonl([row(2)]), "manifest.jsonl")
    assert export.failures() == {1: "row.not-json"}


def test_a_file_without_one_json_object_rejects_the_whole(export: Export) -> None:
    export.write(as_csv([row(1)]), "manifest.jsonl")
    assert rejected(export) == "manifest.not-csv-or-jsonl"


def test_a_required_key_that_no_line_has_rejects_the_whole(export: Export) -> None:
    export.write(as_jsonl([{name: value for name, value in row(1).items() if name != "image"}]), "manifest.jsonl")
    assert rejected(export) == "manifest.missing-column"


@pytest.mark.parametrize(
    "changes",
    [
        {"taken_on": "2093-01-01"},
        {"birth_date": "2093-01-01"},
        {"offence_date": "1980-01-01"},
        {"offence_date": "2093-01-01"},
        {"disposition_date": "2020-01-01"},
    ],
)
def test_dates_that_cannot_all_be_true_fail_their_row(export: Export, changes: dict[str, str]) -> None:
    export.images(1)
    export.rows(row(1, **changes))
    assert export.failures() == {1: "row.impossible-date"}


@pytest.mark.parametrize(
    ("formats", "code"),
    [
        (["%d/%m/%Y", "%m/%d/%Y"], "mapping.ambiguous-dates"),
        (["%y-%m-%d"], "mapping.unknown-value"),
        (["%Y-%m"], "mapping.unknown-value"),
        (["today"], "mapping.unknown-value"),
        (["%d/%m/%Yd/%m/%Y"], "mapping.unknown-value"),
        (["%Y-%m-%d", "%x %Y-%m-%d"], "mapping.unknown-value"),
    ],
)
def test_date_formats_that_do_not_mean_one_day_are_rejected(export: Export, formats: list[str], code: str) -> None:
    export.map(MAPPING.replace('["%Y-%m-%d"]', str(formats)))
    export.rows(row(1))
    assert rejected(export) == code


def test_a_constant_cannot_pass_over_what_a_column_says(export: Export) -> None:
    export.map(MAPPING.replace('agency = "NRP"', 'agency = "NRP"\nyouth = "no"'))
    export.images(1)
    export.rows(row(1, youth="yes"))
    assert rejected(export) == "mapping.constant-and-column"


@pytest.mark.parametrize("name", ["person_number", "booking_number", "image"])
def test_what_differs_from_row_to_row_cannot_be_a_constant(export: Export, name: str) -> None:
    export.map(MAPPING.replace('agency = "NRP"', f'agency = "NRP"\n{name} = "1"'))
    export.rows(row(1))
    assert rejected(export) == "mapping.unknown-key"


@pytest.mark.parametrize("encoding", ["base64", "rot13", "idna", "unicode_escape", "utf-7", "zlib", "\\u0000"])
def test_a_codec_that_is_no_encoding_of_text_is_rejected(export: Export, encoding: str) -> None:
    export.map(MAPPING.replace("[file]", f'[file]\nencoding = "{encoding}"'))
    export.rows(row(1))
    assert rejected(export) == "mapping.unknown-value"


def test_utf_16_without_its_mark_is_an_encoding_that_lies(export: Export) -> None:
    export.map(MAPPING.replace("[file]", '[file]\nencoding = "utf-16"'))
    export.write(as_csv([row(1, person_number="É")]))
    assert rejected(export) == "manifest.encoding"


def test_windows_1252_is_not_latin_1(export: Export) -> None:
    export.map(MAPPING.replace("[file]", '[file]\nencoding = "latin-1"'))
    export.write(as_csv([row(1, person_number="D’Arcy")]), encoding="cp1252")
    assert rejected(export) == "manifest.encoding"


def test_a_mapping_file_that_begins_with_a_byte_order_mark_is_read(export: Export) -> None:
    export.images(1)
    export.map("\ufeff" + MAPPING)
    export.rows(row(1))
    assert export.enrol().enrolled == 1


@pytest.mark.parametrize("image", ["C:\\photos\\1.png", "\\\\server\\1.png", "\\1.png"])
def test_a_path_of_another_machine_leaves_the_folder(export: Export, image: str) -> None:
    export.rows(row(1, image=image))
    assert export.failures() == {1: "row.path-leaves-folder"}


def test_the_same_work_twice_at_once_is_done_once(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process that is further on makes the first stop, with nothing half-written."""
    export.images(3)
    export.rows(row(1), row(2), row(3))
    monkeypatch.setattr(enrolment_job, "_BATCH", 1)
    seal = enrolment_batch.store.seal_photographs

    def overtaken(*arguments: object) -> object:
        agency = accounts.agency_by_code("NRP").id
        found = jobs.find_job("enrolment", agency, jobs_key(export))
        assert found is not None
        if found.cursor == 1:
            with transaction_of_its_own(GALLERY):
                jobs.advance_job(found.id, after=1, cursor=3, counts={})
        return seal(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(enrolment_batch.store, "seal_photographs", overtaken)
    with pytest.raises(Conflict) as conflict:
        export.enrol()
    assert conflict.value.code == "job.moved"
    assert held()["photographs"] == 1


def jobs_key(export: Export) -> str:
    agency = accounts.agency_by_code("NRP").id
    files = (export.manifest, export.folder / "mapping.toml")
    return key_of_pass("enrolment", agency, *map(enrolment_job.file_sha256, files), "")


def test_log_entries_of_photographs_name_the_photograph_its_subject_and_the_job(export: Export) -> None:
    export.images(1)
    export.rows(row(1), row(2))
    export.enrol()
    entries = {entry["kind"]: entry for entry in export.world.log(4)}
    job = entries["enrolment.finished"]["targets"][0]
    found = subjects.find_subject(accounts.agency_by_code("NRP").id, "P1")
    assert entries["photograph.enrolled"]["targets"][1] == found
    assert entries["photograph.enrolled"]["facts"] == {"standing": "searchable", "job": job}
    assert "private" not in entries["photograph.enrolled"]
    assert entries["photograph.not-enrolled"]["facts"]["job"] == job


def test_equal_bytes_do_not_make_two_people_one(export: Export) -> None:
    export.image("1.png", data=picture(1))
    export.image("2.png", data=picture(1))
    export.rows(row(1), row(2))
    assert export.enrol().enrolled == 2
