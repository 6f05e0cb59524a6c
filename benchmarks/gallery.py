"""The gallery as a service has it: a database of encrypted templates, segments in memory, and two processes.

Filled with synthetic templates (`benchmarks.search.people`), written straight into the tables; everything that is timed
is the product's: opening, decrypting and encoding every template, searching, and seeing what another process changed.

* ``clients4_p95_ratio``: 95th percentile of a search's time with four clients in one process, divided by the median
  with one.
* ``enrol_visible_ms``, ``destroy_visible_ms``: from the commit of one row until both processes have it; from the
  beginning of its destruction until it is written over and both know. Median of ten.
* ``open_s``: a new process's first look at a gallery that is there already; ``first_query_s``: its first search, which
  verifies every block; ``open_512_s``, ``first_query_512_s``: the same at 512 dimensions.
* ``rebuild_s``, ``rebuild_512_s``: building all segments from the database.
* ``bytes_per_row``, ``bytes_per_row_512``: what a row takes in the segments; ``scanned_bytes_per_row``,
  ``scanned_bytes_per_row_512``: what a search reads of most of them.

1,600,000 rows of each width; ``QUICK=1``: 8,000. Two cores. Run with ``make bench-gallery``; it takes half an hour,
most of it to fill the tables, 12 GB of disk and 10 GB of memory.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import search as vectors
from benchmarks.installation import Installation

QUICK = os.environ.get("QUICK") == "1"
ROWS = int(os.environ.get("ROWS", "8000" if QUICK else "1600000"))
CORES = 2
SEARCHES = 40
CHANGES = 10
_AT_ONCE = 5_000
_BATCH = 500
"""Rows in a generation, as an enrolment commits them at most."""
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def contract(dimension: int) -> Any:
    """Return a contract that no model pack has."""
    from custodes.types import Contract

    return Contract(f"{dimension:064x}", "benchmark", "1", dimension)


class Tables:
    """Writes rows as enrolment leaves them."""

    def __init__(self, installation: Installation, dimension: int) -> None:
        from custodes.store.models import Agency, ContractRow

        self.agency = Agency.objects.get()
        self.vault = installation.services.vault
        made = contract(dimension)
        self.contract, _ = ContractRow.objects.get_or_create(
            contract=made.id, pack=made.pack, version=made.version, dimension=dimension
        )

    def add(self, templates: vectors.Matrix) -> list[Any]:
        """Add one subject, booking and photograph for each template; return the gallery's rows."""
        from django.db import transaction

        from custodes.ids import BookingId, PhotographId, SubjectId, TemplateId
        from custodes.store.database import raise_generation
        from custodes.store.models import Booking, GalleryEntry, Photograph, Subject, TemplateRow
        from custodes.store.rows import insert
        from custodes.types import Collection, Sex

        new, agency = os.urandom, self.agency
        marks = [os.urandom(32).hex() for _ in templates]
        ids = [TemplateId.new(new) for _ in templates]
        sealed = self.vault.seal_all([(uid, row.tobytes()) for uid, row in zip(ids, templates, strict=True)])
        with transaction.atomic():
            subjects = insert(
                Subject(uid=SubjectId.new(new), agency=agency, person_number=mark[:40], created_at=_NOW)
                for mark in marks
            )
            bookings = insert(
                Booking(
                    uid=BookingId.new(new), agency=agency, subject=subject, booking_number=mark[:40], created_at=_NOW
                )
                for subject, mark in zip(subjects, marks, strict=True)
            )
            photographs = insert(
                Photograph(
                    uid=PhotographId.new(new), booking=booking, sha256=mark, format="JPEG", width=1, height=1,
                    enrolled_at=_NOW,
                )
                for booking, mark in zip(bookings, marks, strict=True)
            )  # fmt: skip
            rows = insert(
                TemplateRow(
                    uid=uid, photograph=photograph, contract=self.contract, key_uid=one.key, ciphertext=one.ciphertext
                )
                for uid, photograph, one in zip(ids, photographs, sealed, strict=True)
            )
            born = [raise_generation() for _ in range(-(-len(rows) // _BATCH))]
            return insert(
                GalleryEntry(
                    template=row, contract=self.contract, subject=subject, agency=agency, collection=Collection.BOOKING,
                    barriers=0, searchable_from=_NOW, sex=Sex.UNKNOWN, taken_on=date(2025, 1, 1), commitment=mark,
                    born=born[number // _BATCH],
                )
                for number, (row, subject, mark) in enumerate(zip(rows, subjects, marks, strict=True))
            )  # fmt: skip

    def end(self, entry: Any) -> tuple[Any, int]:
        """End a row; return what names it."""
        from django.db import transaction

        from custodes.store.database import raise_generation
        from custodes.store.models import GalleryEntry

        with transaction.atomic():
            GalleryEntry.objects.filter(pk=entry.pk).update(died=raise_generation())
        return entry.template.uid, entry.born


def opened(installation: Installation, dimension: int) -> Any:
    """Return a gallery that nobody in this process has used."""
    from custodes.app.searching import make_gallery

    return make_gallery(installation.config, installation.services.vault, contract(dimension))


def query(gallery: Any, agency: str, probe: vectors.Matrix) -> Any:
    """Search as a person with a request does."""
    from custodes.ids import AgencyId, RequestId
    from custodes.types import Filters, Scope, Template

    return gallery.search(
        Template(probe, gallery.contract),
        scope=Scope(frozenset({AgencyId(agency)}), datetime.now(UTC)),
        filters=Filters(),
        threshold=-1.0,
        request=RequestId.new(os.urandom),
        limit=50,
    )


def other_process(folder: str, dimension: int, agency: str, probe: vectors.Matrix, line: Connection) -> None:
    """Open the same installation; search when asked and say when it was done, or how long it took at first."""
    os.environ.update(environment(folder))
    from custodes.app import open_services, set_up_django
    from custodes.config import Config

    set_up_django()
    config = Config.from_environment()
    services = open_services(config)
    from custodes.app.searching import make_gallery

    gallery = make_gallery(config, services.vault, contract(dimension))
    start = time.perf_counter()
    gallery.catch_up()
    middle = time.perf_counter()
    query(gallery, agency, probe)
    line.send((middle - start, time.perf_counter() - middle))
    while line.recv():
        gallery.catch_up()
        line.send(time.perf_counter())


def environment(folder: str) -> dict[str, str]:
    """Return where everything of the throw-away installation is."""
    return {
        "CUSTODES_DATA_DIR": f"{folder}/data",
        "CUSTODES_KEY_DIR": f"{folder}/keys",
        "CUSTODES_SEGMENT_DIR": f"/dev/shm/custodes-bench-{os.path.basename(folder)}",  # noqa: S108, PTH119 - cleared below
        "CUSTODES_THREADS": str(CORES),
    }


@contextmanager
def neighbour(folder: str, dimension: int, agency: str, probe: vectors.Matrix) -> Iterator[Connection]:
    """Run another process of the installation."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=other_process, args=(folder, dimension, agency, probe, there)
    )
    process.start()
    try:
        yield here
    finally:
        here.send(False)
        process.join()


def visible(gallery: Any, line: Connection, since: float) -> float:
    """Return the milliseconds from ``since`` until this process and the other have caught up."""
    line.send(True)
    gallery.catch_up()
    done = time.perf_counter()
    return 1000 * (max(done, line.recv()) - since)


def measure(installation: Installation, folder: str, dimension: int) -> dict[str, float]:
    """Fill, build, open and search one width."""
    vectors.ROWS = ROWS
    tables = Tables(installation, dimension)
    start = time.perf_counter()
    templates, probes = vectors.people(ROWS, dimension)
    for first in range(0, ROWS, _AT_ONCE):
        last = tables.add(templates[first : first + _AT_ONCE])
    del templates
    told(f"{dimension}-d: filled in {time.perf_counter() - start:.0f} s")
    gallery = opened(installation, dimension)
    start = time.perf_counter()
    gallery.catch_up()
    rebuild = time.perf_counter() - start
    told(f"{dimension}-d: built in {rebuild:.1f} s")
    gallery.warm()
    agency = tables.agency.uid
    found = {"rebuild_s": rebuild, "bytes_per_row": gallery.row_bytes, "scanned_bytes_per_row": dimension // 2 + 5}
    with neighbour(folder, dimension, agency, probes[0]) as line:
        found["open_s"], found["first_query_s"] = line.recv()
        turn = cycle(probes)
        query(gallery, agency, probes[0])
        if dimension == 128:
            found |= changes(installation, tables, gallery, line, probes, last[-CHANGES:])
            found["clients4_p95_ratio"] = crowd(gallery, agency, turn)
    shutil.rmtree(installation.config.segment_dir)
    return found


def crowd(gallery: Any, agency: str, turn: Iterator[Any]) -> float:
    """Return the ratio of the busy service's slow searches to the idle one's usual ones."""

    def one(_: int) -> float:
        start = time.perf_counter()
        query(gallery, agency, next(turn))
        return 1000 * (time.perf_counter() - start)

    alone = [one(n) for n in range(SEARCHES)]
    with ThreadPoolExecutor(4) as clients:
        list(clients.map(one, range(4)))  # connections of their own
        together = list(clients.map(one, range(4 * SEARCHES)))
    usual, slow = statistics.median(alone), statistics.quantiles(together, n=20)[-1]
    told(f"one client {usual:.1f} ms (median), four {slow:.1f} ms (95th percentile)")
    return slow / usual


def changes(
    installation: Installation, tables: Tables, gallery: Any, line: Connection, probes: Any, old: Sequence[Any]
) -> dict[str, float]:
    """Return how long it takes until one row more, or one less, is seen by both processes."""
    enrolled, destroyed = [], []
    for number, entry in enumerate(old):
        tables.add(probes[number % len(probes)][None])
        enrolled.append(visible(gallery, line, time.perf_counter()))
        start = time.perf_counter()
        name = tables.end(entry)
        assert gallery.erase([name]) == 1
        installation.services.vault.keys.destroy([entry.template.key_uid])
        destroyed.append(visible(gallery, line, start))
    told(f"enrolled {[round(x, 1) for x in enrolled]} ms, destroyed {[round(x, 1) for x in destroyed]} ms")
    return {
        "enrol_visible_ms": statistics.median(enrolled),
        "destroy_visible_ms": statistics.median(destroyed),
    }


def told(text: str) -> None:
    """Say how far it is; whoever waits half an hour wants to know."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure both widths, and print what came out."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"load average {os.getloadavg()}, {ROWS} rows, {CORES} cores", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment(folder))
        try:
            installation = Installation(threads=CORES)
            narrow = measure(installation, folder, 128)
            wide = measure(installation, folder, 512)
        finally:
            shutil.rmtree(environment(folder)["CUSTODES_SEGMENT_DIR"], ignore_errors=True)
        print(f"database {sum(x.stat().st_size for x in Path(folder).rglob('*') if x.is_file()) / 1e9:.1f} GB")
    figures = narrow | {f"{name}_512": value for name, value in wide.items()}
    rounded = {name.replace("_s_512", "_512_s"): float(f"{value:.4g}") for name, value in figures.items()}
    print(json.dumps(rounded))


if __name__ == "__main__":
    main()
