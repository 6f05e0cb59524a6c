"""How long one search takes with ten thousand rows and with ten million: ours, FAISS, usearch and NumPy, in one run.

128 dimensions, k = 50, two cores, vectors as in `benchmarks.search`. FAISS ``IndexFlatIP``; usearch's exact search;
NumPy's float32 product and a partial sort. Ours as in a server, which has the loops compiled. Least of several turns,
in milliseconds, for each number of rows: ``rows``, ``ours``, ``faiss``, ``usearch``, ``numpy``; ``mismatches`` of ours
from the reference. ``PLOT=file.svg`` also draws them.

Ten million rows take 13 GB of memory. ``QUICK=1``: up to 100,000. Run with ``make bench-search-rows``.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

# first: it says how many threads NumPy's matrix library may make
from benchmarks import search  # isort: skip

import numpy as np

QUICK = os.environ.get("QUICK") == "1"
ROWS = [10_000, 30_000, 100_000, *([] if QUICK else [300_000, 1_000_000, 3_000_000, 10_000_000])]
COLOURS = {"ours": "#0b6e4f", "faiss": "#c0392b", "usearch": "#8e44ad", "numpy": "#7f8c8d"}
WORDS = {"ours": "Custodes", "faiss": "FAISS IndexFlatIP", "usearch": "usearch, exact", "numpy": "NumPy product"}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 420, 70, 50


def times(vectors: search.Matrix, probes: search.Matrix) -> tuple[dict[str, float], int]:
    """Return the milliseconds of each, and how many of our lists were wrong."""
    import faiss
    from usearch.index import MetricKind
    from usearch.index import search as usearch

    from custodes.ranking import bound, exhaustive, sketch
    from custodes.ranking.kernel import Part, choose

    rows = len(vectors)
    part = Part(*sketch.sketch(vectors), *bound.quantise(vectors), vectors, np.arange(rows), np.ones(rows, np.bool_))
    cache = Path(tempfile.gettempdir()) / f"custodes-bench-kernels-{os.getuid()}"
    kernel = choose(rows, vectors.shape[1], cache_dir=cache, threads=search.CORES, is_lasting=True)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.omp_set_num_threads(search.CORES)
    clock, turn = search.Clock(), iter(range(10**6))

    def probe() -> Any:
        return probes[next(turn) % search.PROBES]

    def numpy() -> Any:
        scores = vectors @ probe()
        return np.argpartition(-scores, search.BEST)[: search.BEST]

    clock.turns(
        4 if rows > 1_000_000 else 10,
        ours=lambda: exhaustive.scan(kernel, [part], probe(), threshold=-1.0, limit=search.BEST),
        faiss=lambda: index.search(probe()[None], search.BEST),
        usearch=lambda: usearch(vectors, probe()[None], search.BEST, MetricKind.IP, exact=True, threads=search.CORES),
        numpy=numpy,
    )
    wrong = search.mismatches(kernel, [part], probes[:6], vectors)
    return {name: 1000 * seconds for name, seconds in clock.wall.items()}, wrong


def plot(found: dict[str, list[float]]) -> str:
    """Return an SVG of milliseconds against rows, both logarithmic."""
    rows = found["rows"]
    most = max(max(found[name]) for name in COLOURS)
    least = min(min(found[name]) for name in COLOURS)
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    first, last = math.log10(rows[0]), math.log10(rows[-1])

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 150) * (math.log10(value) - first) / (last - first)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 20) * (math.log10(value) - low) / (high - low)

    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for power in range(low, high + 1):
        lines.append(f'<path d="M{_LEFT} {y(10**power):.0f}H{x(rows[-1]):.0f}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y(10**power) + 4:.0f}" text-anchor="end">{10**power:g} ms</text>')
    for value in rows:
        name = f"{value // 1_000_000} M" if value >= 1_000_000 else f"{value // 1_000} k"
        lines.append(f'<text x="{x(value):.0f}" y="{_HEIGHT - 28}" text-anchor="middle">{name}</text>')
    lines.append(f'<text x="{x(rows[0]):.0f}" y="{_HEIGHT - 8}">rows of 128 dimensions; one probe, two cores</text>')
    labels = sorted(COLOURS, key=lambda name: found[name][-1])
    place = math.inf
    for name in labels:
        points = " ".join(f"{x(n):.1f},{y(ms):.1f}" for n, ms in zip(rows, found[name], strict=True))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="2.5"/>')
        place = min(place - 16, y(found[name][-1]) + 4)
        lines.append(f'<text x="{x(rows[-1]) + 8:.0f}" y="{place:.0f}" fill="{COLOURS[name]}">{WORDS[name]}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Measure each number of rows, smallest first, and print what came out."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: search.CORES])
    print(f"load average {os.getloadavg()}, {search.CORES} cores", flush=True)
    vectors, probes = search.people(ROWS[-1], 128)
    found: dict[str, list[float]] = {"rows": [], **{name: [] for name in COLOURS}}
    wrong = 0
    for rows in ROWS:
        taken, mismatches = times(vectors[:rows], probes)
        wrong += mismatches
        found["rows"].append(rows)
        for name, milliseconds in taken.items():
            found[name].append(round(milliseconds, 2))
        print(f"{rows}: " + ", ".join(f"{name} {ms:.2f}" for name, ms in taken.items()) + " ms", flush=True)
    if os.environ.get("PLOT"):
        Path(os.environ["PLOT"]).write_text(plot(found), encoding="utf-8")
    print(json.dumps({**found, "mismatches": wrong}))


if __name__ == "__main__":
    main()
