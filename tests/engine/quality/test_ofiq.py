"""OFIQ's table is read as its source writes it, and nothing that a program does goes unnamed (STD-03).

A small script stands in for ``OFIQSampleApp``: no test has run the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from custodes.engine.quality.ofiq import Reading, pictures_of, read_table, run_ofiq
from custodes.errors import CustodesError, InputError, SetupError
from custodes.types import Component

NAMES = [component.value for component in Component if component.is_standard]
HEAD = "Filename;" + "".join(f"{name};" for name in NAMES) + "".join(f"{name}.scalar;" for name in NAMES)

# a head and a row as OFIQ 1.0.0-RC publishes them among its expected results, cut to a few of its components
PUBLISHED_HEAD = (
    "Filename;SingleFacePresent;HeadPoseRoll;BackgroundUniformity;InterEyeDistance;UpwardCropOfTheFaceImage;"
    "DownwardCropOfTheFaceImage;Sharpness;SingleFacePresent.scalar;HeadPoseRoll.scalar;BackgroundUniformity.scalar;"
    "InterEyeDistance.scalar;UpwardCropOfTheFaceImage.scalar;DownwardCropOfTheFaceImage.scalar;Sharpness.scalar;"
)
PUBLISHED_ROW = (
    "../../../data/tests/images/b-01-smile.png;0;-1.415725;71.593742;492.515573;2.021810;2.423085;44;"
    "100;100;67;100;90;100;100"
)


def row(path: str, *, native: str = "0.5", score: str = "50") -> str:
    return ";".join([path, *[native] * len(NAMES), *[score] * len(NAMES)])


def refusal(code: str, error: type[CustodesError] = SetupError) -> pytest.RaisesExc[CustodesError]:
    return pytest.raises(error, match=code.replace(".", r"\."))


def test_a_published_row_is_read() -> None:
    readings = read_table(f"{PUBLISHED_HEAD}\n{PUBLISHED_ROW}\n")["b-01-smile.png"]
    assert readings[Component.INTER_EYE_DISTANCE] == Reading(492.515573, 100)
    assert readings[Component.BACKGROUND_UNIFORMITY] == Reading(71.593742, 67)
    assert readings[Component.HEAD_POSE_ROLL] == Reading(-1.415725, 100)
    # the old name of the margin below: an upward crop
    assert readings[Component.MARGIN_BELOW] == Reading(2.021810, 90)
    assert readings[Component.MARGIN_ABOVE] == Reading(2.423085, 100)


def test_all_28_components_are_read() -> None:
    readings = read_table(f"{HEAD}\n{row('/a/b.jpg')}\n")["b.jpg"]
    assert len(readings) == 28
    assert set(readings.values()) == {Reading(0.5, 50)}


def test_a_failure_to_assess_is_no_score() -> None:
    readings = read_table(f"{HEAD}\n{row('b.jpg', native='-1', score='-1')}\n")["b.jpg"]
    assert {reading.score for reading in readings.values()} == {None}


def test_a_picture_that_ofiq_could_not_read_has_no_readings() -> None:
    assert read_table(f"{HEAD}\n{row('a.jpg')}\nb.jpg;;\n")["b.jpg"] == {}


def test_a_path_may_hold_semicolons() -> None:
    assert list(read_table(f"{HEAD}\n{row('/a;b/c;d.jpg')}\n")) == ["c;d.jpg"]


def test_components_of_a_later_version_are_passed_over() -> None:
    head = "Filename;Sharpness;RadialDistortion;Sharpness.scalar;RadialDistortion.scalar;"
    assert read_table(f"{head}\na.jpg;3;4;30;40\n") == {"a.jpg": {Component.SHARPNESS: Reading(3, 30)}}


def test_our_own_component_is_never_taken_from_ofiq() -> None:
    assert read_table("Filename;Noise;Noise.scalar;\na.jpg;3;30\n") == {"a.jpg": {}}


@pytest.mark.parametrize(
    "table",
    [
        "",
        "\n\n",
        "Filename;\na.jpg;1;2\n",
        "File;Sharpness;Sharpness.scalar;\n",
        "Filename;Sharpness;HeadSize.scalar;\na.jpg;1;2\n",
        "Filename,Sharpness,Sharpness.scalar\na.jpg,1,2\n",
        f"{HEAD}\na.jpg;1;2;3\n",
        f"{HEAD}\n{row('a.jpg', native='much')}\n",
        f"{HEAD}\n{row('a.jpg', score='101')}\n",
        f"{HEAD}\n{row('a.jpg', score='nan')}\n",
        "\x00\x01\x02",
    ],
)
def test_a_table_of_another_form_is_refused(table: str) -> None:
    with refusal("ofiq.malformed"):
        read_table(table)


# --- running it ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("b.JPG", "a.png", "notes.txt"):
        (pictures / name).write_bytes(b"")
    return pictures


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that takes OFIQSampleApp's arguments and writes a table as it does."""
    script = tmp_path / "OFIQSampleApp"
    script.write_text(
        f"""#!{sys.executable}
import pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert set(given) == {{"-c", "-i", "-o"}}, given
assert pathlib.Path(given["-c"]).exists()
found = sorted(p for p in pathlib.Path(given["-i"]).iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
print("OFIQ library version: 1.0.3")
pathlib.Path(given["-o"]).write_text({HEAD!r} + "\\n" + "".join(str(p) + {row("")!r} + "\\n" for p in found))
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(script)


def test_it_is_run_on_the_folder_and_its_table_read(program: str, folder: Path, tmp_path: Path) -> None:
    assert list(run_ofiq(program, str(tmp_path), folder)) == ["a.png", "b.JPG"]


def test_only_what_ofiq_looks_at_counts_as_a_picture(folder: Path) -> None:
    assert [path.name for path in pictures_of(folder)] == ["a.png", "b.JPG"]


def test_a_folder_without_pictures(program: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with refusal("ofiq.no-pictures", InputError):
        run_ofiq(program, str(tmp_path), tmp_path / "empty")


@pytest.mark.parametrize(("given", "config"), [("", "/x"), ("/x", "")])
def test_without_its_settings(given: str, config: str, folder: Path) -> None:
    with refusal("ofiq.not-set"):
        run_ofiq(given, config, folder)


def test_a_program_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    with refusal("ofiq.not-runnable"):
        run_ofiq(str(tmp_path / "nowhere"), str(tmp_path), folder)


def test_a_program_that_may_not_be_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "OFIQSampleApp").write_text("#!/bin/sh\n")
    with refusal("ofiq.not-runnable"):
        run_ofiq(str(tmp_path / "OFIQSampleApp"), str(tmp_path), folder)


def script(tmp_path: Path, body: str) -> str:
    path = tmp_path / "OFIQSampleApp"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_fails(folder: Path, tmp_path: Path) -> None:
    with refusal("ofiq.failed"):
        run_ofiq(script(tmp_path, "exit 3"), str(tmp_path), folder)


def test_a_program_that_writes_nothing(folder: Path, tmp_path: Path) -> None:
    with refusal("ofiq.malformed"):
        run_ofiq(script(tmp_path, "exit 0"), str(tmp_path), folder)


def test_a_program_that_hangs_is_stopped(folder: Path, tmp_path: Path) -> None:
    with refusal("ofiq.too-long"):
        run_ofiq(script(tmp_path, "exec sleep 60"), str(tmp_path), folder, seconds=0.3)


def test_a_name_like_an_option_is_no_option(program: str, tmp_path: Path) -> None:
    odd = tmp_path / "-o; touch owned"
    odd.mkdir()
    (odd / "a.png").write_bytes(b"")
    assert list(run_ofiq(program, str(tmp_path), odd)) == ["a.png"]
