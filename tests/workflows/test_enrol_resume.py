"""ENR-10: an enrolment that was killed, however often and at whatever instant, ends as one that was not."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests import postgresql
from tests.workflows.enrol_fixtures import MAPPING, as_csv, row

from custodes.app import SystemClock
from custodes.engine.fake import picture
from custodes.ids import KeyId
from custodes.store.keys import SqliteKeyStore, read_master_key
from custodes.store.originals import split_name
from custodes.store.vault import Sealed, Vault

pytestmark = pytest.mark.postgresql

KILLS = 10
ROWS = 120
DRIVER = Path(__file__).with_name("enrol_driver.py")

_RECORDS = """
SELECT s.person_number, b.booking_number, b.youth, b.birth_date, p.sha256, p.taken_on, g.barriers, g.sex,
       i.uid, i.key_uid, i.ciphertext, t.uid, t.key_uid, t.ciphertext, b.id, g.born
FROM store_photograph p
JOIN store_booking b ON b.id = p.booking_id JOIN store_subject s ON s.id = b.subject_id
LEFT JOIN store_sealedimage i ON i.uid = p.uid
LEFT JOIN store_templaterow t ON t.photograph_id = p.id LEFT JOIN store_galleryentry g ON g.template_id = t.id
     AND g.died IS NULL
"""

_CORRECTIONS = """
SELECT b.booking_number, p.sha256, c.state, c.row, f.fact, f.old, f.new FROM store_correctedfact f
JOIN store_correction c ON c.id = f.correction_id JOIN store_booking b ON b.id = c.booking_id
LEFT JOIN store_photograph p ON p.id = c.photograph_id ORDER BY 1, 2, 3, 4, 5
"""
_VANISHED = """
SELECT b.booking_number, p.sha256, v.barred FROM store_vanishedphotograph v
JOIN store_photograph p ON p.id = v.photograph_id JOIN store_booking b ON b.id = p.booking_id ORDER BY 1, 2
"""
_CORRECTING = ("record.corrected", "correction.waiting", "correction.withdrawn", "record.vanished")


class Place:
    """An installation in a folder of its own, looked at from outside: its files, not its code."""

    def __init__(self, folder: Path, *, copy_of: Place | None = None) -> None:
        self.folder = folder
        if copy_of is not None:
            shutil.copytree(copy_of.folder, folder)
        places = {"CUSTODES_DATA_DIR": str(folder), "CUSTODES_KEY_DIR": str(folder / "keys")}
        self.url = postgresql.new_database(copy_of.url if copy_of else "") if postgresql.WANTED else ""
        self.environment = {**os.environ, **places, "DATABASE_URL": self.url, "PYTHONPATH": os.pathsep.join(sys.path)}

    def run(self, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, DRIVER, *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    def finish(self, *arguments: str | Path) -> None:
        process = self.run(*arguments)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output

    def kill_during(self, export: Path, batches: int, delay: float, deed: str = "enrol") -> None:
        """Begin or resume enrolling, and kill -9 it a moment after so many batches."""
        process = self.run(deed, export)
        assert process.stdout is not None
        for _ in range(1 + batches):
            process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL

    def is_finished(self, kind: str = "enrolment") -> bool:
        finished = f"SELECT 1 FROM store_jobrow WHERE finished_at IS NOT NULL AND kind = '{kind}'"
        return self.query(finished) != []

    def query(self, text: str) -> list[tuple[Any, ...]]:
        if self.url:
            return postgresql.admin(text, url=postgresql.past_the_fence(self.url))
        with closing(sqlite3.connect(self.folder / "custodes.sqlite3")) as connection:
            return connection.execute(text).fetchall()

    def records(self) -> list[tuple[Any, ...]]:
        """Every photograph with its booking, charges, decrypted bytes and template; ids and moments left out."""
        master = read_master_key(self.folder / "keys" / "master.key")
        keys = SqliteKeyStore(self.folder / "keys" / "keys.sqlite3", master, os.urandom, SystemClock().now)
        vault = Vault(keys, os.urandom)
        charges: dict[int, list[tuple[Any, ...]]] = {}
        for booking, *charge in self.query("SELECT booking_id, position, code, ground, committed_on FROM store_charge"):
            charges.setdefault(booking, []).append(tuple(charge))
        found = []
        for *stated, image, image_key, image_bytes, template, template_key, template_bytes, booking, born in self.query(
            _RECORDS
        ):
            # whoever can see a photograph can see all of it: nothing partial is ever visible
            assert None not in (image, template, stated[6], born)
            _, original = split_name(vault.open(image, Sealed(KeyId(image_key), image_bytes)))
            vector = vault.open(template, Sealed(KeyId(template_key), template_bytes))
            assert hashlib.sha256(original).hexdigest() == stated[4]
            digests = hashlib.sha256(vector).hexdigest()
            found.append((*stated, digests, *sorted(charges.get(booking, []))))
        keys.close()
        return sorted(found, key=repr)

    def end_state(self) -> dict[str, Any]:
        kinds = Counter(kind for (kind,) in self.query("SELECT kind FROM store_logentry"))
        return {
            "records": self.records(),
            "bookings": self.query("SELECT count(*) FROM store_booking"),
            "subjects": self.query("SELECT person_number, sex, birth_date FROM store_subject ORDER BY person_number"),
            "failures": self.query("SELECT row, code, texts FROM store_rowfailure ORDER BY row"),
            "corrections": self.query(_CORRECTIONS),
            "photographs": self.query(
                "SELECT sha256, taken_on, pose, barriers, vanished FROM store_photograph ORDER BY 1"
            ),
            "vanished": self.query(_VANISHED),
            "corrected in the log": [kinds[kind] for kind in _CORRECTING],
            "jobs": self.query("SELECT kind, cursor, counts, finished_at IS NULL FROM store_jobrow"),
            "enrolled in the log": kinds["photograph.enrolled"],
            "failed in the log": kinds["photograph.not-enrolled"],
            "quarantined in the log": kinds["record.quarantined"],
        }


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A hundred and twenty rows: most good, some quarantined, some that fail in every part of the way."""
    folder = tmp_path / "export"
    (folder / "images").mkdir(parents=True)
    rows = [row(number) for number in range(1, ROWS + 1)]
    rows[6]["offence_code"] = "CC 175"
    rows[11] |= {"youth": "", "birth_date": ""}
    rows[16] |= {"person_number": "P16", "offence_code": "CC 267"}
    rows[22]["image"] = "../outside.png"
    rows[30]["taken_on"] = "31.12.2024"
    rows[41] = dict(rows[40])
    rows[50]["booking_number"] = "B3"
    rows[70] |= {"person_number": "P70", "booking_number": "B70", "youth": "yes"}
    rows[80] |= {"person_number": "P9", "booking_number": "B9", "offence_code": "CC 175"}
    for number in range(1, ROWS + 1):
        data = picture(number)
        if number == 28:
            data = picture(28, 128)
        if number == 37:
            data = data[:200]
        if number != 47:
            (folder / "images" / f"{number}.png").write_bytes(data)
    (folder / "manifest.csv").write_text(as_csv(rows), encoding="utf-8")
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_ten_kills_at_random_moments_end_as_an_unbroken_run(tmp_path: Path, export: Path) -> None:
    founded = Place(tmp_path / "founded")
    founded.finish("found")
    unbroken, killed = (Place(tmp_path / name, copy_of=founded) for name in ("unbroken", "killed"))
    unbroken.finish("enrol", export)
    chance = random.Random(2026)  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        killed.kill_during(export, batches=chance.randrange(0, 3), delay=chance.uniform(0, 0.04))
        killed.records()
        assert not killed.is_finished(), "there was nothing left to kill"
    killed.finish("enrol", export)
    expected = unbroken.end_state()
    assert killed.end_state() == expected
    failures = {row: code for row, code, _ in expected["failures"]}
    assert failures == {
        23: "row.path-leaves-folder",
        28: "face.several",
        31: "row.bad-date",
        37: "image.truncated",
        42: "row.duplicate",
        47: "row.image-missing",
        51: "row.booking-of-another-person",
        71: "row.booking-stated-differently",
        81: "row.booking-stated-differently",
    }
    assert len(expected["records"]) == ROWS - len(failures) == expected["enrolled in the log"]
    assert expected["failed in the log"] == len(failures)
    assert expected["quarantined in the log"] == 2


@pytest.mark.slow
def test_a_finished_enrolment_run_again_changes_no_record(tmp_path: Path, export: Path) -> None:
    """Idempotent: another pass finds everything enrolled, and tries the failures anew."""
    place = Place(tmp_path / "data")
    place.finish("found")
    place.finish("enrol", export)
    before = place.records()
    place.finish("enrol", export)
    assert place.records() == before
    (export / "images" / "47.png").write_bytes(picture(47))
    place.finish("enrol", export)
    assert len(place.records()) == len(before) + 1


def restated(export: Path, folder: Path) -> None:
    """The same service's records a year later: corrected, contradictory, moved, gone, unreadable, and some new."""
    shutil.copytree(export, folder)
    rows = [row(number) for number in range(1, ROWS + 1) if number not in (28, 31, 37, 47)]
    for number, changes in {
        3: {"youth": "yes"},
        5: {"sex": "F", "birth_date": "1991-01-01"},
        7: {},
        12: {},
        20: {"person_number": "P19"},
        25: {"taken_on": ""},
        40: {"taken_on": "2025-06-03", "disposition": "withdrawn"},
        60: {"offence_code": "CC 175"},
        90: {"taken_on": "1.1.2025"},
        100: {"image": "nowhere.png"},
        110: {"pose": "L"},
    }.items():
        next(each for each in rows if each["booking_number"] == f"B{number}").update(changes)
    for each in rows:
        each.setdefault("pose", "")
        each.setdefault("disposition", "")
    rows.append(row(3) | {"image": "new.png", "pose": "", "disposition": ""})
    (folder / "images" / "new.png").write_bytes(picture(500))
    gone = {f"B{number}" for number in (2, 50, 51, 52, 119)}
    kept = [each for each in rows if each["booking_number"] not in gone]
    (folder / "manifest.csv").write_text(as_csv(kept), encoding="utf-8")


@pytest.mark.slow
def test_a_re_export_that_was_killed_ten_times_ends_as_one_that_was_not(tmp_path: Path, export: Path) -> None:
    """Corrections, what waits, what vanished and their log entries, each once."""
    again = tmp_path / "again"
    restated(export, again)
    enrolled = Place(tmp_path / "enrolled")
    enrolled.finish("found")
    enrolled.finish("enrol", export)
    unbroken, killed = (Place(tmp_path / name, copy_of=enrolled) for name in ("unbroken", "killed"))
    unbroken.finish("re-export", again)
    chance = random.Random(2027)  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        killed.kill_during(again, batches=chance.randrange(0, 3), delay=chance.uniform(0, 0.01), deed="re-export")
        assert not killed.is_finished("re-export"), "there was nothing left to kill"
    killed.finish("re-export", again)
    expected = unbroken.end_state()
    assert killed.end_state() == expected
    states = Counter(state for _, _, state, *_ in expected["corrections"])
    assert set(states) == {"applied", "waiting"}
    assert [number for number, _, _ in expected["vanished"]] == ["B119", "B2", "B50", "B52"]
    assert all(expected["corrected in the log"][place] for place in (0, 1, 3))
