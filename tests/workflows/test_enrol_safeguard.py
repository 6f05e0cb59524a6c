"""LAW-13: when a later export states what bars a record, the record is barred at once; no row ever opens one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row

from custodes.engine.fake import FAKE_CONTRACT
from custodes.errors import CustodesError
from custodes.ledger import EventKind
from custodes.store import accounts, subjects
from custodes.store.database import present_generation
from custodes.store.gallery import DatabaseTemplateSource
from custodes.store.models import Booking, GalleryEntry, LogEntry
from custodes.types import Barrier, Youth
from custodes.workflows.enrolment import job as enrolment_job
from custodes.workflows.gallery import weigh
from custodes.workflows.search import search

DIFFERENT = "row.booking-stated-differently"
BARRING: list[tuple[dict[str, str], Barrier]] = [
    ({"youth": "yes"}, Barrier.YOUTH),
    ({"youth": "", "birth_date": ""}, Barrier.AGE_UNKNOWN),
    ({"offence_code": "CC 175"}, Barrier.NO_GROUND),
    ({"offence_code": "", "offence_date": ""}, Barrier.NO_GROUND),
    ({"taken_on": ""}, Barrier.NO_DATE),
]


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(3)
    return export


def barriers() -> list[Barrier]:
    """The barriers of every living row."""
    living = GalleryEntry.objects.filter(died__isnull=True)
    return [
        Barrier(barred) for barred in living.order_by("template__photograph__pk").values_list("barriers", flat=True)
    ]


def quarantined(export: Export) -> list[dict[str, Any]]:
    return [entry for entry in export.world.log(500) if entry["kind"] == "record.quarantined"]


@pytest.mark.parametrize(("changes", "barrier"), BARRING)
def test_the_same_image_restated_with_a_bar_quarantines_the_record(
    export: Export, changes: dict[str, str], barrier: Barrier
) -> None:
    export.rows(row(1))
    assert export.enrol().searchable == 1
    (photograph,) = GalleryEntry.objects.values_list("template__photograph__uid", flat=True)
    export.rows(row(1, **changes))
    report = export.enrol()
    assert [(failure.row, failure.code) for failure in report.failures] == [(1, DIFFERENT)]
    assert "quarantined until it is corrected" in report.failures[0].sentences()
    assert (report.already, report.failed, report.records_quarantined) == (0, 1, 1)
    assert [barred & barrier for barred in barriers()] == [barrier]
    (entry,) = quarantined(export)
    assert entry["targets"] == [photograph]
    assert set(entry["facts"]) == {"job"}, "why it is barred tells of the person"
    assert export.world.private(entry) == {"barriers": " ".join(b.name or "" for b in barriers()[0]), "row": "1"}


def test_a_search_before_a_restatement_finds_the_person_and_one_after_it_does_not(export: Export) -> None:
    world = export.world
    export.rows(row(1))
    export.enrol()
    searcher = world.as_("searcher")
    before = search(world.services, searcher, request=world.approved(1, number="a"))
    export.rows(row(1, youth="yes"))
    export.enrol()
    after = search(world.services, searcher, request=world.approved(1, number="b"))
    assert (before.eligible, len(before.candidates)) == (1, 1)
    assert (after.eligible, len(after.candidates)) == (0, 0)


@pytest.mark.parametrize("changes", [{"sex": "F"}, {}])
def test_a_row_that_states_the_same_facts_was_enrolled_before(export: Export, changes: dict[str, str]) -> None:
    export.rows(row(1))
    export.enrol()
    generation = present_generation()
    export.rows(row(1, **changes), row(2))
    assert export.enrol().already == 1
    assert (barriers(), present_generation()) == ([Barrier.NONE] * 2, generation + 1)


@pytest.mark.parametrize(
    "changes", [{"taken_on": "2025-06-03"}, {"birth_date": "1990-01-02"}, {"offence_code": "CC 267"}]
)
def test_a_difference_that_bars_nothing_fails_its_row_and_changes_nothing(
    export: Export, changes: dict[str, str]
) -> None:
    export.rows(row(1))
    export.enrol()
    generation = present_generation()
    export.rows(row(1, **changes))
    assert export.failures() == {1: DIFFERENT}
    assert (barriers(), quarantined(export), present_generation()) == ([Barrier.NONE], [], generation)


@pytest.mark.parametrize(("changes", "barrier"), BARRING)
def test_a_row_never_takes_a_barrier_away(export: Export, changes: dict[str, str], barrier: Barrier) -> None:
    export.rows(row(1, **changes))
    export.enrol()
    before = barriers()
    export.rows(row(1))
    assert export.failures() == {1: DIFFERENT}
    assert barriers() == before
    assert before[0] & barrier


def test_a_disputed_booking_cannot_be_searched_through_a_further_photograph(export: Export) -> None:
    """Attack: after the quarantine, one more photograph under the first statement."""
    export.rows(row(1))
    export.enrol()
    export.rows(row(1, youth="yes"), row(1, image="2.png"))
    export.enrol()
    export.rows(row(1, image="3.png"))
    export.enrol()
    assert barriers() == [Barrier.YOUTH] * 3
    assert Booking.objects.get().disputed == Barrier.YOUTH
    assert Booking.objects.get().youth == Youth.NO


def test_every_photograph_of_the_booking_is_quarantined_and_no_other_booking(export: Export) -> None:
    export.rows(row(1), row(1, image="2.png"), row(1, booking_number="another", image="3.png"))
    export.enrol()
    export.rows(row(1, youth="yes"))
    export.enrol()
    assert barriers() == [Barrier.YOUTH, Barrier.YOUTH, Barrier.NONE]
    assert len(quarantined(export)[0]["targets"]) == 2


@pytest.mark.parametrize(
    ("changes", "image"),
    [
        ({"image": "none.png"}, None),
        ({"image": "../1.png"}, None),
        ({"image": "2.png"}, b"no image"),
        ({"image": "2.png", "person_number": "P9"}, None),
    ],
    ids=["image-missing", "path-leaves-folder", "no-image", "another-person"],
)
def test_a_row_whose_image_is_no_good_quarantines_all_the_same(
    export: Export, changes: dict[str, str], image: bytes | None
) -> None:
    export.rows(row(1))
    export.enrol()
    if image:
        export.image("2.png", data=image)
    export.rows(row(1, youth="yes", **changes))
    assert len(export.failures()) == 1
    assert barriers() == [Barrier.YOUTH]


def test_a_new_photograph_without_a_date_does_not_undate_those_that_have_one(export: Export) -> None:
    export.rows(row(1))
    export.enrol()
    export.rows(
        row(1, image="2.png", taken_on=""), row(1, image="3.png", taken_on="", sex="F", birth_date="1980-01-01")
    )
    assert export.failures() == {2: DIFFERENT}
    assert barriers() == [Barrier.NONE, Barrier.NO_DATE]


def test_another_service_cannot_quarantine_a_record_by_its_numbers(export: Export) -> None:
    export.rows(row(1))
    export.enrol()
    export.map((export.folder / "mapping.toml").read_text().replace('agency = "NRP"', 'agency = "LKS"'))
    export.rows(row(1, youth="yes"))
    assert export.failures() == {1: "row.other-agency"}
    export.enrol(by="partner records officer")
    assert barriers() == [Barrier.NONE, Barrier.YOUTH]


def test_the_same_restatement_again_is_reported_again_and_quarantines_nothing_anew(export: Export) -> None:
    export.rows(row(1))
    export.enrol()
    export.rows(row(1, youth="yes"))
    first, second = export.enrol(), export.enrol()
    assert (first.failed, second.failed) == (1, 1)
    assert (first.records_quarantined, second.records_quarantined) == (1, 0)
    assert len(quarantined(export)) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_rows_come_to_the_same_however_they_are_batched(
    export: Export, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A kill moves the bounds of batches; with one row to a batch every row meets what is kept, with 16 none does."""
    monkeypatch.setattr(enrolment_job, "_BATCH", size)
    export.rows(
        row(1),
        row(1, image="2.png", youth="yes"),
        row(1, image="2.png", offence_code="CC 175"),
        row(1, image="3.png"),
        row(2, taken_on=""),
        row(2, image="copy.png"),
        row(1),
    )
    export.image("copy.png", 2)
    report = export.enrol()
    assert [(failure.row, failure.code) for failure in report.failures] == [
        (2, DIFFERENT),
        (3, DIFFERENT),
        (6, DIFFERENT),
        (7, "row.duplicate"),
    ]
    assert (report.enrolled, report.already, report.records_quarantined) == (3, 0, 2)
    both = Barrier.YOUTH | Barrier.NO_GROUND
    assert barriers() == [both, both, Barrier.NO_DATE]
    assert [len(entry["targets"]) for entry in quarantined(export)] == [1, 1]


@pytest.mark.usefixtures("committed")
def test_a_quarantine_its_log_entry_and_its_failure_stand_or_fall_together(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.rows(row(1))
    export.enrol()
    export.rows(row(1, youth="yes"))
    ledger = export.world.services.ledger
    written = ledger.with_rows

    def dying(*events: Any) -> Any:
        if any(event.kind is EventKind.RECORD_QUARANTINED for event in events):
            raise OSError
        return written(*events)

    monkeypatch.setattr(ledger, "with_rows", dying)
    with pytest.raises(OSError):  # noqa: PT011 - any
        export.enrol()
    assert (barriers(), Booking.objects.get().disputed) == ([Barrier.NONE], 0)
    monkeypatch.undo()
    assert export.failures() == {1: DIFFERENT}
    assert barriers() == [Barrier.YOUTH]


@pytest.mark.parametrize("bound", [1, 5_000, 64_000_000])
def test_bytes_of_images_ahead_are_bounded(export: Export, monkeypatch: pytest.MonkeyPatch, bound: int) -> None:
    monkeypatch.setattr(enrolment_job, "_BYTES_AHEAD", bound)
    export.images(60)
    export.rows(*(row(number) for number in range(1, 61)))
    sizes = {number: (export.folder / "images" / f"{number}.png").stat().st_size for number in range(1, 61)}
    read, peaks, written = [0], [0], [0]
    load = enrolment_job._EnrolmentJob._load

    def watched(self: Any, item: Any, path: Path) -> Any:
        read[0] += sizes[item.number]
        peaks.append(read[0] - written[0])
        return load(self, item, path)

    def progress(done: int, total: int | None) -> None:
        written[0] = sum(size for number, size in sizes.items() if number <= done)

    monkeypatch.setattr(enrolment_job._EnrolmentJob, "_load", watched)
    report = enrolment_job.enrol(
        export.world.services, export.world.as_("records officer"), **export.places(), progress=progress
    )
    assert report.enrolled == 60
    rows = (enrolment_job._BATCHES_AHEAD + 1) * enrolment_job._BATCH
    assert max(peaks) <= min(bound + max(sizes.values()), rows * max(sizes.values()))


def test_the_log_names_the_files_of_an_enrolment_by_their_sha_256_and_its_job(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    from custodes.workflows.enrolment import batch as enrolment_batch

    export.rows(row(1))
    with monkeypatch.context() as patched:
        patched.setattr(enrolment_batch.store, "seal_photographs", lambda *_: 1 / 0)
        with pytest.raises((ZeroDivisionError, CustodesError)):
            export.enrol()
    export.enrol()
    entries = {entry["kind"]: entry for entry in export.world.log(500)}
    places = export.places()
    for kind in ("enrolment.started", "enrolment.resumed"):
        facts, private = entries[kind]["facts"], export.world.private(entries[kind])
        assert private["manifest_sha256"] == hashlib.sha256(places["manifest"].read_bytes()).hexdigest()
        assert facts["mapping_sha256"] == hashlib.sha256(places["mapping"].read_bytes()).hexdigest()
        assert entries[kind]["targets"] == entries["enrolment.finished"]["targets"]


def test_an_enrolled_file_comes_back_with_its_name_its_hash_and_its_exif(export: Export) -> None:
    """PRB-01."""
    import hashlib
    import io

    from PIL import Image

    from custodes.engine.fake import picture

    exif = Image.Exif()
    exif[0x010F] = "A camera"
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture(1))) as image:
        image.save(out, format="PNG", exif=exif)
    export.image("2025/Écran (1).png", data=out.getvalue())
    export.rows(row(1, image="2025\\Écran (1).png"))
    assert export.failures() == {}
    owner = accounts.agency_by_code("NRP").id
    found = subjects.find_subject(owner, "P1")
    assert found is not None
    (photograph,) = subjects.subject(found).bookings[0].photographs
    vault = export.world.services.vault
    kept = subjects.original_bytes(vault, photograph.id)
    assert kept == out.getvalue()
    assert hashlib.sha256(kept).hexdigest() == photograph.sha256
    assert subjects.original_name(vault, photograph.id) == "Écran (1).png"
    with Image.open(io.BytesIO(kept)) as image:
        assert image.getexif()[0x010F] == "A camera"


def test_a_probe_comes_back_with_its_name_and_bytes(world: World) -> None:
    """PRB-01."""
    from custodes.engine.fake import picture

    probe = world.probe(world.case().id, 1)
    vault = world.services.vault
    assert subjects.original_name(vault, probe.id) == "probe.png"
    assert subjects.original_bytes(vault, probe.id) == picture(1, variation=3)


def _refused(world: World, number: str) -> str:
    request = world.approved(1, number=number)
    with pytest.raises(CustodesError) as error:
        search(world.services, world.as_("searcher"), request=request)
    assert LogEntry.objects.filter(kind="search", phase="done").count() == 0
    return error.value.code


def test_a_search_refuses_when_the_key_of_a_living_template_is_gone(world: World) -> None:
    """Attack: hide somebody by destroying one key."""
    from custodes.store.models import TemplateRow

    new = world.enrol(1)
    world.enrol(2)
    key = TemplateRow.objects.get(uid=new.template_id).key_uid
    world.services.vault.keys.destroy([key])  # type: ignore[list-item]
    assert _refused(world, "a") == "vault.key-gone"


def test_a_living_row_taken_out_behind_its_back_is_still_compared_and_the_comparison_finds_it(world: World) -> None:
    """Attack: hide somebody by a change of the database that raises no generation."""
    new = world.enrol(1)
    world.enrol(2)
    world.services.gallery.catch_up()
    GalleryEntry.objects.filter(template__uid=new.template_id).delete()
    world.enrol(3)
    assert DatabaseTemplateSource(world.services.vault).living(FAKE_CONTRACT, 3) == 2
    assert search(world.services, world.as_("searcher"), request=world.approved(3)).compared == 3
    assert weigh(world.services).hidden == 1
