"""Fixtures every room's tests share: time and randomness that stand still, and what may be missing.

Real photographs, weights and a browser are not in the repository.  A test that needs one asks for its
fixture and is skipped, with the reason, where it is missing; ``CUSTODES_REQUIRE_ALL=1`` (CI) turns
every such skip into a failure.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings
from tests import postgresql

REPOSITORY = Path(__file__).resolve().parent.parent
_WEIGHTS = {
    "opencv-zoo": ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx"),
    "edgeface-s": ("face_detection_yunet_2023mar.onnx", "edgeface_s_gamma_05.onnx"),
    "insightface-mbf": ("face_detection_yunet_2023mar.onnx", "w600k_mbf.onnx"),
}

SkipOrFail = Callable[[str], NoReturn]


def _skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("CUSTODES_REQUIRE_ALL") == "1":
        pytest.fail(f"CUSTODES_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)


# how long an example takes says how busy the machine is, and timing is never asserted in a test
settings.register_profile("custodes", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("custodes")


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Let child processes of tests (the command line) run on Custodes' own settings."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "custodes.settings"


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def set(self, moment: datetime) -> None:
        self.moment = moment

    def advance(self, **delta: float) -> datetime:
        """Move by ``timedelta(**delta)`` and return the new moment."""
        self.moment += timedelta(**delta)
        return self.moment


class CountedEntropy:
    """The same "random" bytes in every run: SHA-256 of a counter."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        stream = b""
        while len(stream) < size:
            stream += hashlib.sha256(self._count.to_bytes(8, "big")).digest()
            self._count += 1
        return stream[:size]


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Nothing leaves the machine: a test that reaches past loopback fails (SEC-04)."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("localhost", "127.0.0.1", "::1"):
            raise PermissionError(f"a test reached for the network: {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run what touches a database and no browser: the rest says the same on SQLite, where all of it runs.

    Without the server that was asked for, nothing of this pass can be said.
    """
    if not postgresql.WANTED:
        return
    chosen = [item for item in items if _touches_a_database(item) and item.get_closest_marker("browser") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen
    if postgresql.why_not and os.environ.get("CUSTODES_REQUIRE_ALL") == "1":
        pytest.exit(f"CUSTODES_REQUIRE_ALL=1, but there is no PostgreSQL: {postgresql.why_not}", returncode=1)
    for item in items if postgresql.why_not else ():
        item.add_marker(pytest.mark.skip(reason=f"no PostgreSQL: {postgresql.why_not}"))


def _touches_a_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or any(item.get_closest_marker(name) for name in ("django_db", "postgresql"))


@pytest.fixture(scope="session", autouse=True)
def log_that_tests_may_empty() -> Iterator[None]:
    """The database refuses to remove log entries; only the flush after a test that commits may."""
    from django.test import TransactionTestCase

    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def lifted(case: TransactionTestCase) -> None:
        with postgresql.log_that_may_be_emptied():
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lifted)
        yield


@pytest.fixture(scope="session", autouse=True)
def fence() -> Iterator[None]:
    """Where the database keeps services apart, it does so in every workflow that a test runs."""
    from custodes.store.fence import acting_for

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custodes.workflows.boundary.acting_for", postgresql.fenced(acting_for))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """On PostgreSQL, tests may look at tables past the fence."""
    if postgresql.WANTED:
        with django_db_blocker.unblock():
            postgresql.let_tests_through()


@pytest.fixture
def skip_or_fail() -> SkipOrFail:
    """``skip_or_fail(reason)`` skips, or fails where nothing may be skipped."""
    return _skip_or_fail


@pytest.fixture
def fixed_clock() -> FixedClock:
    """A settable clock, at noon UTC on 2 March 2026."""
    return FixedClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def entropy() -> CountedEntropy:
    """Deterministic entropy; a fresh one starts again from the same bytes."""
    return CountedEntropy()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of photographs that ``CUSTODES_TEST_DATA`` names."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    if not named:
        _skip_or_fail("CUSTODES_TEST_DATA names no folder of test photographs")
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir():
        _skip_or_fail("the folder that CUSTODES_TEST_DATA names does not exist")
    return folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """The models folder (``CUSTODES_MODELS_DIR``, ``.models`` or the demo's) in which opencv-zoo was pulled."""
    return _models("opencv-zoo")


@pytest.fixture(scope="session")
def all_weights() -> Path:
    """The models folder in which every built-in pack was pulled."""
    return _models(*_WEIGHTS)


def _models(*packs: str) -> Path:
    places = [Path(named)] if (named := os.environ.get("CUSTODES_MODELS_DIR")) else []
    places += [REPOSITORY / ".models", REPOSITORY / "demo-data" / "models"]
    for place in places:
        if all((place / pack / name).is_file() for pack in packs for name in _WEIGHTS[pack]):
            return place.resolve()
    _skip_or_fail(f"the weights of {' and '.join(packs)} were not pulled (make weights)")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        _skip_or_fail("chromium is not installed")
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, object]:
    """Playwright drives the system's chromium; none is downloaded."""
    # Playwright's event loop makes Django refuse the database in the very thread the test runs in
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    return {"executable_path": chromium, "headless": True}
