"""Wilson's interval against published and hand-computed values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.errors import InputError
from custodes.measure.intervals import wilson


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score, no continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals_are_reproduced(successes: int, trials: int, lower: float, upper: float) -> None:
    interval = wilson(successes, trials)
    assert round(interval.lower, 4) == lower
    assert round(interval.upper, 4) == upper
    assert interval.confidence == 0.95


def test_at_zero_successes_the_upper_bound_is_z_squared_over_n_plus_z_squared() -> None:
    z_squared = 1.959963984540054**2
    interval = wilson(0, 100)
    assert interval.lower == 0.0
    assert interval.upper == pytest.approx(z_squared / (100 + z_squared), abs=1e-12)


def test_at_all_successes_the_interval_mirrors_that_of_none() -> None:
    assert wilson(100, 100).upper == 1.0
    assert wilson(100, 100).lower == pytest.approx(1 - wilson(0, 100).upper, abs=1e-12)


def test_more_confidence_is_wider() -> None:
    assert wilson(5, 50, 0.99).lower < wilson(5, 50).lower < wilson(5, 50).upper < wilson(5, 50, 0.99).upper


@given(trials=st.integers(1, 10**9), share=st.floats(0, 1))
def test_the_interval_holds_the_proportion_and_stays_within_0_and_1(trials: int, share: float) -> None:
    successes = min(trials, int(share * trials))
    interval = wilson(successes, trials)
    assert 0.0 <= interval.lower <= successes / trials <= interval.upper <= 1.0
    assert interval.lower < interval.upper


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((0, 0), "measure.no-trials"),
        ((0, -5), "measure.no-trials"),
        ((-1, 5), "measure.count"),
        ((6, 5), "measure.count"),
        ((1, 5, 0.0), "measure.confidence"),
        ((1, 5, 1.0), "measure.confidence"),
        ((1, 5, float("nan")), "measure.confidence"),
    ],
)
def test_what_is_no_proportion_is_refused(arguments: tuple[int, int], code: str) -> None:
    with pytest.raises(InputError) as caught:
        wilson(*arguments)
    assert caught.value.code == code
