"""The rooms of ARCHITECTURE.md hold: import contracts, and who may read the environment, the time and randomness."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "custodes"
_LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

_TIME = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now", "time.time", "time.time_ns"}
_STOPWATCH = {"time.monotonic", "time.perf_counter", "time.monotonic_ns", "time.perf_counter_ns"}
_RANDOM = {"os.urandom", "AESGCM.generate_key", "Ed25519PrivateKey.generate", "np.random", "numpy.random"}
_RANDOM_MODULES = {"random", "secrets", "uuid"}
# file: what it may use there, because it is where that enters the product
_ALLOWED: dict[str, set[str]] = {
    "config.py": {"os.environ"},
    "app/__init__.py": {"datetime.now", "os.urandom", "secrets"},
    "app/searching.py": {"os.urandom", "time.monotonic", "time.sleep"},
    "imaging/deadline.py": {"time.monotonic"},
    "imaging/decode.py": {"time.monotonic"},
}
# Django itself asks for this variable; setting a default is the only thing that may be done to it
_DJANGO = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "custodes.settings")'


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources_of_chance(source: str) -> set[str]:
    """Return every use of the environment, the clock and randomness in a module."""
    tree = ast.parse(source)
    harmless = {
        id(call.func.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call) == ast.unparse(ast.parse(_DJANGO))
    }
    watched = _TIME | _STOPWATCH | _RANDOM | {"os.environ", "os.getenv", "os.putenv"}
    found: set[str] = set()
    for node in ast.walk(tree):
        found |= {name for name in _imported(node) if name in _RANDOM_MODULES | watched}
        found |= {name.partition(".")[0] for name in _imported(node) if name.partition(".")[0] in _RANDOM_MODULES}
        if isinstance(node, ast.Attribute) and id(node) not in harmless:
            tail = ".".join(_dotted(node).split(".")[-2:])
            found |= {tail} & watched
    return found


def gallery_searches(source: str) -> list[int]:
    """Return the lines that reach for ``search`` of something called a gallery."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr == "search"
        and _dotted(node.value).rpartition(".")[2].lower().endswith("gallery")
    ]


def _files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)


def _lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = [_LINT_IMPORTS, "--no-cache", "--no-logo", "--config", root / "pyproject.toml"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The contracts of pyproject.toml over empty rooms."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "custodes"
    for room in ("cli", "web", "workflows", "policy", "ledger", "store", "engine", "ranking", "measure", "imaging"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    modules = (
        "__init__",
        "app",
        "settings",
        "config",
        "errors",
        "ids",
        "keyfile",
        "protected",
        "text",
        "types",
        "ranking/gallery",
        "store/models",
    )
    for module in (*modules, "store/vault", "store/keys", "workflows/search", "workflows/services", "engine/fetch"):
        (package / f"{module}.py").touch()
    return tmp_path


def test_the_rooms_import_only_what_they_may() -> None:
    checked = _lint_imports(REPOSITORY)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("ranking/planted.py", "import custodes.store", "siblings never each other"),
        ("policy/planted.py", "import custodes.workflows", "only downwards"),
        ("ledger/planted.py", "import custodes.imaging", "only engine knows pixels"),
        ("web/planted.py", "import custodes.store.models", "through workflows"),
        ("workflows/planted.py", "import django.db", "web framework"),
        ("imaging/planted.py", "import urllib.request", "network"),
        ("engine/planted.py", "import socket", "network"),
        ("workflows/planted.py", "import custodes.ranking.gallery", "One way into the gallery"),
        ("planted.py", "import custodes.types", "only downwards"),
    ],
    ids=[
        "sibling",
        "upwards",
        "pixels-in-the-log",
        "page-past-workflows",
        "django-in-a-workflow",
        "web-fetch-in-imaging",
        "socket-in-engine",
        "second-way-into-the-gallery",
        "room-nobody-planned",
    ],
)
def test_a_planted_breach_is_caught(skeleton: Path, module: str, line: str, contract: str) -> None:
    (skeleton / "src" / "custodes" / module).write_text(line + "\n", encoding="utf-8")
    checked = _lint_imports(skeleton)
    broken = [row for row in checked.stdout.splitlines() if row.endswith("BROKEN")]
    assert [row for row in broken if contract in row], checked.stdout


def test_the_rooms_without_a_breach_pass(skeleton: Path) -> None:
    checked = _lint_imports(skeleton)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_time_chance_and_the_environment_come_only_from_where_they_may(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    assert sources_of_chance(path.read_text(encoding="utf-8")) <= _ALLOWED.get(name, set())


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['A']",
        "from os import environ",
        "import os\nos.getenv('A')",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
        "from django.utils import timezone\ntimezone.now()",
        "import time\ntime.time()",
        "import secrets",
        "from random import choice",
        "import uuid",
        "import os\nos.urandom(16)",
        "import numpy as np\nnp.random.default_rng()",
        "AESGCM.generate_key(256)",
    ],
)
def test_a_hidden_source_of_time_or_chance_is_seen(source: str) -> None:
    assert sources_of_chance(source)


def test_naming_the_settings_module_to_django_is_let_through() -> None:
    assert sources_of_chance(f"import os\n{_DJANGO}\n") == set()


def test_only_the_search_workflow_reaches_the_gallery() -> None:
    """Design, *one way in*: whatever searches has asked for a request first; a replay looks for nobody new."""
    reaching = {
        str(path.relative_to(SOURCE)) for path in _files() if gallery_searches(path.read_text(encoding="utf-8"))
    }
    assert reaching <= {"workflows/search.py", "workflows/replay.py"}


@pytest.mark.parametrize("source", ["gallery.search(x)", "self._gallery.search(x)", "f = services.gallery.search"])
def test_a_second_way_into_the_gallery_is_seen(source: str) -> None:
    assert gallery_searches(source) == [1]
