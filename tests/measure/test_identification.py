"""A toy data set small enough to count on one's fingers (BIAS-01)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from custodes.errors import InputError
from custodes.measure.identification import MatedSearch, NonMatedSearch, cmc, fnir, fpir, rank_one_miss
from custodes.measure.intervals import wilson

# Ten mated searches: six mates first, two second, one fifth, one not returned (no template from the probe).
MATED = [
    MatedSearch(1, 0.90),
    MatedSearch(1, 0.80),
    MatedSearch(1, 0.70),
    MatedSearch(1, 0.60),
    MatedSearch(1, 0.50),
    MatedSearch(1, 0.30),
    MatedSearch(2, 0.55),
    MatedSearch(2, 0.35),
    MatedSearch(5, 0.20),
    MatedSearch(None, None),
]
RANKS = [search.rank for search in MATED]
# Eight non-mated searches, one of them without any candidate.
NON_MATED = [NonMatedSearch(score) for score in (0.10, 0.20, 0.30, 0.40, 0.40, 0.45, 0.60, None)]


@pytest.mark.parametrize(
    ("rank", "threshold", "missed"),
    [
        (1, None, 4),
        (2, None, 2),
        (4, None, 2),
        (5, None, 1),
        (50, None, 1),
        (1, 0.5, 5),
        (50, 0.5, 4),
        (50, 0.55, 5),
        (2, 0.9, 9),
        (2, 0.91, 10),
    ],
)
def test_fnir_counts_mates_outside_the_rank_or_below_the_threshold(
    rank: int, threshold: float | None, missed: int
) -> None:
    found = fnir(searches=MATED, gallery_size=500, rank=rank, threshold=threshold)
    assert (found.rate.count, found.rate.n, found.rate.value) == (missed, 10, missed / 10)
    assert (found.gallery_size, found.rank, found.threshold) == (500, rank, threshold)
    assert found.rate.interval == wilson(missed, 10)


@pytest.mark.parametrize(("threshold", "false"), [(0.0, 7), (0.1, 7), (0.4, 4), (0.41, 2), (0.6, 1), (0.61, 0)])
def test_fpir_counts_searches_with_any_candidate_at_or_above_the_threshold(threshold: float, false: int) -> None:
    found = fpir(searches=NON_MATED, gallery_size=500, threshold=threshold)
    assert (found.rate.count, found.rate.n, found.rate.value) == (false, 8, false / 8)
    assert found.rate.interval == wilson(false, 8)


def test_cmc_is_one_minus_fnir_without_threshold() -> None:
    curve = cmc(ranks=RANKS, upto=6)
    assert [rate.count for rate in curve] == [6, 8, 8, 8, 9, 9]
    for rank, rate in enumerate(curve, start=1):
        missed = fnir(searches=MATED, gallery_size=500, rank=rank, threshold=None).rate
        assert rate.count + missed.count == rate.n == 10


def test_rank_one_miss_is_fnir_at_rank_one() -> None:
    miss = rank_one_miss(ranks=RANKS)
    assert miss == fnir(searches=MATED, gallery_size=500, rank=1, threshold=None).rate
    assert (miss.count, miss.value) == (4, 0.4)
    # (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with p = 0.4, n = 10, z² = 3.8415
    assert (round(miss.interval.lower, 4), round(miss.interval.upper, 4)) == (0.1682, 0.6873)


def test_confidence_reaches_the_interval() -> None:
    assert rank_one_miss(ranks=RANKS, confidence=0.9).interval == wilson(4, 10, 0.9)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: fnir(searches=[], gallery_size=1, rank=1, threshold=None),
        lambda: fpir(searches=[], gallery_size=1, threshold=0.5),
        lambda: cmc(ranks=[], upto=1),
        lambda: rank_one_miss(ranks=[]),
    ],
)
def test_a_rate_over_no_searches_is_unknown_not_zero(measure: Any) -> None:
    with pytest.raises(InputError) as caught:
        measure()
    assert caught.value.code == "measure.no-trials"


@pytest.mark.parametrize(
    "measure",
    [
        lambda: fnir(searches=MATED, gallery_size=1, rank=0, threshold=None),
        lambda: fnir(searches=[MatedSearch(0, 0.5)], gallery_size=1, rank=1, threshold=None),
        lambda: cmc(ranks=RANKS, upto=0),
        lambda: rank_one_miss(ranks=[1, 0]),
    ],
)
def test_ranks_that_do_not_count_from_one_are_refused(measure: Any) -> None:
    with pytest.raises(InputError) as caught:
        measure()
    assert caught.value.code == "measure.rank"


def test_results_cannot_be_altered() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        rank_one_miss(ranks=RANKS).value = 0.0  # type: ignore[misc]


def test_arguments_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        rank_one_miss(RANKS)  # type: ignore[misc]
