"""How often the right person comes first, on real photographs, through the whole product: ``make accuracy``.

* London (Face Research Lab London Set): 102 neutral photographs enrolled, 102 smiling ones searched.
* Congress (official portraits): 539 portraits enrolled, 195 second photographs of members searched.

Every photograph goes through `workflows.enrol`, every probe through a request, an approval and `workflows.search`.
Reported per set, with Wilson 95 % intervals: probes whose own person is not first (rank-1 misses) with the provisional
threshold and without one, candidates per list, and the false candidates that the threshold let through.  Galleries this
small say nothing about a gallery of 1.6 million, and both sets may overlap with what the networks were trained on.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean


@dataclass(frozen=True)
class Outcome:
    """One probe: its person, the place of that person on the list (None: not on it), and the list's length."""

    person: str
    rank: int | None
    listed: int


SETS = {
    "london": ("expression", "neutral", "smiling"),
    "congress": ("kind", "portrait", "second"),
}
"""Set → the column of its index that says which photographs are enrolled and which are searched."""


def main() -> None:
    """Measure every set, each in a process and an installation of its own, and print one line of JSON."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    if not named:
        sys.exit("CUSTODES_TEST_DATA names no folder of test photographs")
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], Path(named) / sys.argv[1])))
        return
    report = {}
    for name in SETS:
        command = [sys.executable, "-m", "benchmarks.accuracy", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report[name] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(report))


def measure(name: str, folder: Path) -> dict[str, object]:
    """Enrol and search one set in a throw-away installation."""
    column, enrolled, searched = SETS[name]
    rows = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    gallery = [(row["identity"], folder / row["path"]) for row in rows if row[column] == enrolled]
    probes = [(row["identity"], folder / row["path"]) for row in rows if row[column] == searched]
    os.environ.setdefault("CUSTODES_MODELS_DIR", str(Path(__file__).parents[1] / ".models"))
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CUSTODES_DATA_DIR"] = str(Path(scratch) / "data")
        return _run(name, Path(scratch), folder, gallery, probes)


def _run(
    name: str, scratch: Path, folder: Path, gallery: list[tuple[str, Path]], probes: list[tuple[str, Path]]
) -> dict[str, object]:
    from benchmarks.installation import MAPPING, Installation

    installation = Installation(threads=len(os.sched_getaffinity(0)))
    (scratch / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    with (scratch / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person_number", "booking_number", "image", "taken_on", "offence_code"])
        for person, path in gallery:
            writer.writerow([person, f"B-{person}", path.relative_to(folder), "2025-01-01", "CC 344"])
    enrolled = installation.enrol(scratch / "manifest.csv", scratch / "mapping.toml", folder)
    provisional = installation.services.threshold
    with_threshold = list(search_all(installation, probes, "t"))
    installation.services.threshold = -1.0
    without = list(search_all(installation, probes, "n"))
    return describe(name, len(gallery), enrolled, provisional, with_threshold, without)


def search_all(installation: object, probes: list[tuple[str, Path]], series: str) -> Iterable[Outcome]:
    """Search every probe and yield where its own person came."""
    for index, (person, path) in enumerate(probes):
        found = installation.search(f"{series}-{index}", path.read_bytes())  # type: ignore[attr-defined]
        yield Outcome(person, found.index(person) + 1 if person in found else None, len(found))
        if index % 50 == 49:
            print(f"  {index + 1} / {len(probes)} searched", file=sys.stderr)


def describe(
    name: str, size: int, enrolled: int, threshold: float, with_threshold: list[Outcome], without: list[Outcome]
) -> dict[str, object]:
    """Print the figures for a reader and return them for the JSON line."""
    from custodes.measure.identification import rank_one_miss

    figures: dict[str, object] = {"gallery": size, "enrolled": enrolled, "probes": len(without), "threshold": threshold}
    for label, outcomes in (("with_threshold", with_threshold), ("no_threshold", without)):
        misses = rank_one_miss(ranks=[outcome.rank for outcome in outcomes])
        interval = [round(misses.interval.lower, 4), round(misses.interval.upper, 4)]
        named = sorted(outcome.person for outcome in outcomes if outcome.rank != 1)
        figures[label] = {
            "first": misses.n - misses.count,
            "misses": misses.count,
            "wilson95": interval,
            "missed": named,
        }
        print(
            f"{name}, {label}: {misses.count} of {misses.n} not first, 95 % interval {interval}; {named}",
            file=sys.stderr,
        )
    others = [outcome.listed - (outcome.rank is not None) for outcome in with_threshold]
    figures["others_per_list"] = round(mean(others), 2)
    print(f"{name}: {figures['others_per_list']} other persons per list at the provisional threshold", file=sys.stderr)
    return figures


if __name__ == "__main__":
    main()
