"""What the quality measures cost, and what they are worth: ``make bench-quality``.

* ``quality_overhead``: time of :func:`custodes.engine.measure` over the time of detection and embedding of the same
  pictures in the same run, one core each.  Needs no test data.
* With ``CUSTODES_TEST_DATA``: the photographs of London and Congress are spoilt (:mod:`benchmarks.degrade`), found,
  templated and compared with the unspoilt gallery by the real engine.  Reported: FNIR by fault and level, which the
  advice levels come from; the curves of the summary, fitted to London and every other person of Congress; the
  quality-reject curve of probes with one to three faults, of London and of the rest of Congress, against discarding at
  random and by inter-eye distance alone; and how many unspoilt photographs get advice, by group.  A miss: the person is
  not first to twentieth, or below the pack's provisional threshold.  A probe in which no face is found never becomes a
  search; it is counted apart.

``QUICK=1`` takes a few people of London and few levels; the whole takes about 15 minutes on two cores.  ``--out
FOLDER`` writes the curve and the levels as CSV (BIAS-11).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.degrade import LEVELS, Fault, drawn, spoil

QUICK = os.environ.get("QUICK") == "1"
SETS = {"london": ("expression", "neutral", "smiling"), "congress": ("kind", "portrait", "second")}
PACK = "opencv-zoo"
DRAWS = 4 if QUICK else 12
RANK = 20
FRACTIONS = tuple(step / 20 for step in range(15))
"""Shares that may be discarded, of the curve: 0, 5, ... 70 in a hundred."""
HARMLESS = (Fault("jpeg", 30), Fault("noise", 10), Fault("blur", 0.04))
"""Faults that alone cost nothing measurable, each put on top of a small face."""


@dataclass(frozen=True)
class Search:
    """One spoilt probe and what became of it; ``quality`` and ``score`` None where no face was found."""

    series: str
    person: str
    faults: tuple[Fault, ...]
    quality: Any
    rank: int | None
    score: float | None

    def missed(self, threshold: float) -> bool:
        return self.rank is None or self.rank > RANK or self.score < threshold


class Bench:
    """One set of photographs, its gallery, and the engine."""

    def __init__(self, folder: Path, engine: Any, threshold: float) -> None:
        self.name, self.folder, self.engine, self.threshold = folder.name, folder, engine, threshold
        column, gallery, probes = SETS[folder.name]
        rows = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
        self.gallery = [row for row in rows if row[column] == gallery]
        self.probes = [row for row in rows if row[column] == probes][:: 20 if QUICK else 1]
        self.people = [row["identity"] for row in self.gallery]
        self.qualities: dict[str, Any] = {}
        templates = []
        for row in self.gallery:
            found = self.see(load(folder / row["path"]))
            assert found is not None
            self.qualities[row["path"]] = found[1]
            templates.append(found[2])
        self.templates = np.stack(templates).astype(np.float64)

    def see(self, pixels: Any) -> tuple[Any, Any, Any] | None:
        """Return the largest face, its quality and its template."""
        faces = self.engine.detect(pixels)
        if not faces:
            return None
        quality = self.engine.measure(pixels, faces[0], faces[1:])
        return faces[0], quality, self.engine.embed([(pixels, faces[0])])[0].vector

    def searches(self) -> Iterator[Search]:
        """Yield every probe unspoilt, with every single fault, small and otherwise harmless, and with drawn faults."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for number, found in enumerate(pool.map(self._probe, self.probes), 1):
                yield from found
                if number % 20 == 0:
                    print(f"  {self.name}: {number} / {len(self.probes)}", file=sys.stderr)

    def _probe(self, row: dict[str, str]) -> list[Search]:
        pixels, person = load(self.folder / row["path"]), row["identity"]
        seen = self.see(pixels)
        assert seen is not None
        self.qualities[row["path"]], eyes = seen[1], seen[0].inter_eye_distance
        found = []
        for series, faults in plan(f"{self.name} {person}"):
            spoilt = spoil(pixels, eyes, faults, seed=f"{self.name} {person} {faults}")
            found.append(self.search(series, person, faults, spoilt))
        return found

    def search(self, series: str, person: str, faults: tuple[Fault, ...], pixels: Any) -> Search:
        found = self.see(pixels)
        if found is None:
            return Search(series, person, faults, None, None, None)
        scores = self.templates @ found[2].astype(np.float64)
        own = float(scores[self.people.index(person)])
        return Search(series, person, faults, found[1], int((scores > own).sum()) + 1, own)


def plan(seed: str) -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Yield the series, and the faults, of everything that is done to one probe."""
    yield "none", ()
    for kind, levels in LEVELS.items():
        yield from ((kind, (Fault(kind, level),)) for level in levels[:: 3 if QUICK else 1])
    for other in HARMLESS:
        levels = LEVELS["small"][: 1 if QUICK else 8]
        yield from ((f"small, {other.kind}", (Fault("small", level), other)) for level in levels)
    yield from (("drawn", drawn(f"{seed} {index}")) for index in range(DRAWS))


def load(path: Path) -> Any:
    from custodes.imaging import Limits, decode

    return decode(path.read_bytes(), name=None, limits=Limits(100_000_000, 100_000_000, 60)).pixels


def by_level(searches: Sequence[Search], threshold: float) -> list[dict[str, Any]]:
    """Return FNIR, and the middle native values, of each series at each level; probes without a face apart."""
    from custodes.measure.intervals import wilson
    from custodes.types import Component

    groups: dict[tuple[str, float], list[Search]] = defaultdict(list)
    for search in searches:
        if search.series != "drawn":
            groups[search.series, search.faults[0].level if search.faults else 0].append(search)
    rows = []
    for (series, level), group in groups.items():
        seen = [search for search in group if search.quality is not None]
        misses = sum(search.missed(threshold) for search in seen)
        interval = wilson(misses, len(seen)) if seen else None
        row: dict[str, Any] = {"fault": series, "level": level, "probes": len(group), "searched": len(seen)}
        row |= {"missed": misses, "fnir": round(misses / len(seen), 4) if seen else ""}
        row |= {"lower": round(interval.lower, 4), "upper": round(interval.upper, 4)} if interval else {}
        for component in REPORTED:
            values = [s.quality[Component(component)].native for s in seen]
            values = [value for value in values if value is not None]
            row[component] = f"{median(values):.4g}" if values else ""
        rows.append(row)
    return rows


REPORTED = (
    "InterEyeDistance",
    "Sharpness",
    "CompressionArtifacts",
    "Noise",
    "LuminanceMean",
    "DynamicRange",
    "OverExposurePrevention",
)
FITTED = {
    "InterEyeDistance": 1,
    "Sharpness": -1,
    "CompressionArtifacts": -1,
    "OverExposurePrevention": -1,
    "Noise": -1,
    "DynamicRange": 1,
}
"""Component of the summary → whether larger values are better (1) or worse (-1)."""


def is_held_out(search: Search) -> bool:
    """Return whether this person of Congress tests the summary's curves instead of shaping them: every other one."""
    return hashlib.sha256(search.person.encode()).digest()[0] % 2 == 1


def fit(searches: Sequence[Search], threshold: float, *, steps: int = 4000) -> dict[str, tuple[float, float]]:
    """Return middle and width of every curve of the summary: the product of them that makes what happened likeliest.

    All curves at once, because a probe suffers from several things: by maximum likelihood, with Adam (D. Kingma and
    J. Ba, 2015) over the middles and the logarithms of the widths, values in their standard deviations.
    """
    values, yaws, found = _table(searches, threshold)
    spread, signs = np.nanstd(values, axis=0), np.array(list(FITTED.values()))
    scaled = values / spread
    at = np.concatenate([np.nanmean(scaled, axis=0) - signs, np.full(len(signs), -1.0)])
    first, second = np.zeros_like(at), np.zeros_like(at)
    for step in range(1, steps + 1):
        width = signs * np.exp(at[len(signs) :])
        z = (scaled - at[: len(signs)]) / width
        below = 1 / (1 + np.exp(np.clip(z, -40, 40)))  # what each curve takes away; 0 where nothing was measured
        below = np.where(np.isnan(below), 0, below)
        share = np.clip(np.prod(1 - below, axis=1) * yaws, 1e-6, 1 - 1e-6)
        pull = (found - (1 - found) * share / (1 - share))[:, None] * below
        slope = np.concatenate([(pull / -width).mean(axis=0), np.nan_to_num(pull * -z).mean(axis=0)])
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        at = at + 0.02 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    middles, widths = at[: len(signs)] * spread, signs * np.exp(at[len(signs) :]) * spread
    return {name: (float(m), float(w)) for name, m, w in zip(FITTED, middles, widths, strict=True)}


def _table(searches: Sequence[Search], threshold: float) -> tuple[Any, Any, Any]:
    """Return native values (searches, components), the yaw's share and whether the person was found (searches,)."""
    from custodes.types import Component

    seen = [s for s in searches if s.quality is not None and s.quality.summary is not None]
    values = np.array([[s.quality[Component(name)].native for name in FITTED] for s in seen], np.float64)
    scores = [s.quality[Component.HEAD_POSE_YAW].score for s in seen]
    yaws = np.array([1.0 if score is None else score / 100 for score in scores])
    return values, yaws, np.array([not s.missed(threshold) for s in seen], np.float64)


def curves(searches: Sequence[Search], threshold: float) -> Iterator[dict[str, Any]]:
    """Yield the points of the quality-reject curves of the drawn probes, by the summary and by inter-eye distance."""
    from custodes.measure.quality import mean_fnir, quality_reject
    from custodes.types import Component

    seen = [s for s in searches if s.series == "drawn" and s.quality is not None]
    missed = [s.missed(threshold) for s in seen]
    orders: dict[str, Callable[[Search], float]] = {
        # what could not be summed up is discarded first
        "summary": lambda s: -1 if s.quality.summary is None else s.quality.summary,
        "InterEyeDistance": lambda s: s.quality[Component.INTER_EYE_DISTANCE].native,
    }
    for order, quality in orders.items():
        points = quality_reject(qualities=[quality(s) for s in seen], missed=missed, fractions=FRACTIONS)
        for point in points:
            yield {
                "order": order,
                "fraction": point.fraction,
                "discarded": point.discarded,
                "searched": point.rate.n,
                "missed": point.rate.count,
                "fnir": round(point.rate.value, 4),
                "lower": round(point.rate.interval.lower, 4),
                "upper": round(point.rate.interval.upper, 4),
                "chance": f"{point.chance:.2g}",
                "mean_fnir": round(mean_fnir(points), 4),
            }


def advised(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield how many unspoilt photographs get advice, by sex and by group: none of them is worth a warning."""
    from custodes.engine.quality import advise

    groups: dict[str, list[bool]] = defaultdict(list)
    for row in [*bench.gallery, *bench.probes]:
        told = bool(advise(bench.qualities[row["path"]]))
        for group in ("all", f"sex {row['sex']}", f"group {row['group'] or 'not known'}"):
            groups[group].append(told)
    for group, told in sorted(groups.items()):
        yield {"group": group, "photographs": len(told), "with_advice": sum(told)}


def quality_overhead(*, turns: int = 5) -> float:
    """Return the time of measuring one face over the time of finding and templating it, the median of ``turns``.

    One core each way, every picture in turn.
    """
    engine, pictures = engine_of(PACK), some_pictures()
    ratios = []
    for _ in range(turns + 1):
        spent = [0.0, 0.0]
        for pixels in pictures:
            start = time.perf_counter()
            faces = engine.detect(pixels)
            engine.embed([(pixels, faces[0])])
            middle = time.perf_counter()
            engine.measure(pixels, faces[0], faces[1:])
            spent[0] += middle - start
            spent[1] += time.perf_counter() - middle
        ratios.append(spent[1] / spent[0])
    return median(ratios[1:])  # the first turn loads the networks


def engine_of(pack: str) -> Any:
    """Return the real engine on one core."""
    from custodes.engine import OnnxFaceEngine, find_pack

    models = os.environ.get("CUSTODES_MODELS_DIR") or Path(__file__).parents[1] / ".models"
    return OnnxFaceEngine(find_pack(pack), Path(models))


def some_pictures() -> list[Any]:
    """Return the pictures to time: London's neutral ones where they are, the demonstration's elsewhere."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    here = Path(__file__).parents[1]
    folder = Path(named, "london", "neutral") if named else here / "src/custodes/cli/demo_data/images"
    return [load(path) for path in sorted(folder.glob("*.jpg"))[: 10 if QUICK else 40]]


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for the CSV files")
    out: Path | None = parser.parse_args().out
    from custodes.engine import find_pack

    engine, threshold = engine_of(PACK), find_pack(PACK).threshold.value
    report: dict[str, Any] = {"quality_overhead": round(quality_overhead(), 4)}
    named = os.environ.get("CUSTODES_TEST_DATA")
    tables: dict[str, list[dict[str, Any]]] = {"levels": [], "reject": [], "advised": []}
    shaping: list[Search] = []
    for name in list(SETS)[: 1 if QUICK else 2] if named else ():
        bench = Bench(Path(named, name), engine, threshold)
        searches = list(bench.searches())
        tables["levels"] += [{"set": name, **row} for row in by_level(searches, bench.threshold)]
        shaping += [s for s in searches if name == "london" or not is_held_out(s)]
        judged = [s for s in searches if name == "london" or is_held_out(s)]
        tables["reject"] += [{"set": name, **row} for row in curves(judged, bench.threshold)]
        tables["advised"] += [{"set": name, **row} for row in advised(bench)]
        report[name] = {row["order"]: row["mean_fnir"] for row in tables["reject"] if row["set"] == name}
        report[name]["without_face"] = sum(s.series == "drawn" and s.quality is None for s in searches)
    for component, (middle, width) in fit(shaping, threshold).items() if shaping else ():
        print(f"{component}: middle {middle:.4g}, width {width:.3g}", file=sys.stderr)
    for title, rows in tables.items():
        for row in rows:
            print(title, *row.values(), file=sys.stderr)
        if out is not None and rows:
            write(out / f"quality-{title}.csv", rows)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
