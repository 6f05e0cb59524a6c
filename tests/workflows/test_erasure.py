"""RET-06, SHR-03: what one process destroys is gone from the next search of every other, and from every file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.workflows.conftest import World
from tests.workflows.test_kills import Place

from custodes.engine.fake import FakeEngine, picture
from custodes.errors import Busy
from custodes.ids import TemplateId
from custodes.imaging import Limits, LocalDecoder
from custodes.ranking.bound import quantise
from custodes.store import erasure
from custodes.store.models import GalleryEntry, TemplateRow
from custodes.types import Vector
from custodes.workflows.erasure import erase
from custodes.workflows.gallery import check_balance

DRIVER = Path(__file__).with_name("erasure_driver.py")


class Searching:
    """A process that searches when it is asked."""

    def __init__(self, place: Place) -> None:
        self.process = subprocess.Popen(
            [sys.executable, DRIVER, "search"],
            env=place.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def photographs(self, number: int) -> list[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path / "data")
    found.environment["CUSTODES_SEGMENT_DIR"] = str(tmp_path / "segments")
    found.environment["CUSTODES_KEY_DIR"] = str(tmp_path / "keys")
    found.run("found")
    return found


@pytest.fixture
def searching(place: Place) -> Iterator[Searching]:
    found = Searching(place)
    yield found
    found.process.kill()
    found.process.communicate()


def _files_with(folder: Path, traces: dict[str, bytes]) -> set[str]:
    return {
        name
        for path in folder.rglob("*")
        if path.is_file()
        for name, trace in traces.items()
        if trace in path.read_bytes()
    }


def _vector(number: int) -> Vector:
    engine, limits = FakeEngine(allows_operational_use=True), Limits(10_000_000, 10_000_000, 60)
    pixels = LocalDecoder().decode(picture(number), name=None, limits=limits).pixels
    return engine.embed([(pixels, engine.detect(pixels)[0])])[0].vector


@pytest.mark.postgresql
def test_destroyed_in_one_process_gone_from_the_next_search_of_another_and_its_bytes_from_every_file(
    place: Place, searching: Searching, tmp_path: Path
) -> None:
    (photograph,) = searching.photographs(1)
    others = [searching.photographs(number) for number in (2, 3)]
    ((template, key, sealed),) = place.query(
        "SELECT t.uid, t.key_uid, t.ciphertext FROM store_templaterow t "
        f"JOIN store_photograph p ON p.id = t.photograph_id WHERE p.uid = '{photograph}'"
    )
    vector = _vector(1)
    traces = {"vector": vector.tobytes(), "codes": quantise(vector[None])[0].tobytes(), "key": key.encode()}
    segments = {**traces, "template's id": template.encode()}
    assert _files_with(tmp_path / "segments", segments) == {"vector", "codes", "template's id"}
    assert _files_with(tmp_path / "keys", traces) == {"key"}
    if not place.url:
        traces["ciphertext"] = bytes(sealed)
    process = place.start("destroy", template, driver=DRIVER)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.split()) == (0, ["1"])
    assert searching.photographs(1) == []
    assert [searching.photographs(number) for number in (2, 3)] == others
    assert _files_with(tmp_path / "segments", segments) == set()
    assert _files_with(tmp_path / "keys", traces) == set()
    del traces["key"]  # the row still says which key it had
    assert _files_with(tmp_path, traces) == set()
    assert place.query(f"SELECT length(ciphertext) FROM store_templaterow WHERE uid = '{template}'") == [(0,)]


@pytest.mark.usefixtures("committed")
def test_erasing_again_finishes_what_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enrol(1)
    context = world.as_("records officer")
    (template,) = [TemplateId(uid) for uid in TemplateRow.objects.values_list("uid", flat=True)]
    world.services.gallery.catch_up()

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(world.services.gallery, "erase", interrupted)
        with pytest.raises(KeyboardInterrupt):
            erase(world.services, context, [template])
    assert not GalleryEntry.objects.filter(died__isnull=True).exists()
    assert erase(world.services, context, [template]) == 1
    assert erase(world.services, context, [template]) == 0
    assert not bytes(TemplateRow.objects.get().ciphertext)
    assert check_balance(world.services, world.as_("auditor")).is_even


def test_a_journal_that_somebody_reads_is_said_and_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cursor:
        def __enter__(self) -> Cursor:
            return self

        def __exit__(self, *_: object) -> None: ...

        def execute(self, statement: str) -> None:
            assert statement == "PRAGMA wal_checkpoint(TRUNCATE)"

        def fetchone(self) -> tuple[int, int, int]:
            return (1, 7, 3)

    monkeypatch.setattr(erasure, "connection", SimpleNamespace(vendor="sqlite", cursor=Cursor))
    with pytest.raises(Busy) as caught:
        erasure.truncate_journal()
    assert caught.value.code == "database.journal-in-use"
