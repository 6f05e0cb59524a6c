"""A gallery of any size with the directions that real templates have: photographs through the default model pack.

There are a thousand photographs and not a million, so a row is the template of a real person, chosen by chance, plus
the difference between two real templates of another person, by a factor between -1 and 1.  Such rows are as unevenly
spread over their dimensions as real ones, which is what matters to a bound; they say nothing about accuracy.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SETS = ("london", "congress")

Matrix = npt.NDArray[np.float32]


def gallery(rows: int, probes: int) -> tuple[Matrix, Matrix] | None:
    """Return templates ``(rows, 128)`` and ``(probes, 128)`` of other photographs; None without CUSTODES_TEST_DATA."""
    named = os.environ.get("CUSTODES_TEST_DATA")
    if not named:
        return None
    people = [each for name in SETS for each in _people(Path(named) / name)]
    random = np.random.default_rng(20261124)
    real = np.concatenate(people)
    moves = np.concatenate([(each[:1] - each[1:]) for each in people if len(each) > 1])
    found = np.empty((rows + probes, real.shape[1]), np.float32)
    for start in range(0, len(found), 50_000):
        part = found[start : start + 50_000]
        factors = random.uniform(-1, 1, (len(part), 1)).astype(np.float32)
        part[:] = real[random.integers(0, len(real), len(part))]
        part += factors * moves[random.integers(0, len(moves), len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return found[:rows], found[rows:]


def _people(folder: Path) -> Iterator[Matrix]:
    """Yield ``(photographs, 128)`` for each person of a set."""
    from custodes.engine import OnnxFaceEngine, find_pack
    from custodes.imaging import Limits, decode

    engine = OnnxFaceEngine(
        find_pack("opencv-zoo"), Path(os.environ.get("CUSTODES_MODELS_DIR") or Path(__file__).parents[1] / ".models")
    )
    engine.load()

    def template(row: dict[str, str]) -> tuple[str, Any]:
        data = (folder / row["path"]).read_bytes()
        pixels = decode(data, name=None, limits=Limits(100_000_000, 100_000_000, 60)).pixels
        faces = engine.detect(pixels)
        return row["identity"], engine.embed([(pixels, faces[0])])[0].vector if faces else None

    found = defaultdict(list)
    with (folder / "index.csv").open(encoding="utf-8") as index, ThreadPoolExecutor(2) as pool:
        for identity, vector in pool.map(template, csv.DictReader(index)):
            if vector is not None:
                found[identity].append(vector)
    yield from (np.stack(vectors) for vectors in found.values())
