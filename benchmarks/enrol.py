"""Enrolment and one search, end to end, against the bare inference calls they cannot do without.

Both sides run in one process on the same images and the same cores, in turns, so that the ratio is meaningful on a
noisy machine:

* ``enrol_ratio``: photographs per second through `workflows.enrol` (read, decode, detect, measure, align, embed, seal,
  commit, log) divided by photographs per second through the bare inference calls on the same images, as many at once
  as there are cores.
* ``probe_ratio``: time from a 1,350-pixel probe's bytes to its stored candidate list over 10,000 templates, divided by
  the time of its bare inference calls.

A *bare inference call* takes decoded pixels, as in any library: it makes the network's input and runs the network as
published.  The calls are the same detector passes and the same embedder; not in them are decoding, cutting out single
faces (those inputs are made beforehand), reading the networks' answers, merging, measuring and alignment.  Two stricter
baselines are reported beside it:

* ``enrol_ratio_strict``, ``probe_ratio_strict``: the networks alone, as published, every input made beforehand;
* ``enrol_ratio_own``, ``probe_ratio_own``: the networks alone in our own, quicker form (`engine.activations`), every
  input made beforehand: what everything else costs.

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
IMAGES = 40 if QUICK else 102
COPIES = 2 if QUICK else 3
"""How many bookings each image is enrolled in per turn: an enrolment of seconds is mostly beginning and end."""
TURNS = 2 if QUICK else 5
PROBES = 5 if QUICK else 15
TEMPLATES = 10_000
PROBE_SIDE = 1_350
CORES = 2


Call = Callable[[], Any]


@dataclass
class Calls:
    """The bare inference calls of one image: ``bare`` from its pixels, ``strict`` and ``own`` from prepared inputs."""

    bare: list[Call]
    strict: list[Call]
    own: list[Call]


class Recorder:
    """Notes what an engine gives its networks, and has the same networks as published beside them.

    The published ones are opened like the engine's own: as many threads, all that onnxruntime optimises by itself, and
    mended only where they would not run otherwise (:func:`custodes.engine.graph.mend`).
    """

    def __init__(self, engine: Any) -> None:
        from custodes.engine.graph import mend
        from custodes.engine.onnx_engine import _open
        from custodes.engine.weights import read_weights

        self._engine, self._loaded = engine, engine._networks()
        networks = {
            role: _open(mend(read_weights(engine._pack, engine._models_dir, role), free_size=free), engine.threads)
            for role, free in (("detector", True), ("embedder", False))
        }
        self._detect, self._embed = networks["detector"].all, networks["embedder"].first

    def record(self, data: bytes) -> Calls:
        """Run one image through the engine once and return its network calls."""
        from custodes.imaging import Limits, decode

        pixels = decode(data, name=None, limits=Limits(100_000_000, 100_000_000, 60)).pixels
        with self._noting() as calls:
            faces = self._engine.detect(pixels)
            crop = self._engine.align(pixels, faces[0])
            self._engine.embed_aligned([crop])
        passes = self._passes(pixels)
        # what follows the passes are looks at single faces, whose inputs are kept, and the embedder
        embedder = self._loaded.embedder
        looks = calls.strict[passes.count :]
        calls.bare = [passes.run, *looks[:-1], lambda: self._embed(embedder._blob([crop]))]
        return calls

    def _passes(self, pixels: Any) -> Passes:
        contract = self._engine._pack.preprocessing.detector
        return Passes(pixels, contract, self._detect, self._engine._workers)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[Calls]:
        calls = Calls([], [], [])

        def note(published: Callable[[Any], Any], own: Callable[[Any], Any], blob: Any) -> Any:
            kept = blob.copy()  # the engine uses its memory again
            calls.strict.append(lambda: published(kept))
            calls.own.append(lambda: own(kept))
            return own(blob)

        detector, embedder = type(self._loaded.detector), self._loaded.embedder
        detect, embed = detector.all, embedder._network
        detector.all = lambda network, blob: note(self._detect, lambda given: detect(network, given), blob)
        embedder._network = lambda blob: note(self._embed, embed, blob)
        try:
            yield calls
        finally:
            detector.all, embedder._network = detect, embed


class Passes:
    """The detector's passes over one picture, each input made from the pixels as the product makes it."""

    def __init__(self, pixels: Any, contract: Any, network: Callable[[Any], Any], workers: Any) -> None:
        from custodes.engine.detect import plan

        self._pixels, self._contract, self._network, self._workers = pixels, contract, network, workers
        self._sides = plan(pixels.shape[1], pixels.shape[0], contract)
        self.count = len(self._sides)

    def run(self) -> None:
        from custodes.engine.detect import _passes
        from custodes.engine.yunet import _blob

        for resized in _passes(self._pixels, self._sides):
            self._network(_blob(resized, self._contract.colour_order, self._workers))


def run(calls: list[Call]) -> None:
    for call in calls:
        call()


def images(folder: Path) -> list[Path]:
    """Return the images to enrol: London's and Congress's where they are, the demonstration's elsewhere."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    if named:
        found = sorted(Path(named, "london", "neutral").glob("*.jpg"))
    else:
        found = sorted((Path(__file__).parents[1] / "src/custodes/cli/demo_data/images").glob("*.jpg"))
    chosen = found[:IMAGES]
    folder.mkdir(exist_ok=True)
    for index, path in enumerate(chosen):
        (folder / f"{index}.jpg").write_bytes(path.read_bytes())
    return [folder / f"{index}.jpg" for index in range(len(chosen))]


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CUSTODES_DATA_DIR"] = str(Path(scratch) / "data")
        os.environ.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
        from benchmarks.installation import Installation

        installation = Installation(threads=CORES)
        paths = images(Path(scratch, "images"))
        # the probe first: its gallery has the stated size
        report = bench_probe(installation, paths) | bench_enrol(installation, paths)
    print(json.dumps({key: round(value, 3) for key, value in report.items()} | {"help_s": bench_help()}))


def bench_enrol(installation: Any, paths: list[Path]) -> dict[str, float]:
    """Return the median ratios over the turns."""
    folder = paths[0].parent
    scratch = folder.parent
    recorder = Recorder(installation.services.bulk_engine)
    recorded = [recorder.record(path.read_bytes()) for path in paths]
    from benchmarks.installation import MAPPING

    (scratch / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    count = COPIES * len(paths)
    rates = []
    for turn in range(TURNS):
        manifest = scratch / f"manifest-{turn}.csv"
        write_manifest(manifest, paths, turn)
        kinds = ([c.bare for c in recorded], [c.strict for c in recorded], [c.own for c in recorded])
        alone = [count / bare(kind) for kind in kinds]
        start = time.perf_counter()
        installation.enrol(manifest, scratch / "mapping.toml", folder, expect=count)
        rates.append((count / (time.perf_counter() - start), *alone))
    said = ", ".join(f"{median(column):.1f}" for column in zip(*rates, strict=True))
    print(f"photographs/s on {CORES} cores: enrolment, bare calls, strict, own: {said}", file=sys.stderr)
    return {
        f"enrol_ratio{suffix}": median(rate[0] / rate[place] for rate in rates)
        for place, suffix in enumerate(("", "_strict", "_own"), start=1)
    }


def bare(recorded: list[list[Call]]) -> float:
    """Return the seconds of all recorded calls, an image a thread, as often as each image is enrolled."""
    with ThreadPoolExecutor(CORES) as pool:
        start = time.perf_counter()
        list(pool.map(run, recorded * COPIES))
        return time.perf_counter() - start


def write_manifest(path: Path, images: list[Path], turn: int) -> None:
    """Write a manifest in which every row is a booking of its own."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person_number", "booking_number", "image", "taken_on", "offence_code"])
        for index, image in enumerate(images * COPIES):
            writer.writerow([f"P{turn}-{index}", f"B{turn}-{index}", image.name, "2025-01-01", "CC 344"])


def bench_probe(installation: Any, paths: list[Path]) -> dict[str, float]:
    """Return the median ratios over the probes."""
    installation.fill_gallery(TEMPLATES)
    data = next(data for data in map(probe_bytes, paths) if faces_in(data, installation.services.engine) == 1)
    calls = Recorder(installation.services.engine).record(data)
    turns = []
    for number in range(PROBES + 1):
        alone = [timed(kind) for kind in (calls.bare, calls.strict, calls.own)]
        turns.append((installation.time_search(f"probe-{number}", data), *alone))
    del turns[0]  # the first search also loads the gallery, as the first search after a start does
    said = ", ".join(f"{median(column) * 1e3:.0f}" for column in zip(*turns, strict=True))
    print(f"ms on {CORES} cores: probe to list, bare calls, strict, own: {said}", file=sys.stderr)
    return {
        f"probe_ratio{suffix}": median(turn[0] / turn[place] for turn in turns)
        for place, suffix in enumerate(("", "_strict", "_own"), start=1)
    }


def timed(calls: list[Call]) -> float:
    """Return the seconds of all ``calls``."""
    start = time.perf_counter()
    run(calls)
    return time.perf_counter() - start


def probe_bytes(path: Path) -> bytes:
    """Return one image enlarged to 1,350 pixels, as a phone's or a scanner's would be."""
    import io

    from PIL import Image

    first = Image.open(path).convert("RGB")
    scale = PROBE_SIDE / max(first.size)
    out = io.BytesIO()
    first.resize((round(first.width * scale), round(first.height * scale)), Image.Resampling.LANCZOS).save(out, "JPEG")
    return out.getvalue()


def faces_in(data: bytes, engine: Any) -> int:
    """Return how many faces the engine finds."""
    from custodes.imaging import Limits, decode

    return len(engine.detect(decode(data, name=None, limits=Limits()).pixels))


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
