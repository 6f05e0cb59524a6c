"""The commands, as people use them: a whole case at a terminal, and ten things that go wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal
from tests.workflows.conftest import PASSWORD

from custodes.app import new_context
from custodes.engine.fake import picture
from custodes.workflows.gallery import compare_and_log

_REASONS = (
    *("--offence", "CC 344", "--purpose", "person-of-interest", "--authority", "common-law"),
    *("--authority-reference", "R. v. Example", "--necessity", "No other lead"),
    *("--source", "cctv-recording", "--how-obtained", "Volunteered"),
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "still.png"
    path.write_bytes(picture(1, 2, variation=3))
    return path


def _id(prefix: str, output: str) -> str:
    found = re.search(rf"{prefix}_[0-9a-z]{{26}}", output)
    assert found, output
    return found.group()


def _requested(terminal: Terminal, image: Path, *more: str) -> str:
    terminal.as_("searcher").ok("case", "open", "2026-1")
    probe = _id("prb", terminal.ok("probe", "add", "2026-1", str(image)))
    return _id(
        "req", terminal.ok("request", "make", "--case", "2026-1", "--probe", probe, "--face", "1", *_REASONS, *more)
    )


def _fails(terminal: Terminal, exit_code: int, error: str, *arguments: str) -> str:
    result = terminal.run(*arguments)
    assert result.exit_code == exit_code, result.output
    assert f"[{error}]" in result.stderr
    assert "Traceback" not in result.output
    return result.stderr


def test_a_whole_case_at_the_terminal(terminal: Terminal, image: Path) -> None:
    enrolled = terminal.world.enrol(1)
    request = _requested(
        terminal, image, "--sex", "M", "--age-from", "20", "--agency", "NRP", "--taken-to", "2026-01-01"
    )
    assert "Waiting for a decision" in terminal.ok("case", "show", "2026-1")
    terminal.as_("supervisor").ok("request", "approve", request, "--reason", "Sound.")
    shown = terminal.as_("searcher").ok("request", "show", request)
    assert "Approved, not searched yet" in shown
    assert "Recording of a surveillance camera; Volunteered" in shown
    assert "Person4 Doe" in shown
    listed = terminal.ok("search", request)
    assert enrolled.subject_id in listed
    assert "1 eligible photographs, 1 compared (gallery generation 1)" in listed
    assert "not an identification" in listed
    assert "provisional" in listed
    assert "%" not in listed
    assert not re.search(r"\b0\.\d+", listed), "SRCH-04: no score is shown"
    assert terminal.ok("search", request, "--show") == listed
    assert "B1-0" in terminal.ok("record", enrolled.subject_id)
    terminal.ok("case", "close", "2026-1")
    assert "closed" in terminal.ok("case", "list")
    log = terminal.as_("auditor").ok("log", "--account", terminal.world.person("searcher").id)
    assert "candidates.viewed" in log
    assert "Candidate list shown" in log
    assert "Person2 Doe" in log


def test_the_log_says_what_the_installation_did_by_itself(terminal: Terminal) -> None:
    """AUD-01."""
    compare_and_log(terminal.world.services, new_context())
    log = terminal.as_("auditor").ok("log").splitlines()
    (compared,) = [line for line in log if "gallery.balanced" in line]
    assert "the installation itself" in compared
    assert not any("the installation itself" in line for line in log if "gallery.balanced" not in line)


def test_no_candidate_is_said_to_be_a_normal_answer(terminal: Terminal, image: Path) -> None:
    """SRCH-01."""
    request = _requested(terminal, image)
    terminal.as_("supervisor").ok("request", "approve", request)
    output = terminal.as_("searcher").ok("search", request)
    assert "No candidate. This is a normal answer" in output


def test_a_records_officer_reads_a_record_by_its_number(terminal: Terminal) -> None:
    terminal.world.enrol(1, ground=None)
    output = terminal.as_("records officer").ok("record", "P1")
    assert "no: No offence of this booking has a ground in the Identification of Criminals Act." in output


def test_an_administrator_sets_up_services_people_and_agreements(terminal: Terminal) -> None:
    terminal.as_("administrator").ok("agency", "add", "WST", "Westmount Police")
    assert "Westmount Police" in terminal.ok("agency", "list")
    terminal.ok(
        *[
            "agency",
            "agree",
            "--owner",
            "WST",
            "--searcher",
            "NRP",
            "--reference",
            "MOU",
            "--from",
            "2026-01-01",
            "--to",
            "2026-12-31",
        ]
    )
    made = terminal.ok(
        "account",
        "add",
        *[
            "--agency",
            "WST",
            "--email",
            "kim.roy@wst.example",
            "--personnel-number",
            "5",
            "--role",
            "searcher",
            "--full-name",
        ],
        "Kim Roy",
        CUSTODES_NEW_PASSWORD=PASSWORD,
    )
    assert "roles: Searcher" in made
    assert "Searcher, Supervisor" in terminal.ok("account", "grant", _id("acc", made), "supervisor")


# --- what goes wrong --------------------------------------------------------------------------------


def test_no_face_is_picked_for_the_operator(terminal: Terminal, image: Path) -> None:
    """PRB-13: in an image of two people somebody has to say which one."""
    terminal.as_("searcher").ok("case", "open", "2026-1")
    probe = _id("prb", terminal.ok("probe", "add", "2026-1", str(image)))
    error = _fails(
        terminal, 77, "gate.incomplete-request", "request", "make", "--case", "2026-1", "--probe", probe, *_REASONS
    )
    assert "Missing: face." in error


def test_a_request_with_nothing_in_it_names_all_that_is_missing_and_is_logged(terminal: Terminal) -> None:
    """LAW-01: also what a command line could have called a usage error."""
    error = _fails(terminal.as_("searcher"), 77, "gate.incomplete-request", "request", "make")
    assert "case number, offence, purpose, legal authority" in error
    assert terminal.world.log()[0]["facts"]["code"] == "gate.incomplete-request"


def test_ten_bad_inputs_give_ten_clear_errors(terminal: Terminal, image: Path, tmp_path: Path) -> None:
    request = _requested(terminal, image)
    junk = tmp_path / "junk.png"
    junk.write_bytes(b"not an image")
    blank = tmp_path / "blank.png"
    blank.write_bytes(picture())
    empty = tmp_path / "empty.png"
    empty.touch()
    disguised = tmp_path / "disguised.jpg"
    disguised.write_bytes(picture(1))
    probe = ("probe", "add", "2026-1")
    _fails(terminal, 65, "image.not-an-image", *probe, str(junk))
    _fails(terminal, 65, "face.none", *probe, str(blank))
    _fails(terminal, 65, "image.empty", *probe, str(empty))
    _fails(terminal, 65, "image.wrong-extension", *probe, str(disguised))
    _fails(terminal, 77, "gate.not-approved", "search", request)
    _fails(terminal, 77, "gate.role", "request", "approve", request)
    _fails(terminal, 65, "id.malformed", "search", "req_not-an-id")
    _fails(terminal, 66, "case.unknown", "case", "show", "2026-99")
    _fails(terminal, 73, "case.exists", "case", "open", "2026-1")
    _fails(terminal, 73, "search.not-run", "search", request, "--show")
    _fails(terminal, 77, "gate.role", "log")
    _fails(terminal, 66, "agency.unknown", "request", "make", "--case", "2026-1", "--agency", "???")


@pytest.mark.parametrize("limit", ["0", "51", "-3"])
def test_a_list_longer_than_the_cap_cannot_be_asked_for(limit: str, terminal: Terminal, image: Path) -> None:
    request = _requested(terminal, image)
    terminal.as_("supervisor").ok("request", "approve", request)
    _fails(terminal.as_("searcher"), 65, "search.limit", "search", request, "--limit", limit)


def test_a_file_that_is_not_there_is_a_usage_error(terminal: Terminal) -> None:
    result = terminal.as_("searcher").run("probe", "add", "1", "nowhere.png")
    assert result.exit_code == 2
    assert "does not exist" in result.output


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "rtsp://camera/1"])
def test_an_address_is_not_fetched(address: str, terminal: Terminal) -> None:
    """LAW-04."""
    result = terminal.as_("searcher").run("probe", "add", "1", address)
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_declining_says_why(terminal: Terminal, image: Path) -> None:
    request = _requested(terminal, image)
    terminal.as_("supervisor")
    _fails(terminal, 65, "request.reason", "request", "decline", request, "--reason", " ")
    terminal.ok("request", "decline", request, "--reason", "Not proportionate.")
    assert "Declined" in terminal.ok("request", "show", request)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_that_never_ends_is_not_read_as_a_probe(device: str, terminal: Terminal) -> None:
    terminal.as_("searcher").ok("case", "open", "2026-7")
    _fails(terminal, 65, "probe.not-a-file", "probe", "add", "2026-7", device)


def test_a_probe_is_read_no_further_than_its_limit(terminal: Terminal, tmp_path: Path) -> None:
    sparse = tmp_path / "huge.png"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    terminal.as_("searcher").ok("case", "open", "2026-8")
    _fails(terminal, 65, "image.too-many-bytes", "probe", "add", "2026-8", str(sparse))
