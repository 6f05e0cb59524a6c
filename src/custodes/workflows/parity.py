"""Our quality measures beside those of OFIQ, over a folder of pictures (STD-03).

Nobody's deed: no record, no case and no log is touched, nothing is kept, and no face is compared with another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from custodes.config import Config
from custodes.engine import FaceEngine
from custodes.engine.quality.ofiq import Readings, pictures_of, run_ofiq
from custodes.errors import CustodesError
from custodes.imaging import Decoder, Limits
from custodes.measure.quality import rank_correlation
from custodes.types import Component, Quality


@dataclass(frozen=True, slots=True)
class Parity:
    """One component over the pictures that both sides assessed: ``pictures`` of them.

    ``difference``: mean of our score less OFIQ's, -100..100; ``distance``: mean of its absolute value.
    ``correlation``: Spearman's of the scores, None where it is not defined.
    """

    component: Component
    pictures: int
    difference: float
    distance: float
    correlation: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both sides said of every picture, by file name, and how far they agree.

    ``unread``: pictures that we could not decode or found no face in.
    """

    ours: Mapping[str, Quality]
    theirs: Mapping[str, Readings]
    unread: tuple[str, ...]
    parities: tuple[Parity, ...]


def compare_with_ofiq(config: Config, engine: FaceEngine, decoder: Decoder, folder: Path) -> Comparison:
    """Measure every picture in ``folder`` by OFIQ and by ourselves.

    Raises:
        InputError, SetupError: as :func:`custodes.engine.quality.ofiq.run_ofiq`.
    """
    pictures = pictures_of(folder)
    theirs = run_ofiq(config.ofiq_program, config.ofiq_config, folder)
    found = {path.name: _measure(path, config, engine, decoder) for path in pictures}
    ours = {name: quality for name, quality in found.items() if quality is not None}
    unread = tuple(name for name, quality in found.items() if quality is None)
    return Comparison(ours, theirs, unread, tuple(parities(ours, theirs)))


def parities(ours: Mapping[str, Quality], theirs: Mapping[str, Readings]) -> Iterator[Parity]:
    """Yield how far both sides agree on every component of the standard that both have assessed at all."""
    for component in Component:
        pairs = list(_pairs(component, ours, theirs))
        if pairs:
            yield _parity(component, pairs)


def _parity(component: Component, pairs: Sequence[tuple[float, float]]) -> Parity:
    mine, others = [mine for mine, _ in pairs], [other for _, other in pairs]
    return Parity(
        component,
        len(pairs),
        fmean(mine) - fmean(others),
        fmean(abs(own - other) for own, other in pairs),
        rank_correlation(mine, others),
    )


def _pairs(
    component: Component, ours: Mapping[str, Quality], theirs: Mapping[str, Readings]
) -> Iterator[tuple[float, float]]:
    for name, quality in ours.items():
        own, reading = quality[component].score, theirs.get(name, {}).get(component)
        if own is not None and reading is not None and reading.score is not None:
            yield own, reading.score


def _measure(path: Path, config: Config, engine: FaceEngine, decoder: Decoder) -> Quality | None:
    """Return the quality of the largest face, as OFIQ takes the largest; None without a picture or a face."""
    try:
        with path.open("rb") as file:
            data = file.read(config.max_image_bytes + 1)
        pixels = decoder.decode(data, name=path.name, limits=Limits.from_config(config)).pixels
    except (CustodesError, OSError):
        return None
    faces = engine.detect(pixels)
    return engine.measure(pixels, faces[0], faces[1:]) if faces else None
