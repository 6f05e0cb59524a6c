"""tools/reference.py: codes, settings and kinds are read out of source rightly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import reference

_ERRORS = """
class CustodesError(Exception):
    exit_code: ClassVar[int] = 70
    http_status: ClassVar[int] = 500
class InputError(CustodesError):
    exit_code = 65
class ImageError(InputError): ...
"""


def test_exit_codes_and_statuses_are_inherited() -> None:
    assert reference.error_classes(_ERRORS)["ImageError"] == (65, 500)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "errors.py").write_text(_ERRORS)
    return tmp_path


def test_a_raised_error_is_found_with_its_sentences(package: Path) -> None:
    (package / "a.py").write_text('raise ImageError("a.b", N_("What."), why=N_("Why."), hint=N_("Do."))\n')
    assert reference.error_codes(package) == [reference.ErrorCode("a.b", "ImageError", "What.", "Why.", "Do.")]


def test_a_rule_that_refuses_is_found(package: Path) -> None:
    (package / "a.py").write_text('return_value = refused("gate.x", N_("What."), N_("Do."), a=1)\n')
    assert reference.error_codes(package) == [reference.ErrorCode("gate.x", "Refused", "What.", "", "Do.")]


def test_other_calls_are_not_taken_for_errors(package: Path) -> None:
    (package / "a.py").write_text('print("a.b")\nImageError(code)\n')
    assert reference.error_codes(package) == []


def test_docstrings_of_members_are_read() -> None:
    source = 'class A:\n    x: int = 1\n    """``X``: one."""\n    y = 2\n'
    assert reference.documented_members(source, "A") == {"x": "``X``: one.", "y": ""}


def test_only_the_generated_part_of_a_page_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference.PAGES, "a.md", lambda _: "new")
    page = f"Before\n{reference.BEGIN}\nold\n{reference.END}\nAfter\n"
    assert reference.rewritten(page, "a.md") == f"Before\n{reference.BEGIN}\n\nnew\n\n{reference.END}\nAfter\n"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"errors\.md has no"):
        reference.rewritten("nothing", "errors.md")


def test_a_kind_of_log_event_is_explained_by_its_classes_docstring_and_a_field_by_what_follows_it() -> None:
    assert reference.event_kinds()["sign-out"] == ("alone", "a person signed out")
    fields = {(field.kind, field.name): field for field in reference.event_fields()}
    assert (fields["sign-in.failed", "email"].place, fields["sign-in.failed", "email"].holds) == ("private", "text")
    assert fields["search", "candidates"].meaning == "how many candidates the list holds"
    # of a field that several kinds share, what its base says
    assert fields["request.declined", "reason"] == dataclasses.replace(
        fields["request.approved", "reason"], kind="request.declined"
    )
