"""One search against every row: ours, FAISS, and what the memory allows, in turns in one process on two cores.

Vectors are synthetic: an anisotropic spectrum (j^-0.35), 200 groups, people with capture noise; a probe is an unseen
view of somebody.  Timed is `ranking.exhaustive`: the pass, the selection and the exact scores.

* ``faiss_ratio_512``, ``faiss_ratio_128``: wall time of FAISS ``IndexFlatIP`` (k = 50) divided by ours; one probe.
* ``cpu_ratio_512``: the same in processor time.
* ``bandwidth_share_512``, ``bandwidth_share_128``: time in which the same threads merely read the int8 codes, divided
  by ours.
* ``batch32_faiss_ratio_512``, ``batch32_sgemm_ratio_512``: a batch of 32 probes, against FAISS and against a float32
  matrix product alone.
* ``filter30_ratio``: our time where 30 % of the rows, by chance, may be searched, divided by that of all.
* ``faiss_ratio_sface``: as ``faiss_ratio_128``, with vectors made of real SFace templates (`benchmarks.faces`); null
  without CUSTODES_TEST_DATA, and when QUICK.
* ``mismatches``: probes whose list differs from that of the reference (`ranking.reference`); must be 0.

Least of the turns on both sides; the load average is printed, and ratios mean more than times.  ``QUICK=1``: 250,000
rows.  Run with ``make bench-search``.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

# NumPy's matrix library makes its threads when it is loaded, for every core there is
os.environ["OPENBLAS_NUM_THREADS"] = "2"

import numpy as np
import numpy.typing as npt

from benchmarks import faces

QUICK = os.environ.get("QUICK") == "1"
ROWS = 250_000 if QUICK else 1_000_000
TURNS = 5 if QUICK else 12
PROBES = 6 if QUICK else 24
CORES = 2
BEST = 50
BATCH = 32
GROUPS = 200

Matrix = npt.NDArray[np.float32]


def people(rows: int, dimension: int) -> tuple[Matrix, Matrix]:
    """Return templates ``(rows, dimension)`` and unseen views of some of them ``(PROBES or BATCH, dimension)``."""
    random = np.random.default_rng(20261123)
    spectrum = (np.arange(1, dimension + 1) ** -0.35).astype(np.float32)
    centres = random.standard_normal((GROUPS, dimension), dtype=np.float32) * spectrum * np.float32(0.5)
    vectors = np.empty((rows, dimension), np.float32)
    for start in range(0, rows, 50_000):
        part = slice(start, min(start + 50_000, rows))
        many = part.stop - part.start
        vectors[part] = random.standard_normal((many, dimension), dtype=np.float32) * spectrum
        vectors[part] += centres[random.integers(0, GROUPS, many)]
        vectors[part] /= np.linalg.norm(vectors[part], axis=1, keepdims=True)
    chosen = vectors[random.integers(0, rows, max(PROBES, BATCH))]
    seen = chosen + np.float32(0.6) / np.float32(dimension) ** 0.5 * random.standard_normal(chosen.shape, np.float32)
    return vectors, (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float32)


class Clock:
    """Least wall and processor time of each thing that is done in turns, in seconds."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def turns(self, count: int, **deeds: Callable[[], Any]) -> None:
        for _ in range(count):
            for name, deed in deeds.items():
                cpu, wall = time.process_time(), time.perf_counter()
                deed()
                taken = time.perf_counter() - wall
                self.cpu[name] = min(self.cpu.get(name, np.inf), time.process_time() - cpu)
                self.wall[name] = min(self.wall.get(name, np.inf), taken)

    def ratio(self, of: str, to: str) -> float:
        return round(self.wall[of] / self.wall[to], 2)


def reader(codes: npt.NDArray[np.int8]) -> Callable[[], None]:
    """Return what reads all of ``codes`` with as many threads, and does nothing else."""
    from numba import njit

    @njit(nogil=True)
    def fold(words: Any, start: int, stop: int) -> int:
        # four streams: with one, the processor asks for too little at a time
        quarter = (stop - start) // 4
        one, two, three, four = 0, 0, 0, 0
        for at in range(start, start + quarter):
            one ^= words[at]
            two ^= words[at + quarter]
            three ^= words[at + 2 * quarter]
            four ^= words[at + 3 * quarter]
        return one ^ two ^ three ^ four

    words = codes.reshape(-1).view(np.int64)
    step = -(-words.size // 64)
    pool = ThreadPoolExecutor(CORES)

    def read() -> None:
        counter = itertools.count()

        def work() -> None:
            while (at := next(counter)) < 64:
                fold(words, at * step, min(words.size, (at + 1) * step))

        for done in [pool.submit(work) for _ in range(CORES)]:
            done.result()

    return read


def mismatches(kernel: Any, parts: Any, probes: Matrix, vectors: Matrix) -> int:
    """Return how many probes get other best rows than the reference gives."""
    from custodes.ranking import exhaustive, reference

    wrong = 0
    for probe in probes:
        found = exhaustive.scan(kernel, parts, probe, threshold=-1.0, limit=BEST)
        ours = sorted(zip((-found.scores).tolist(), found.places.tolist(), strict=True))[:BEST]
        near = np.argpartition(-(vectors @ probe), 4 * BEST)[: 4 * BEST]
        exact = reference.scores(np.ascontiguousarray(vectors[near].T), probe)
        wrong += ours != sorted(zip((-exact).tolist(), near.tolist(), strict=True))[:BEST]
    return wrong


def measure(vectors: Matrix, probes: Matrix) -> tuple[Clock, int]:
    """Time everything on one set of vectors."""
    import faiss

    from custodes.ranking import bound, exhaustive, sketch
    from custodes.ranking.kernel import Part, choose

    dimension = vectors.shape[1]
    estimates = (*sketch.sketch(vectors), *bound.quantise(vectors))
    every = np.ones(ROWS, np.bool_)
    part = Part(*estimates, vectors, np.arange(ROWS), every)
    some = replace(part, admitted=np.random.default_rng(3).random(ROWS) < 0.3)
    cache = Path(tempfile.gettempdir()) / f"custodes-bench-kernels-{os.getuid()}"
    kernel = choose(10**9, dimension, cache_dir=cache, threads=CORES)
    index = faiss.IndexFlatIP(dimension)
    index.add(vectors)
    faiss.omp_set_num_threads(CORES)
    turn = itertools.cycle(range(PROBES))

    def ours(of: Part) -> Callable[[], Any]:
        return lambda: exhaustive.scan(kernel, [of], probes[next(turn)], threshold=-1.0, limit=BEST)

    batch = np.ascontiguousarray(probes[:BATCH])
    clock = Clock()
    clock.turns(
        TURNS,
        ours=ours(part),
        faiss=lambda: index.search(probes[next(turn)][None], BEST),
        read=reader(part.codes),
        filtered=ours(some),
    )
    if dimension == 512:
        clock.turns(
            2 if QUICK else 4,
            batch=lambda: kernel.contenders([part], batch, threshold=-1.0, limit=BEST),
            batch_faiss=lambda: index.search(batch, BEST),
            batch_sgemm=lambda: vectors @ batch.T,
        )
    return clock, mismatches(kernel, [part], probes[:PROBES], vectors)


def main() -> None:
    """Measure both widths, and print what came out."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"load average {os.getloadavg()}, {ROWS} rows, {CORES} cores", flush=True)
    wide, wrong_wide = measure(*people(ROWS, 512))
    narrow, wrong_narrow = measure(*people(ROWS, 128))
    real = None if QUICK else faces.gallery(ROWS, PROBES)
    sface, wrong_sface = measure(*real) if real else (None, 0)
    for name, clock in (("512-d", wide), ("128-d", narrow), ("SFace", sface)):
        if clock:
            told = ", ".join(f"{deed} {1000 * seconds:.1f}" for deed, seconds in clock.wall.items())
            print(f"{name}, least of the turns in ms: {told}")
    print(
        json.dumps(
            {
                "faiss_ratio_512": wide.ratio("faiss", "ours"),
                "faiss_ratio_128": narrow.ratio("faiss", "ours"),
                "cpu_ratio_512": round(wide.cpu["faiss"] / wide.cpu["ours"], 2),
                "bandwidth_share_512": wide.ratio("read", "ours"),
                "bandwidth_share_128": narrow.ratio("read", "ours"),
                "batch32_faiss_ratio_512": wide.ratio("batch_faiss", "batch"),
                "batch32_sgemm_ratio_512": wide.ratio("batch_sgemm", "batch"),
                "filter30_ratio": wide.ratio("filtered", "ours"),
                "faiss_ratio_sface": sface.ratio("faiss", "ours") if sface else None,
                "mismatches": wrong_wide + wrong_narrow + wrong_sface,
            }
        )
    )


if __name__ == "__main__":
    main()
