"""Enrolment and one search, end to end, against the bare inference calls they cannot do without.

Both sides run in one process on the same images and the same cores, in turns, so that the ratio is meaningful on a
noisy machine:

* ``enrol_ratio``: photographs per second through `workflows.enrol` (read, decode, detect, align, embed, seal, commit,
  log) divided by photographs per second through the recorded network calls alone (the same detector passes and the
  same embedder on inputs prepared beforehand), as many at once as there are cores.
* ``probe_ratio``: time from a 1,350-pixel probe's bytes to its stored candidate list over 10,000 templates, divided by
  the time of its network calls alone.
* ``help_s``: seconds of ``custodes --help``, a new process each time.

Run with ``make bench-enrol``; ``QUICK=1`` takes fewer images and turns. Real photographs are used where
``CUSTODES_TEST_DATA`` names them, the demonstration's synthetic ones elsewhere.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

QUICK = os.environ.get("QUICK") == "1"
IMAGES = 48 if QUICK else 102
COPIES = 2 if QUICK else 3
"""How many bookings each image is enrolled in per turn: an enrolment of seconds is mostly beginning and end."""
TURNS = 2 if QUICK else 5
PROBES = 5 if QUICK else 15
TEMPLATES = 10_000
PROBE_SIDE = 1_350
CORES = 2


@dataclass
class Calls:
    """Recorded network calls: what one image costs at the least."""

    made: list[Callable[[], Any]]

    def run(self) -> None:
        for call in self.made:
            call()


@contextlib.contextmanager
def recording(engine: Any) -> Iterator[list[Callable[[], Any]]]:
    """Note every call that ``engine`` makes to a network, with its input, so that it can be made again alone."""
    loaded = engine._networks()
    calls: list[Callable[[], Any]] = []

    def noting(network: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(blob: Any) -> Any:
            own = blob.copy()  # the engine uses its memory again
            calls.append(lambda: network(own))
            return network(blob)

        return call

    detector, embedder = type(loaded.detector), loaded.embedder
    detect, embed = detector.all, embedder._network
    detector.all = lambda self, blob: noting(lambda given: detect(self, given))(blob)
    embedder._network = noting(embed)
    try:
        yield calls
    finally:
        detector.all, embedder._network = detect, embed


def images(folder: Path) -> list[Path]:
    """Return the images to enrol: London's and Congress's where they are, the demonstration's elsewhere."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    if named:
        found = sorted(Path(named, "london", "neutral").glob("*.jpg"))
    else:
        found = sorted((Path(__file__).parents[1] / "src/custodes/cli/demo_data/images").glob("*.jpg"))
    chosen = found[:IMAGES]
    for index, path in enumerate(chosen):
        (folder / f"{index}.jpg").write_bytes(path.read_bytes())
    return [folder / f"{index}.jpg" for index in range(len(chosen))]


def record(engine: Any, data: bytes) -> Calls:
    """Run one image through the engine once and return its network calls."""
    from custodes.imaging import Limits, decode

    picture = decode(data, name=None, limits=Limits(100_000_000, 100_000_000, 60))
    with recording(engine) as calls:
        faces = engine.detect(picture.pixels)
        engine.embed([(picture.pixels, faces[0])])
    return Calls(calls)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CUSTODES_DATA_DIR"] = str(Path(scratch) / "data")
        os.environ.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
        from benchmarks.installation import Installation

        installation = Installation(threads=CORES)
        enrol_ratio, rates = bench_enrol(installation, Path(scratch))
        probe_ratio, times = bench_probe(installation, Path(scratch))
    help_s = bench_help()
    print(f"enrolment {rates[0]:.1f} photographs/s, bare calls {rates[1]:.1f}/s, {CORES} cores", file=sys.stderr)
    print(f"probe to list {times[0] * 1e3:.0f} ms, bare calls {times[1] * 1e3:.0f} ms", file=sys.stderr)
    print(json.dumps({"enrol_ratio": round(enrol_ratio, 3), "probe_ratio": round(probe_ratio, 3), "help_s": help_s}))


def bench_enrol(installation: Any, scratch: Path) -> tuple[float, tuple[float, float]]:
    """Return the median ratio over the turns, and the median rates (photographs per second)."""
    folder = scratch / "images"
    folder.mkdir()
    paths = images(folder)
    engine = installation.services.bulk_engine
    recorded = [record(engine, path.read_bytes()) for path in paths]
    from benchmarks.installation import MAPPING

    (scratch / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    ratios, enrolled, bare = [], [], []
    for turn in range(TURNS):
        manifest = scratch / f"manifest-{turn}.csv"
        write_manifest(manifest, paths, turn)
        with ThreadPoolExecutor(CORES) as pool:
            start = time.perf_counter()
            list(pool.map(Calls.run, recorded * COPIES))
            bare.append(COPIES * len(paths) / (time.perf_counter() - start))
        start = time.perf_counter()
        installation.enrol(manifest, scratch / "mapping.toml", folder, expect=COPIES * len(paths))
        enrolled.append(COPIES * len(paths) / (time.perf_counter() - start))
        ratios.append(enrolled[-1] / bare[-1])
    return median(ratios), (median(enrolled), median(bare))


def write_manifest(path: Path, images: list[Path], turn: int) -> None:
    """Write a manifest in which every row is a booking of its own."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person_number", "booking_number", "image", "taken_on", "offence_code"])
        for index, image in enumerate(images * COPIES):
            writer.writerow([f"P{turn}-{index}", f"B{turn}-{index}", image.name, "2025-01-01", "CC 344"])


def bench_probe(installation: Any, scratch: Path) -> tuple[float, tuple[float, float]]:
    """Return the median ratio over the probes, and the median times (seconds)."""
    installation.fill_gallery(TEMPLATES)
    data = probe_bytes(scratch / "images")
    calls = record(installation.services.engine, data)
    ratios, searched, bare = [], [], []
    for number in range(PROBES):
        start = time.perf_counter()
        calls.run()
        bare.append(time.perf_counter() - start)
        searched.append(installation.time_search(f"probe-{number}", data))
        if number:  # the first search also loads the gallery, as the first search after a start does
            ratios.append(searched[-1] / bare[-1])
    return median(ratios), (median(searched[1:]), median(bare))


def probe_bytes(folder: Path) -> bytes:
    """Return one image enlarged to 1,350 pixels, as a phone's or a scanner's would be."""
    import io

    from PIL import Image

    first = Image.open(min(folder.glob("*.jpg"))).convert("RGB")
    scale = PROBE_SIDE / max(first.size)
    out = io.BytesIO()
    first.resize((round(first.width * scale), round(first.height * scale)), Image.Resampling.LANCZOS).save(out, "JPEG")
    return out.getvalue()


def bench_help() -> float:
    """Return the median seconds of ``custodes --help`` over nine new processes."""
    command = [str(Path(sys.executable).with_name("custodes")), "--help"]
    times = []
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return round(median(times), 3)


if __name__ == "__main__":
    main()
