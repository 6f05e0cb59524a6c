"""AUD-01: a process killed at random points of a thousand deeds leaves no effect without its entry, nor the reverse."""

from __future__ import annotations

import json
import os
import random
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
from tests.workflows.casework_driver import ORIGIN

from custodes.ledger import verify
from custodes.ledger.keys import KeyType, SigningKey

pytestmark = pytest.mark.postgresql
DEEDS = 1_000
DRIVER = Path(__file__).with_name("casework_driver.py")
EFFECTS = {
    # what there must be one of for every entry of this kind and phase, and the other way round
    ("case.opened", "effect"): "SELECT count(*) FROM store_case",
    ("case.closed", "effect"): "SELECT count(*) FROM store_case WHERE closed_at IS NOT NULL",
    ("probe.added", "effect"): "SELECT count(*) FROM store_probe",
    ("request.made", "effect"): "SELECT count(*) FROM store_searchrequest",
    ("request.approved", "effect"): "SELECT count(*) FROM store_approval",
    ("search", "done"): "SELECT count(*) FROM store_search",
    ("photograph.enrolled", "effect"): "SELECT count(*) FROM store_photograph",
}


class Place:
    """An installation in a folder of its own, looked at from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = {"CUSTODES_DATA_DIR": str(folder), "CUSTODES_KEY_DIR": str(folder / "keys")}
        self.url = postgresql.new_database("") if postgresql.WANTED else ""
        self.environment = {**os.environ, **places, "DATABASE_URL": self.url, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(self, *arguments: str, driver: Path = DRIVER) -> subprocess.Popen[str]:
        command = [sys.executable, driver, *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> None:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output

    def work_until_killed(self, seed: int, chance: random.Random) -> int:
        """Let deeds be done, kill -9 in the middle of one; return how many there were."""
        process = self.start("work", str(seed))
        assert process.stdout is not None
        wanted, done = chance.randint(20, 60), 0
        while done <= wanted:
            assert process.stdout.readline(), "the driver ended by itself"
            done += 1
        time.sleep(chance.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        left, _ = process.communicate(timeout=30)
        return done - 1 + left.count("deed")

    def query(self, text: str) -> list[tuple[Any, ...]]:
        if self.url:
            return postgresql.admin(text, url=postgresql.past_the_fence(self.url))
        with closing(sqlite3.connect(self.folder / "custodes.sqlite3")) as connection:
            return connection.execute(text).fetchall()


def test_a_thousand_deeds_with_a_kill_every_forty(tmp_path: Path) -> None:
    place, chance = Place(tmp_path / "data"), random.Random(11)  # noqa: S311 - a seed, not a secret
    place.run("found")
    done = kills = 0
    while done < DEEDS:
        done += place.work_until_killed(kills, chance)
        kills += 1
    place.run("finish")

    entries = [json.loads(bytes(body)) for (body,) in place.query("SELECT body FROM store_logentry ORDER BY position")]
    kinds = Counter((entry["kind"], entry["phase"]) for entry in entries)
    effects = {key: place.query(count)[0][0] for key, count in EFFECTS.items()}
    assert {key: kinds[key] for key in EFFECTS} == effects
    assert effects["search", "done"] > 50
    intents = {entry["id"] for entry in entries if entry["phase"] == "intended"}
    outcomes = Counter(entry["intent"] for entry in entries if entry["phase"] in ("done", "failed", "interrupted"))
    assert set(outcomes) == intents
    assert set(outcomes.values()) == {1}
    assert kills > 10

    unsealed = place.query("SELECT count(*) FROM store_logentry WHERE position IS NULL")
    assert unsealed == [(0,)]
    key = str(SigningKey(ORIGIN, KeyType.ED25519, bytes(32)).verifier)
    assert verify.main(["log", str(place.folder / "log"), "--key", key, "--strict"]) == 0
    bundled = [json.loads(entry)["id"] for entry in _bundled(place.folder / "log", len(entries))]
    assert bundled == [entry["id"] for entry in entries]


def _bundled(folder: Path, size: int) -> list[bytes]:
    from custodes.ledger.folder import FolderTileStore
    from custodes.ledger.tiles import ENTRIES, TILE_WIDTH, TilePath, parse_bundle, read_tile

    found: list[bytes] = []
    for number in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        found += parse_bundle(read_tile(FolderTileStore(folder), TilePath(ENTRIES, number, width)), width)
    return found
