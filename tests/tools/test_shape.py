"""tools/shape.py: sizes are counted rightly, and a limit passed fails."""

from __future__ import annotations

from pathlib import Path

import pytest

import shape

_PROJECT = """
[tool.custodes.shape]
module_aim = 5
module_limit = 8
function_aim = 2
function_limit = 3
[tool.custodes.shape.allowed]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr("sys.argv", ["shape", "--root", str(tmp_path)])
    return tmp_path


def test_methods_and_inner_functions_have_qualified_names() -> None:
    source = "class A:\n    def b(self):\n        def c():\n            return 1\n        return c\n"
    assert shape.function_sizes(source, "a.py") == [shape.Size("a.py::A.b", 4), shape.Size("a.py::A.b.c", 2)]


def test_decorators_are_not_counted() -> None:
    assert shape.function_sizes("@a\n@b\ndef f():\n    pass\n", "a.py") == [shape.Size("a.py::f", 2)]


def test_within_the_limits_it_succeeds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "a.py").write_text("def f():\n    return 1\n")
    (project / "tests" / "test_a.py").write_text("a = 1\n")
    assert shape.main() == 0
    assert "tests to source: 1 to 2 lines, 0.50" in capsys.readouterr().out


def test_a_long_module_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "a.py").write_text("a = 1\n" * 9)
    assert shape.main() == 1
    assert "TOO LONG: src/a.py: 9 lines" in capsys.readouterr().err


def test_a_long_function_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "a.py").write_text("def f():\n" + "    a = 1\n" * 3)
    assert shape.main() == 1
    assert "TOO LONG: src/a.py::f: 4 lines" in capsys.readouterr().err


def test_over_the_aim_is_reported_but_succeeds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "a.py").write_text("a = 1\n" * 6)
    assert shape.main() == 0
    assert "over the aim of 5: src/a.py (6)" in capsys.readouterr().out


def test_an_exception_with_a_reason_is_let_through(project: Path) -> None:
    (project / "pyproject.toml").write_text(_PROJECT + '"src/a.py" = "one table (ADR 0002)"\n')
    (project / "src" / "a.py").write_text("a = 1\n" * 9)
    assert shape.main() == 0


def test_an_exception_that_nothing_needs_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text(_PROJECT + '"src/a.py" = "one table (ADR 0002)"\n')
    (project / "src" / "a.py").write_text("a = 1\n")
    assert shape.main() == 1
    assert "EXCEPTION NOT NEEDED: src/a.py" in capsys.readouterr().err


def test_migrations_are_not_counted(project: Path) -> None:
    (project / "src" / "migrations").mkdir()
    (project / "src" / "migrations" / "0001.py").write_text("a = 1\n" * 100)
    assert shape.main() == 0
