"""Intake at scale: enrolment against bare inference, its memory, PostgreSQL against SQLite, and what quality costs.

* ``bulk_ratio``: photographs per second through `workflows.enrolment` divided by those through the bare inference calls
  on the same images, as `benchmarks.enrol` measures ``enrol_ratio``: both cores busy, in turns, in one process.
  ``bulk_ratio_strict``, ``bulk_ratio_own``: over its stricter baselines.
* ``rss_growth_mb``: growth of resident memory (this process and its decoding workers) over an enrolment of 5,000
  images, the last tenth's highest value less the first tenth's. The images are London's or the demonstration's, each
  **re-encoded** at another JPEG quality and shifted by a few pixels: other bytes and other pixels, the same people.
* ``postgres_ratio``: time of the same enrolment on PostgreSQL divided by that on SQLite (`benchmarks.postgres`).
* ``quality_overhead``: time of the quality measures divided by that of detection and embedding (`benchmarks.quality`).

Run with ``make bench-intake``; ``QUICK=1`` takes fewer images and turns.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import enrol

QUICK = os.environ.get("QUICK") == "1"
IMAGES = 100 if QUICK else 5_000
_SHIFT = 6
_QUALITIES = range(70, 96)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: enrol.CORES])
    from benchmarks.postgres import postgres_ratio
    from benchmarks.quality import quality_overhead

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CUSTODES_DATA_DIR"] = str(Path(scratch) / "data")
        os.environ.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
        from benchmarks.installation import Installation

        installation = Installation(threads=enrol.CORES)
        ratios = enrol.bench_enrol(installation, enrol.images(Path(scratch, "images")))
        growth = rss_growth(installation, Path(scratch))
    print(f"memory grew by {growth:.1f} MB over {IMAGES} re-encoded images", file=sys.stderr)
    answer = {
        **{name.replace("enrol", "bulk"): round(ratio, 3) for name, ratio in ratios.items()},
        "rss_growth_mb": round(growth, 1),
        "postgres_ratio": round(postgres_ratio(), 3),
        "quality_overhead": round(quality_overhead(), 3),
    }
    print(json.dumps(answer))


def rss_growth(installation: object, scratch: Path) -> float:
    """Return by how many megabytes memory grew while :data:`IMAGES` photographs were enrolled."""
    from benchmarks.installation import Installation

    assert isinstance(installation, Installation)
    folder = scratch / "many"
    folder.mkdir()
    names = list(re_encoded(sorted((scratch / "images").glob("*.jpg")), folder))
    manifest = scratch / "many.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person_number", "booking_number", "image", "taken_on", "offence_code"])
        writer.writerows([f"M{n}", f"M{n}", name, "2025-01-01", "CC 344"] for n, name in enumerate(names))
    seen: list[int] = []
    installation.enrol(
        manifest, scratch / "mapping.toml", folder, expect=IMAGES, progress=lambda done, total: seen.append(resident())
    )
    tenth = max(1, len(seen) // 10)
    return (max(seen[-tenth:]) - max(seen[:tenth])) / 1e6


def re_encoded(originals: list[Path], folder: Path) -> Iterator[str]:
    """Write :data:`IMAGES` variations of ``originals`` and yield their names."""
    import cv2

    random = np.random.default_rng(7)
    pictures = [cv2.imread(str(path)) for path in originals]
    for number in range(IMAGES):
        picture = pictures[number % len(pictures)]
        top, left = random.integers(0, _SHIFT, 2)
        quality = int(random.choice(_QUALITIES))
        name = f"{number}.jpg"
        cv2.imwrite(str(folder / name), picture[top:, left:], [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield name


def resident() -> int:
    """Return the bytes of memory that this process and its children hold."""
    me = Path("/proc/self")
    children = [child for task in me.glob("task/*/children") for child in task.read_text().split()]
    return sum(_resident(Path("/proc") / process) for process in ["self", *children])


def _resident(process: Path) -> int:
    try:
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    main()
