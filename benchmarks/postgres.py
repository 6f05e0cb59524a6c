"""Enrolment on PostgreSQL against enrolment on SQLite: the same rows, the same images, the same cores, in turns.

Each database has an installation and a process of its own, with its own durable settings: SQLite with a full sync at
every commit, PostgreSQL as `initdb` leaves it (``fsync``, ``synchronous_commit`` and ``full_page_writes`` on), on a
Unix socket, as a role that row-level security binds. Two engines:

* *real*: London's photographs, or the demonstration's, through the default model pack.  ``postgres_ratio`` is of these.
* *fake*: small drawn pictures through the fake engine of the tests, which costs next to nothing, so that nearly all
  that is left is what `workflows` and `store` do: decoding, judging, sealing, writing and logging.

Run with ``make bench-postgres``; ``QUICK=1`` takes fewer images and turns. Ends with one line of JSON.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tools.private_postgresql import SUPERUSER, PrivatePostgres

from benchmarks import enrol

QUICK = os.environ.get("QUICK") == "1"
ROWS = {"real": 48 if QUICK else 200, "fake": 160 if QUICK else 640}
TURNS = 2 if QUICK else 7
_ROLE = "custodes_bench"


def postgres_ratio() -> float:
    """Return the median, over the turns, of PostgreSQL's seconds by SQLite's for one enrolment with the real engine."""
    return compare("real")


def compare(engine: str) -> float:
    """Run :data:`TURNS` enrolments on each database, one after the other, and return the median of their ratios."""
    with tempfile.TemporaryDirectory() as scratch, server() as url, ExitStack() as stack:
        images = Path(scratch) / "images"
        images.mkdir()
        rows = _images(engine, images)
        sqlite, postgresql = (
            stack.enter_context(_process(engine, Path(scratch) / name, images, rows, address))
            for name, address in (("sqlite", ""), ("postgresql", url))
        )
        ratios, seconds = [], []
        for turn in range(TURNS + 1):
            both = [_timed(process, turn) for process in (sqlite, postgresql)]
            if turn:  # the first also makes files, connections and caches
                ratios.append(both[1] / both[0])
                seconds.append(both)
    sides = [
        f"{name} {len(rows) / median(side):.0f}/s"
        for name, side in zip(("SQLite", "PostgreSQL"), zip(*seconds, strict=True), strict=True)
    ]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{engine} engine, {len(rows)} rows, {TURNS} turns: {', '.join(sides)}, ratio {spread}", file=sys.stderr)
    return median(ratios)


@contextmanager
def server() -> Iterator[str]:
    """Start a server as durable as it is by default, and yield the address of an empty database."""
    import psycopg

    running = PrivatePostgres.start({})
    try:
        with psycopg.connect(running.url(SUPERUSER, SUPERUSER), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
            connection.execute(f"CREATE DATABASE custodes OWNER {_ROLE}")
        yield running.url(_ROLE, "custodes")
    finally:
        running.stop()


def _images(engine: str, folder: Path) -> list[str]:
    """Write the images and return the one of each row."""
    if engine == "real":
        names = [path.name for path in enrol.images(folder)]
        return [names[row % len(names)] for row in range(ROWS[engine])]
    from custodes.engine.fake import picture

    for number in range(100):
        (folder / f"{number}.png").write_bytes(picture(number))
    return [f"{row % 100}.png" for row in range(ROWS[engine])]


@contextmanager
def _process(engine: str, folder: Path, images: Path, rows: list[str], url: str) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir()
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    environment = {**os.environ, "CUSTODES_DATA_DIR": str(folder / "data"), "DATABASE_URL": url}
    environment.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
    command = [sys.executable, "-m", "benchmarks.postgres", "enrol", engine, str(folder), str(images)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.stdin.close()  # type: ignore[union-attr]


def _timed(process: subprocess.Popen[str], turn: int) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{turn}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _enrol(engine: str, folder: Path, images: Path) -> None:
    """Be one side: found an installation, then enrol all rows anew for every line read, and print the seconds."""
    from benchmarks.installation import MAPPING, Installation
    from custodes.engine.fake import FakeEngine

    installation = Installation(threads=enrol.CORES)
    if engine == "fake":
        installation.services.make_engine = lambda: FakeEngine(allows_operational_use=True)
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    for turn in map(int, sys.stdin):
        manifest = folder / f"{turn}.csv"
        with manifest.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["person_number", "booking_number", "image", "taken_on", "offence_code"])
            writer.writerows(
                [f"P{turn}-{n}", f"B{turn}-{n}", image, "2025-01-01", "CC 344"] for n, image in enumerate(rows)
            )
        start = time.perf_counter()
        installation.enrol(manifest, folder / "mapping.toml", images, expect=len(rows))
        print(time.perf_counter() - start, flush=True)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: enrol.CORES])
    ratio, without_networks = postgres_ratio(), compare("fake")
    print(json.dumps({"postgres_ratio": round(ratio, 3), "without_networks": round(without_networks, 3)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["enrol"]:
        _enrol(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
