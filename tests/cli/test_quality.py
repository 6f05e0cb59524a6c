"""`custodes quality compare`, and quality on the command line. A script stands in for OFIQ."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal

from custodes import app
from custodes.engine.fake import FakeEngine, picture
from custodes.imaging import LocalDecoder

OFIQ = """#!{python}
import pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
names = ["InterEyeDistance", "HeadSize", "EyesOpen", "Sharpness"]
table = "Filename;" + "".join(n + ";" for n in names) + "".join(n + ".scalar;" for n in names) + "\\n"
for place, path in enumerate(sorted(pathlib.Path(given["-i"]).iterdir())):
    eyes = -1 if "blank" in path.name else 10 * place
    table += f"{{path}};{{eyes}};0.5;0.1;3;{{eyes}};50;99;-1\\n"
pathlib.Path(given["-o"]).write_text(table)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "pictures"
    found.mkdir()
    for place, cell in enumerate((2, 4, 6, 9)):
        (found / f"{place}.png").write_bytes(picture(1, cell=cell))
    (found / "blank.png").write_bytes(picture())
    (found / "broken.jpg").write_bytes(b"\xff\xd8\xffno more")
    return found


@pytest.fixture
def ofiq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "OFIQSampleApp"
    program.write_text(OFIQ.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("CUSTODES_OFIQ_PROGRAM", str(program))
    monkeypatch.setenv("CUSTODES_OFIQ_CONFIG", str(tmp_path))
    monkeypatch.setattr(app, "measuring_tools", lambda config: (FakeEngine(), LocalDecoder()))


def test_both_are_compared_component_by_component(ofiq: None, folder: Path, terminal: Terminal) -> None:
    """STD-03."""
    said = terminal.ok("quality", "compare", str(folder)).splitlines()
    assert said[0] == "4 pictures measured by both; in 2 we found no face, or could not read them."
    lines = {line.split("  ")[0]: line.split() for line in said[3:]}
    # larger faces have larger distances on both sides
    assert lines["Inter-eye distance"][-4:-2] == ["4", "1.00"]
    assert lines["Head size"][-3] == "—"
    # we never assess whether eyes are open, and OFIQ failed to assess sharpness
    assert set(lines) == {"Inter-eye distance", "Head size"}


def test_every_value_of_both_can_be_written(ofiq: None, folder: Path, terminal: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    terminal.ok("quality", "compare", str(folder), "--out", str(out))
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    eyes = {row["picture"]: row for row in rows if row["component"] == "InterEyeDistance"}
    assert (eyes["0.png"]["our native"], eyes["0.png"]["ofiq score"]) == ("12.96", "0.0")
    assert (eyes["blank.png"]["our native"], eyes["blank.png"]["ofiq score"]) == ("", "")
    assert {row["component"] for row in rows if row["ofiq native"]} >= {"EyesOpen", "Sharpness"}


def test_without_ofiq_it_says_which_settings_are_missing(folder: Path, terminal: Terminal) -> None:
    result = terminal.run("quality", "compare", str(folder))
    assert result.exit_code == 78
    assert "CUSTODES_OFIQ_PROGRAM" in result.output


def test_adding_a_probe_says_what_is_wrong_with_it(terminal: Terminal, tmp_path: Path) -> None:
    """PRB-07."""
    image = tmp_path / "small.png"
    image.write_bytes(picture(1, cell=1))
    searcher = terminal.as_("searcher")
    searcher.ok("case", "open", "2026-1")
    said = searcher.ok("probe", "add", "2026-1", str(image))
    assert "Face 1: quality not assessed." in said
    assert "The eyes are 6 pixels apart" in said
    better = tmp_path / "good.png"
    better.write_bytes(picture(1))
    assert "Face 1: quality 9" in searcher.ok("probe", "add", "2026-1", str(better))
