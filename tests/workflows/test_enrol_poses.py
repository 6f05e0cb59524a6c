"""ENR-03: several photographs of a booking, in every pose; only what the pack compares is searched, all is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import MAPPING, Export, as_jsonl, row
from tests.workflows.test_re_export import WHOLE, barriers, enrolled, subject_of

from custodes.engine.fake import FakeEngine, picture
from custodes.errors import ManifestError, Refused
from custodes.store.models import GalleryEntry, Photograph, TemplateRow
from custodes.types import Barrier, Pose
from custodes.workflows import viewing
from custodes.workflows.search import search


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(3)
    return export


def turned(number: int, pose: str, **changes: str) -> dict[str, str]:
    return row(number, **changes) | {"pose": pose}


def test_twenty_five_photographs_of_one_booking_are_one_candidate(export: Export) -> None:
    """ENR-03, SRCH-07."""
    for number in range(25):
        export.image(f"many/{number}.png", 1, variation=number)
    enrolled(export, *(row(1, image=f"many/{number}.png") for number in range(25)))
    (booking,) = subject_of("P1").bookings
    assert len(booking.photographs) == 25
    found = search(export.world.services, export.world.as_("searcher"), request=export.world.approved(1))
    assert [len(candidate.photographs) for candidate in found.candidates] == [25]


@pytest.mark.parametrize(
    ("stated", "pose"),
    [
        ("", Pose.FRONTAL),
        ("F", Pose.FRONTAL),
        ("frontal", Pose.FRONTAL),
        ("L", Pose.LEFT_PROFILE),
        ("left-profile", Pose.LEFT_PROFILE),
        ("R", Pose.RIGHT_PROFILE),
        ("A", Pose.THREE_QUARTER),
        ("D", Pose.OTHER),
        ("other", Pose.OTHER),
    ],
)
def test_poses_are_stated_in_our_words_or_in_the_standard_s_codes(export: Export, stated: str, pose: Pose) -> None:
    """ANSI/NIST-ITL 1-2011, field 10.020 (POS)."""
    enrolled(export, turned(1, stated))
    assert subject_of("P1").bookings[0].photographs[0].pose is pose
    assert barriers() == [Barrier.NONE if pose is Pose.FRONTAL else Barrier.POSE]
    assert TemplateRow.objects.count() == GalleryEntry.objects.count() == (pose is Pose.FRONTAL)


def test_a_records_system_s_own_words_are_mapped(export: Export) -> None:
    export.map(MAPPING + '[values.pose]\nGAUCHE = "left-profile"\nTATOUAGE = "tattoo"\n')
    export.rows(turned(1, "GAUCHE"), turned(2, "TATOUAGE"))
    assert export.failures() == {2: "row.no-face"}
    assert Photograph.objects.get().pose == Pose.LEFT_PROFILE


@pytest.mark.parametrize(
    ("stated", "code"),
    [("tattoo", "row.no-face"), ("SCAR", "row.no-face"), ("Mark", "row.no-face"), ("Q", "row.bad-value")],
)
def test_a_tattoo_is_not_enrolled_among_faces(export: Export, stated: str, code: str) -> None:
    """ENR-06."""
    export.rows(turned(1, stated), turned(2, ""))
    assert export.failures() == {1: code}
    assert Photograph.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no image", "image.not-an-image"),
        (picture(1)[:300], "image.truncated"),
        (picture(), None),
        (picture(1, 2), None),
    ],
    ids=["no-image", "truncated", "no-face", "two-faces"],
)
def test_a_profile_needs_no_face_that_is_found_but_a_sound_image(export: Export, data: bytes, code: str | None) -> None:
    export.image("1.png", data=data)
    export.rows(turned(1, "L"))
    assert export.failures() == ({1: code} if code else {})


def test_a_frontal_photograph_without_a_face_still_fails(export: Export) -> None:
    export.image("1.png", data=picture())
    export.rows(turned(1, "F"))
    assert export.failures() == {1: "face.none"}


def test_profiles_are_counted_apart_from_what_is_quarantined(export: Export) -> None:
    export.rows(turned(1, ""), turned(2, "L"), turned(3, "L", youth="yes"))
    foretold = export.check()
    assert (foretold.searchable, foretold.unsearched, dict(foretold.quarantined)) == (1, 1, {"YOUTH": 1})
    report = export.enrol()
    assert (report.enrolled, report.searchable, report.unsearched) == (3, 1, 1)
    assert barriers() == [Barrier.NONE, Barrier.POSE, Barrier.POSE | Barrier.YOUTH]


def test_an_examiner_is_shown_the_profile_of_a_candidate_and_not_one_that_is_barred(export: Export) -> None:
    world = export.world
    enrolled(export, turned(1, ""), turned(1, "L", image="2.png"))
    searcher = world.as_("searcher")
    (candidate,) = search(world.services, searcher, request=world.approved(1)).candidates
    record = viewing.view_record(world.services, searcher, subject=candidate.subject)
    frontal, profile = sorted(record.bookings[0].photographs, key=lambda each: each.pose is not Pose.FRONTAL)
    assert (profile.pose, profile.is_only_shown, frontal.is_only_shown) == (Pose.LEFT_PROFILE, True, False)
    assert viewing.view_photograph(world.services, searcher, photograph=profile.id)
    export.rows(turned(1, "", youth="yes"), turned(1, "L", image="2.png", youth="yes"))
    export.enrol(re_export=WHOLE)
    with pytest.raises(Refused) as refused:
        viewing.view_photograph(world.services, searcher, photograph=profile.id)
    assert refused.value.code == "gate.quarantined"


def test_a_photograph_that_no_living_row_of_the_gallery_has_is_not_shown_as_searchable(export: Export) -> None:
    enrolled(export, row(1))
    GalleryEntry.objects.update(died=99)
    (photograph,) = subject_of("P1").bookings[0].photographs
    assert photograph.barriers == Barrier.NOT_IN_GALLERY


def test_a_pose_stated_otherwise_later_contradicts_the_photograph_and_bars_nothing_else(export: Export) -> None:
    enrolled(export, turned(1, ""), turned(1, "", image="2.png"))
    export.rows(turned(1, "L"))
    assert export.failures() == {1: "row.booking-stated-differently"}
    assert barriers() == [Barrier.NONE] * 2


def test_a_pack_that_compares_profiles_needs_a_face_in_them(export: Export) -> None:
    poses = frozenset({Pose.FRONTAL, Pose.LEFT_PROFILE})
    export.world.services.make_engine = lambda: FakeEngine(allows_operational_use=True, poses=poses)
    export.image("2.png", data=picture())
    export.rows(turned(1, "L"), turned(2, "L"))
    assert export.failures() == {2: "face.none"}


# --- files that are no manifest ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.jsonl"])
def test_a_line_that_fills_the_memory_is_refused_before_anything_is_written(export: Export, name: str) -> None:
    from tests.workflows.enrol_fixtures import as_csv

    text = as_csv([row(1)]) if name.endswith("csv") else as_jsonl([row(1)])
    export.write(text + '{"person_number": "' + "9" * 2_000_000 + '"}\n', name)
    with pytest.raises(ManifestError) as error:
        export.enrol()
    assert error.value.code == "manifest.long-line"
    assert Photograph.objects.count() == 0


def test_a_check_keeps_no_more_codes_than_it_can_show(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    from custodes.workflows.enrolment import coverage

    monkeypatch.setattr(coverage, "_MOST_CODES", 2)
    export.rows(*(row(number, offence_code=f"X{number}", image="1.png") for number in range(5)))
    assert len(export.check().codes_without_ground) == 2
