"""The quality-reject curve: golden values worked out by hand, and what cannot be asked of it (BIAS-11)."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.errors import InputError
from custodes.measure.quality import mean_fnir, quality_reject, rank_correlation

TEN = {
    "qualities": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "missed": [True, True, False, True, False, False, False, False, False, True],
}


def rates(qualities: list[float], missed: list[bool], fractions: list[float]) -> list[tuple[int, int, int]]:
    points = quality_reject(qualities=qualities, missed=missed, fractions=fractions)
    return [(p.discarded, p.rate.count, p.rate.n) for p in points]


def test_ten_searches_by_hand() -> None:
    assert rates(**TEN, fractions=[0, 0.1, 0.2, 0.3, 0.4, 0.9]) == [
        (0, 4, 10),
        (1, 3, 9),
        (2, 2, 8),
        (3, 2, 7),
        (4, 1, 6),
        (9, 1, 1),
    ]


def test_the_interval_is_wilsons() -> None:
    point = quality_reject(**TEN, fractions=[0.2])[0]
    # 2 of 8, z = 1.959964: (0.490091 ± 0.384288) / 1.480182
    assert point.rate.interval.lower == pytest.approx(0.071480, abs=1e-5)
    assert point.rate.interval.upper == pytest.approx(0.590724, abs=1e-5)


def test_chance_is_hypergeometric() -> None:
    two, four = quality_reject(**TEN, fractions=[0.2, 0.4])
    # both drawn of ten are among the four misses: 4/10 * 3/9
    assert two.chance == pytest.approx(12 / 90)
    # at least three misses among four drawn: (C(4,3) C(6,1) + C(4,4)) / C(10,4) = 25 / 210
    assert four.chance == pytest.approx(25 / 210)


def test_nothing_discarded_is_no_news() -> None:
    assert quality_reject(**TEN, fractions=[0])[0].chance == 1


def test_equal_qualities_go_together_or_not_at_all() -> None:
    qualities, missed = [5.0] * 4 + [9.0] * 6, [True, False, False, False] + [False] * 6
    assert rates(qualities, missed, [0.1, 0.39, 0.4]) == [(0, 1, 10), (0, 1, 10), (4, 0, 6)]


def test_a_quality_that_is_the_same_for_all_discards_nothing() -> None:
    assert rates([7.0] * 5, [True] * 5, [0, 0.9]) == [(0, 5, 5), (0, 5, 5)]


def test_the_order_of_the_searches_does_not_matter() -> None:
    pairs = list(zip(TEN["qualities"], TEN["missed"], strict=True))
    qualities, missed = zip(*pairs[::-1], strict=True)
    mixed = quality_reject(qualities=qualities, missed=missed, fractions=[0.2, 0.5])
    assert mixed == quality_reject(**TEN, fractions=[0.2, 0.5])


def test_mean_fnir_is_the_area_under_the_steps() -> None:
    points = quality_reject(**TEN, fractions=[0, 0.1, 0.2, 0.4])
    # 4/10 for 0.1, 3/9 for 0.1, 2/8 for 0.2
    assert mean_fnir(points) == pytest.approx((0.4 * 0.1 + 3 / 9 * 0.1 + 0.25 * 0.2) / 0.4)


def test_one_point_is_no_curve() -> None:
    with pytest.raises(InputError) as caught:
        mean_fnir(quality_reject(**TEN, fractions=[0]))
    assert caught.value.code == "measure.no-trials"


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60))
def test_discarding_only_ever_takes_away(searches: list[tuple[int, bool]]) -> None:
    points = quality_reject(
        qualities=[q for q, _ in searches], missed=[m for _, m in searches], fractions=[0, 0.2, 0.5, 0.8]
    )
    for before, after in pairwise(points):
        assert after.rate.n <= before.rate.n
        assert after.rate.count <= before.rate.count
        assert 0 <= after.chance <= 1
    assert all(point.discarded <= point.fraction * len(searches) + 1e-6 for point in points)


@pytest.mark.parametrize(
    ("qualities", "missed", "fractions", "code"),
    [
        ([], [], [0], "measure.no-trials"),
        ([1, 2], [True], [0], "measure.qualities"),
        ([1, math.nan], [True, False], [0], "measure.qualities"),
        ([1], [True], [1], "measure.fraction"),
        ([1], [True], [-0.1], "measure.fraction"),
        ([1], [True], [0.5, 0.2], "measure.fraction"),
        ([1], [True], [math.nan], "measure.fraction"),
    ],
)
def test_bad_input(qualities: list[float], missed: list[bool], fractions: list[float], code: str) -> None:
    with pytest.raises(InputError) as caught:
        quality_reject(qualities=qualities, missed=missed, fractions=fractions)
    assert caught.value.code == code


def test_rank_correlation_by_hand() -> None:
    # ranks 0 1 2 3 4 and 1 0 2 4 3: 1 - 6 * (1 + 1 + 0 + 1 + 1) / (5 * 24)
    assert rank_correlation([10, 20, 30, 40, 50], [2, 1, 3, 5, 4]) == pytest.approx(0.8)


def test_equal_values_share_their_rank() -> None:
    # ranks 0.5 0.5 2 3 and 0 1 2 3: 4.5 / sqrt(4.5 * 5)
    assert rank_correlation([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


def test_only_the_order_counts() -> None:
    assert rank_correlation([1, 2, 3], [1, 100, 10000]) == 1
    assert rank_correlation([1, 2, 3], [-1, -100, -10000]) == -1


@pytest.mark.parametrize(("xs", "ys"), [([], []), ([1, 2], [1, 2]), ([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [0, 0, 0])])
def test_where_no_correlation_is_defined_there_is_none(xs: list[float], ys: list[float]) -> None:
    assert rank_correlation(xs, ys) is None


@pytest.mark.parametrize(("xs", "ys"), [([1, 2, 3], [1, 2]), ([1, 2, math.nan], [1, 2, 3])])
def test_values_without_a_partner_have_no_correlation(xs: list[float], ys: list[float]) -> None:
    with pytest.raises(InputError) as caught:
        rank_correlation(xs, ys)
    assert caught.value.code == "measure.qualities"
