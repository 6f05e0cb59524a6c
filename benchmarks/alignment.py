"""What each way of placing the landmarks is worth, and what it costs: ``make bench-alignment``.

Every photograph of London and Congress is enrolled or searched by every idea of :mod:`benchmarks.alignment_ideas`, with
every pack whose weights are there; probes unspoilt and spoilt in seven ways, as neither set loses enough unspoilt ones
to tell ideas apart.  The gallery is never spoilt, and both sides of a comparison are aligned by the same idea.

For each idea, all probes together and the unspoilt ones alone, with 95 % intervals from resampling *people*, paired for
the difference from plain:

* ``d_prime``: distance between the means of mated and non-mated scores over their pooled standard deviation;
* ``miss``: per cent of probes whose own person is not first (FNIR at rank 1 without a threshold);
* ``fnir_01``, ``fnir_10``: per cent of probes whose person is not first or is below the threshold that .01 or .1 of
  searches without their person exceed; such a search is the probe's own, with its person taken out of the gallery;
* ``placement``: how far the spoilt probe's crop lies from the unspoilt one's, in pixels of the crop, RMS.  Small is not
  good by itself: landmarks that never move would have 0.

``times``: seconds from pixels to template with the idea, over those of plain, on one core in the same run.
``QUICK=1``: a few people of London, one pack.  The whole takes about two hours on two cores; ``--out FOLDER`` keeps the
tables as CSV, ``--sets`` and ``--ideas`` choose.  Weights for research only are run here: this is an evaluation.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benchmarks.alignment_ideas import IDEAS, Close, Idea, as_the_engine, plainly
from benchmarks.degrade import Fault, spoil

QUICK = os.environ.get("QUICK") == "1"
SETS = {"london": ("expression", "neutral", "smiling"), "congress": ("kind", "portrait", "second")}
PACKS = ("opencv-zoo",) if QUICK else ("opencv-zoo", "edgeface-s", "insightface-mbf")
EVERY = 4 if QUICK else 1
"""Every how many-th person is taken."""
RESAMPLED = 100 if QUICK else 1000
CORNERS = np.array([[20.0, 20.0], [92.0, 20.0], [20.0, 100.0], [92.0, 100.0]])
SPOILT: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "16 px": (Fault("small", 16), Fault("jpeg", 70)),
    "12 px": (Fault("small", 12), Fault("jpeg", 80)),
    "10 px": (Fault("small", 10), Fault("jpeg", 40)),
    "8 px": (Fault("small", 8), Fault("jpeg", 60)),
    "blur": (Fault("small", 40), Fault("blur", 0.075), Fault("jpeg", 60)),
    "noise": (Fault("small", 30), Fault("noise", 20), Fault("jpeg", 60)),
    "turned": (Fault("small", 30), Fault("jpeg", 70)),
}
"""What is done to each probe; *px* is the distance between the eyes, *turned* is also turned by 15 to 30 degrees."""
LEFT_OUT = ("8 px",) if QUICK else ()


@dataclass
class Tried:
    """Templates of one set: ``vectors[pack, idea]`` in the order of ``people`` (gallery) or ``probes``."""

    people: list[str] = field(default_factory=list)
    probes: list[tuple[str, str]] = field(default_factory=list)
    gallery: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    searched: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    moved: dict[str, list[float]] = field(default_factory=dict)
    without_face: int = 0


def load(path: Path) -> Any:
    from custodes.imaging import Limits, decode

    return decode(path.read_bytes(), name=None, limits=Limits(100_000_000, 100_000_000, 60)).pixels


def engines() -> dict[str, Any]:
    """Return the engines of the packs whose weights are there, on one core each."""
    from custodes.engine import OnnxFaceEngine, find_pack
    from custodes.errors import ModelPackError

    models, found = os.environ.get("CUSTODES_MODELS_DIR") or Path(__file__).parents[1] / ".models", {}
    for name in PACKS:
        engine = OnnxFaceEngine(find_pack(name), Path(models))
        try:
            engine.load()
        except ModelPackError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            found[name] = engine
    return found


class Bench:
    """One set, and the ideas to try on it."""

    def __init__(self, folder: Path, engines: dict[str, Any], ideas: Sequence[Idea]) -> None:
        from custodes.engine import find_pack

        self.folder, self.engines, self.ideas = folder, engines, ideas
        column, gallery, probes = SETS[folder.name]
        rows = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
        self.people = [row for row in rows if row[column] == gallery][::EVERY]
        known = {row["identity"] for row in self.people}
        self.probes = [row for row in rows if row[column] == probes and row["identity"] in known]
        # all packs have the same detector, fed the same way
        name = next(iter(engines))
        self.preprocessing = plainly(find_pack(name).preprocessing)
        self.real = find_pack(name).preprocessing
        self.network = engines[name]._networks().detector.all

    def close(self, pixels: Any) -> Close | None:
        """Return the largest face as a plain pass places it."""
        from custodes.engine.detect import find_faces

        faces = find_faces(pixels, self.preprocessing.detector, self.network)
        return Close(pixels, faces[0], self.real, self.network) if faces else None

    def templates(self, close: Close) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
        """Return each idea's landmarks, and each pack's vector by them."""
        points = {idea.letter: idea.place(close) for idea in self.ideas}
        vectors = {}
        for idea in self.ideas:
            crop = idea.cut(close, points[idea.letter])
            for pack, engine in self.engines.items():
                vectors[pack, idea.letter] = engine.embed_aligned([crop])[0].vector
        return points, vectors

    def enrolled(self, row: dict[str, str]) -> dict[tuple[str, str], Any]:
        close = self.close(load(self.folder / row["path"]))
        assert close is not None, row["path"]
        return self.templates(close)[1]

    def searched(self, row: dict[str, str]) -> list[tuple[str, dict[str, float], dict[tuple[str, str], Any]] | None]:
        """Return, for each way of spoiling, its name, how far each idea's crop moved, and the vectors."""
        pixels = load(self.folder / row["path"])
        whole = self.close(pixels)
        assert whole is not None, row["path"]
        first: dict[str, Any] = {}
        answers: list[Any] = []
        for name, spoilt in spoils(pixels, whole.face.inter_eye_distance, f"{self.folder.name} {row['identity']}"):
            close = self.close(spoilt)
            if close is None:
                answers.append(None)
                continue
            points, vectors = self.templates(close)
            first = first or points
            ratio = np.array([spoilt.shape[1] / pixels.shape[1], spoilt.shape[0] / pixels.shape[0]])
            moved = {k: self.moved(points[k], (first[k] + 0.5) * ratio - 0.5) for k in points if name != "turned"}
            answers.append((name, moved, vectors))
        return answers

    def moved(self, points: Any, unspoilt: Any) -> float:
        """Return the mean square distance, in the crop, between where two placements put the same corners."""
        from custodes.engine.align import similarity

        target = self.real.alignment.points
        back = cv2.invertAffineTransform(similarity(unspoilt, target))
        matrix = similarity(points, target)
        there = (CORNERS @ back[:, :2].T + back[:, 2]) @ matrix[:, :2].T + matrix[:, 2]
        return float(((there - CORNERS) ** 2).sum(axis=1).mean())

    def run(self) -> Tried:
        tried = Tried(people=[row["identity"] for row in self.people])
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for vectors in pool.map(self.enrolled, self.people):
                for key, vector in vectors.items():
                    tried.gallery.setdefault(key, []).append(vector)
            for number, (row, answers) in enumerate(
                zip(self.probes, pool.map(self.searched, self.probes), strict=True)
            ):
                for answer in answers:
                    if answer is None:
                        tried.without_face += 1
                        continue
                    tried.probes.append((row["identity"], answer[0]))
                    for key, vector in answer[2].items():
                        tried.searched.setdefault(key, []).append(vector)
                    for letter, value in answer[1].items() if answer[0] != "none" else ():
                        tried.moved.setdefault(letter, []).append(value)
                if number % 20 == 19:
                    print(f"  {self.folder.name}: {number + 1} / {len(self.probes)}", file=sys.stderr, flush=True)
        return tried


def spoils(pixels: Any, eyes: float, seed: str) -> Iterator[tuple[str, Any]]:
    """Yield the picture as it is and spoilt in every way of :data:`SPOILT`."""
    for index, (name, faults) in enumerate(SPOILT.items()):
        if name in LEFT_OUT:
            continue
        if name != "turned":
            yield name, spoil(pixels, eyes, faults, seed=f"{seed} {name}")
            continue
        random = np.random.default_rng([index, *seed.encode()])
        angle = float(random.choice([-1, 1]) * random.uniform(15, 30))
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
        turned = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        yield name, spoil(turned, eyes, faults, seed=f"{seed} {name}")


class Scores:
    """Cosines of one pack and idea: of each probe with its own person, with the best other, and their spread."""

    def __init__(self, tried: Tried, key: tuple[str, str], only: str | None) -> None:
        keep = [i for i, (_, name) in enumerate(tried.probes) if only in (None, name)]
        scores = np.array(tried.searched[key], np.float64)[keep] @ np.array(tried.gallery[key], np.float64).T
        own = np.array([[tried.probes[i][0] == person for person in tried.people] for i in keep])
        self.people = np.array([tried.people.index(tried.probes[i][0]) for i in keep])
        self.mated = scores[own]
        others = np.where(own, np.nan, scores)
        self.best = np.nanmax(others, axis=1)
        self.mean, self.variance = np.nanmean(others, axis=1), np.nanvar(others, axis=1)

    def figures(self, weights: Any) -> dict[str, float]:
        """Return the figures with each probe counted ``weights`` times."""
        total = weights.sum()
        mated, other = (weights * self.mated).sum() / total, (weights * self.mean).sum() / total
        spread = (weights * (self.mated - mated) ** 2).sum() / total
        other_spread = (weights * (self.variance + (self.mean - other) ** 2)).sum() / total
        late = self.mated <= self.best
        figures = {"d_prime": (mated - other) / np.sqrt((spread + other_spread) / 2)}
        figures["miss"] = 100 * (weights * late).sum() / total
        order = np.argsort(-self.best)
        exceeded = np.cumsum(weights[order]) / total
        for label, share in (("fnir_01", 0.01), ("fnir_10", 0.1)):
            threshold = self.best[order[np.searchsorted(exceeded, share, side="right")]]
            figures[label] = 100 * (weights * (late | (self.mated <= threshold))).sum() / total
        return {name: float(value) for name, value in figures.items()}


def compare(tried: Tried, pack: str, ideas: Sequence[Idea], only: str | None) -> Iterator[dict[str, Any]]:
    """Yield one row for each idea and figure: value, interval, difference from the first idea, its interval."""
    scores = {idea.letter: Scores(tried, (pack, idea.letter), only) for idea in ideas}
    base = scores[ideas[0].letter]
    random = np.random.default_rng(0)
    count = len(tried.people)
    people = np.unique(base.people)
    draws = [np.bincount(random.choice(people, len(people)), minlength=count)[base.people] for _ in range(RESAMPLED)]
    plain, ones = [base.figures(draw) for draw in draws], np.ones(len(base.people))
    for idea in ideas:
        now, again = scores[idea.letter].figures(ones), [scores[idea.letter].figures(draw) for draw in draws]
        for name, value in now.items():
            spread = np.percentile([figures[name] for figures in again], [2.5, 97.5])
            change = [figures[name] - before[name] for figures, before in zip(again, plain, strict=True)]
            low, high = np.percentile(change, [2.5, 97.5])
            row = {"pack": pack, "probes": only or "all", "count": len(base.people), "idea": idea.letter}
            row |= {"name": idea.name, "figure": name, "value": value, "lower": spread[0], "upper": spread[1]}
            row |= {"change": value - base.figures(ones)[name], "change_lower": low, "change_upper": high}
            yield {key: round(float(v), 4) if isinstance(v, float) else v for key, v in row.items()}


def times(folder: Path, engines: dict[str, Any], ideas: Sequence[Idea], *, turns: int) -> Iterator[dict[str, Any]]:
    """Yield milliseconds of each idea's placing, and pixels to template over plain's, on one core, in turns."""
    bench = Bench(folder, engines, ideas)
    pictures = [load(folder / row["path"]) for row in (bench.people[:8] + bench.probes[:8])]
    closes = [close for close in map(bench.close, pictures) if close is not None]
    spent: dict[str, list[float]] = {}
    for _ in range(turns + 1):
        for close in closes:
            jobs = {"detect": lambda c=close: bench.close(c.pixels), "off": lambda c=close: refine_off(bench, c)}
            jobs |= {f"idea {idea.letter}": lambda c=close, i=idea: i.place(c) for idea in ideas}
            crop = as_the_engine(close, close.plain)
            jobs |= {f"cut {idea.letter}": lambda c=close, i=idea: i.cut(c, c.plain) for idea in ideas}
            jobs |= {name: lambda e=engine, c=crop: e.embed_aligned([c]) for name, engine in engines.items()}
            for job, work in jobs.items():
                start = time.perf_counter()
                work()
                spent.setdefault(job, []).append(1000 * (time.perf_counter() - start))
    skip = len(closes)  # the first turn warms up
    of = {job: sum(median(values[skip + i :: skip]) for i in range(skip)) / skip for job, values in spent.items()}
    found = of["detect"] - of["off"]
    for name in engines:
        plain = found + of[f"cut {ideas[0].letter}"] + of[name]
        for idea in ideas:
            extra = of[f"idea {idea.letter}"] - of[f"idea {ideas[0].letter}"]
            ratio = (found + extra + of[f"cut {idea.letter}"] + of[name]) / plain
            row = {"set": folder.name, "pack": name, "idea": idea.letter, "name": idea.name}
            yield row | {"ms": round(extra, 2), "plain_ms": round(plain, 2), "ratio": round(ratio, 3)}


def refine_off(bench: Bench, close: Close) -> Any:
    """Make the two looks that the plain detector makes in vain, so that they can be taken off its time."""
    from custodes.engine.landmarks import refine

    return refine(close.pixels, close.face, bench.preprocessing.detector, close.network)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for the CSV files")
    parser.add_argument("--sets", nargs="+", default=list(SETS)[: 1 if QUICK else 2], choices=list(SETS))
    parser.add_argument(
        "--ideas", nargs="+", default=["a", "b", "g2"] if QUICK else None, choices=[idea.letter for idea in IDEAS]
    )
    parser.add_argument("--only-times", action="store_true", help="measure no accuracy")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    named = os.environ.get("CUSTODES_TEST_DATA")
    if not named:
        sys.exit("CUSTODES_TEST_DATA names no folder of test photographs")
    ideas = [idea for idea in IDEAS if chosen.ideas is None or idea.letter in chosen.ideas]
    assert ideas[0] is IDEAS[0], "every idea is compared with a"
    ready, report = engines(), {}
    for name in chosen.sets:
        folder = Path(named, name)
        costs = list(times(folder, ready, ideas, turns=2 if QUICK else 7))
        rows: list[dict[str, Any]] = []
        report[name] = {"times": {f"{row['pack']} {row['idea']}": row["ratio"] for row in costs}}
        if not chosen.only_times:
            tried = Bench(folder, ready, ideas).run()
            for pack in ready:
                rows += [row for only in (None, "none") for row in compare(tried, pack, ideas, only)]
            placed = {letter: round(float(np.sqrt(np.mean(moved))), 2) for letter, moved in tried.moved.items()}
            report[name] |= {"without_face": tried.without_face, "placement": placed} | summary(rows)
        for title, table in (("times", costs), ("figures", rows)):
            for row in table:
                print(name, *row.values(), file=sys.stderr)
            if chosen.out is not None and table:
                write(chosen.out / f"alignment-{name}-{title}.csv", table)
    print(json.dumps(report))


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return FNIR at FPIR .1 over all probes: value, change and the change's interval, by pack and idea."""
    wanted = ("value", "change", "change_lower", "change_upper")
    chosen = [row for row in rows if row["probes"] == "all" and row["figure"] == "fnir_10"]
    return {"fnir_10": {f"{row['pack']} {row['idea']}": [row[key] for key in wanted] for row in chosen}}


if __name__ == "__main__":
    main()
