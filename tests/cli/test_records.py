"""`custodes enrol --re-export` and `custodes records`, as a records officer and a supervisor use them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal
from tests.workflows.enrol_fixtures import MAPPING, as_csv, row

from custodes import app
from custodes.engine.fake import FakeEngine, picture

Rows = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a mapping file and four images; enrolment is allowed with the fake engine."""
    monkeypatch.setattr(app, "_engine", lambda _: FakeEngine(allows_operational_use=True))
    for number in range(1, 5):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return tmp_path


def enrol(terminal: Terminal, folder: Path, rows: Rows, *options: str) -> str:
    (folder / "export.csv").write_text(as_csv(rows), encoding="utf-8")
    command = ("enrol", str(folder / "export.csv"), "--mapping", str(folder / "mapping.toml"))
    return terminal.as_("records officer").run(*command, *options).output


def test_a_re_export_from_its_check_to_the_second_person(terminal: Terminal, folder: Path) -> None:
    enrol(terminal, folder, [row(1), row(2, youth="yes"), row(3)])
    again = [row(1, sex="F"), row(2)]
    foretold = enrol(terminal, folder, again, "--re-export", "--check")
    assert re.search(r"^sex +1$", foretold, re.MULTILINE)
    assert "1 bookings would wait for a second person" in foretold
    assert "1 bookings that are kept are not named" in foretold
    done = enrol(terminal, folder, again, "--re-export", "--vanished", str(folder / "gone.csv"))
    assert "Corrections: 1 made at once." in done
    assert "1 would let a search see more" in done
    assert "1 photographs are not named any more; 1 of them are barred" in done
    (gone,) = csv.DictReader((folder / "gone.csv").read_text(encoding="utf-8").splitlines())
    assert (gone["booking_number"], gone["whole_booking"], gone["barred"]) == ("B3", "yes", "yes")
    assert "B3" in terminal.ok("records", "vanished")
    waiting = terminal.ok("records", "waiting")
    assert "Under 18 at the time of the offence" in waiting
    found = re.search(r"cor_\w{26}", waiting)
    assert found
    refused = terminal.run("records", "confirm", found.group())
    assert (refused.exit_code, "[gate.second-officer]" in refused.stderr) == (77, True)
    assert "Confirmed: cor_" in terminal.as_("supervisor").ok("records", "confirm", found.group())
    assert "0 corrections wait" in terminal.ok("records", "waiting")
    history = terminal.ok("records", "history", "P2")
    assert "Confirmed" in history
    assert "Decided by" in history


def test_everything_of_one_job_is_confirmed_or_one_is_declined(terminal: Terminal, folder: Path) -> None:
    rows = [row(1, youth="yes"), row(2, youth="yes"), row(3, youth="yes")]
    enrol(terminal, folder, rows)
    done = enrol(terminal, folder, [row(1), row(2), row(3)], "--re-export")
    found = re.search(r"job_\w{26}", done)
    assert found
    terminal.as_("supervisor")
    first = re.findall(r"cor_\w{26}", terminal.ok("records", "waiting", "--job", found.group()))[0]
    assert "Declined" in terminal.ok("records", "decline", first, "--reason", "Ask the court.")
    assert "2 confirmed; 0 left" in terminal.ok("records", "confirm", "--job", found.group())
    result = terminal.run("records", "confirm")
    assert (result.exit_code, "[correction.which]" in result.stderr) == (65, True)


def test_dispositions_are_checked_then_updated_and_failures_written(terminal: Terminal, folder: Path) -> None:
    enrol(terminal, folder, [row(1), row(2)])
    rows = [
        {"booking_number": f"B{number}", "offence_code": "CC 344", "disposition": "withdrawn"} for number in (1, 2, 9)
    ]
    (folder / "ends.csv").write_text(as_csv(rows), encoding="utf-8")
    command = ("records", "dispositions", str(folder / "ends.csv"))
    checked = terminal.run(*command, "--check")
    assert "3 rows: 2 corrected, 0 waiting, 0 unchanged, 1 failed." in checked.output
    assert "Nothing was written." in checked.output
    done = terminal.run(*command, "--failures", str(folder / "failed.csv"))
    assert (done.exit_code, "2 corrected" in done.output) == (1, True)
    assert "row.booking-unknown" in (folder / "failed.csv").read_text(encoding="utf-8")
    assert "0 corrected, 0 waiting, 2 unchanged, 1 failed" in terminal.run(*command).output
    assert "Withdrawn" in terminal.ok("record", "P1")


def test_a_scope_without_a_re_export_is_refused(terminal: Terminal, folder: Path) -> None:
    assert "[enrolment.no-re-export]" in enrol(terminal, folder, [row(1)], "--taken-from", "2025-01-01")
    dates = ("--taken-from", "2025-02-01", "--taken-to", "2025-01-01")
    assert "[enrolment.empty-scope]" in enrol(terminal, folder, [row(1)], "--re-export", *dates)


def test_records_that_a_row_quarantined_are_counted_on_the_terminal(terminal: Terminal, folder: Path) -> None:
    enrol(terminal, folder, [row(1)])
    assert "1 records that were kept before were quarantined" in enrol(terminal, folder, [row(1, youth="yes")])


def test_profiles_are_counted_apart_and_shown_with_their_pose(terminal: Terminal, folder: Path) -> None:
    rows = [row(1) | {"pose": "F"}, row(1, image="2.png") | {"pose": "L"}]
    assert "1 show no face from the front: kept and shown, not searched." in enrol(terminal, folder, rows)
    shown = terminal.ok("record", "P1")
    assert re.search(r"Left profile +no: The face is not seen from the front", shown)


def test_failures_are_read_in_the_operator_s_language(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODES_LANGUAGE", "fr")
    shown = enrol(terminal, folder, [row(1, image="none.png")], "--failures", str(folder / "failed.csv"))
    assert "There is no such image" not in shown
    written = (folder / "failed.csv").read_text(encoding="utf-8")
    assert "There is no such image" not in written
    assert "row.image-missing" in written
