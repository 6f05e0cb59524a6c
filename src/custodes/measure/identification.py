"""One-to-many error rates, defined as NIST does (BIAS-01).

Source: P. Grother, M. Ngan, K. Hanaoka, "Face Recognition Vendor Test (FRVT) Part 2: Identification", NISTIR 8271
(2019), and its successor reports, FRTE 1:N.  *N* is the number of subjects in the gallery, *R* the length of the
candidate list, *T* the threshold.  A probe from which no template could be made, and a search that failed, count as
searches: as misses when mated (``rank=None``), as no candidate when non-mated (``best_score=None``).

It measures searches that were run elsewhere; by-group results, DET and calibration are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.measure.intervals import Interval, wilson
from custodes.text import N_


@dataclass(frozen=True, slots=True)
class MatedSearch:
    """A search for someone who is in the gallery.

    ``rank`` (from 1) and ``score`` are those of the enrolled mate; both ``None`` if it was not returned at all.
    """

    rank: int | None
    score: float | None


@dataclass(frozen=True, slots=True)
class NonMatedSearch:
    """A search for someone who is not in the gallery; ``best_score`` of the first candidate, ``None`` without one."""

    best_score: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` events in ``n`` searches: the proportion ``value``, with Wilson's ``interval``."""

    count: int
    n: int
    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Fnir:
    """FNIR(N, R, T); ``threshold`` ``None`` means that none was applied (NIST's T = 0, investigation mode)."""

    gallery_size: int
    rank: int
    threshold: float | None
    rate: Rate


@dataclass(frozen=True, slots=True)
class Fpir:
    """FPIR(N, T)."""

    gallery_size: int
    threshold: float
    rate: Rate


def fnir(
    *,
    searches: Sequence[MatedSearch],
    gallery_size: int,
    rank: int,
    threshold: float | None,
    confidence: float = 0.95,
) -> Fnir:
    """Return the false negative identification rate.

    FNIR(N, R, T) is the proportion of mated searches for which the enrolled mate is not among the first ``R``
    candidates, or scores below ``T``.

    Raises:
        InputError: ``measure.no-trials``, ``measure.rank`` or ``measure.confidence``.
    """
    _check_ranks([rank])
    _check_ranks([search.rank for search in searches])
    missed = sum(not _found(search, rank, threshold) for search in searches)
    return Fnir(gallery_size, rank, threshold, _rate(missed, len(searches), confidence))


def fpir(*, searches: Sequence[NonMatedSearch], gallery_size: int, threshold: float, confidence: float = 0.95) -> Fpir:
    """Return the false positive identification rate.

    FPIR(N, T) is the proportion of non-mated searches that return one or more candidates at or above ``T``.

    Raises:
        InputError: ``measure.no-trials`` or ``measure.confidence``.
    """
    false = sum(search.best_score is not None and search.best_score >= threshold for search in searches)
    return Fpir(gallery_size, threshold, _rate(false, len(searches), confidence))


def cmc(*, ranks: Sequence[int | None], upto: int, confidence: float = 0.95) -> tuple[Rate, ...]:
    """Return the CMC, found searches by rank: element ``R - 1`` is ``1 - FNIR(N, R, 0)``, for ``R`` in 1..``upto``.

    ``ranks``: for every mated search the mate's rank from 1, ``None`` if it was not returned.

    Raises:
        InputError: ``measure.no-trials``, ``measure.rank`` or ``measure.confidence``.
    """
    _check_ranks([upto, *ranks])
    found = [sum(rank is not None and rank <= r for rank in ranks) for r in range(1, upto + 1)]
    return tuple(_rate(count, len(ranks), confidence) for count in found)


def rank_one_miss(*, ranks: Sequence[int | None], confidence: float = 0.95) -> Rate:
    """Return FNIR(N, 1, 0): the proportion of mated searches whose mate did not come first.

    Raises:
        InputError: as :func:`cmc`.
    """
    _check_ranks(ranks)
    return _rate(sum(rank != 1 for rank in ranks), len(ranks), confidence)


def _found(search: MatedSearch, rank: int, threshold: float | None) -> bool:
    if search.rank is None or search.rank > rank:
        return False
    return threshold is None or (search.score is not None and search.score >= threshold)


def _rate(count: int, n: int, confidence: float) -> Rate:
    interval = wilson(count, n, confidence)
    return Rate(count=count, n=n, value=count / n, interval=interval)


def _check_ranks(ranks: Sequence[int | None]) -> None:
    if any(rank is not None and rank < 1 for rank in ranks):
        raise InputError("measure.rank", N_("Ranks and the length of a candidate list count from 1."))
