"""The bound holds for every pair of vectors, also for those that nobody would ever enrol."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ranking import bound, reference

Matrix = npt.NDArray[np.float32]
KINDS = ("spread", "spiky", "denormal", "one_hot", "flat", "nearly")


def unit(rows: npt.NDArray[np.floating]) -> Matrix:
    wide = rows.astype(np.float64)
    return (wide / np.linalg.norm(wide, axis=-1, keepdims=True)).astype(np.float32)


def one_hot(dimension: int, at: int, sign: float = 1.0) -> Matrix:
    found = np.zeros(dimension, np.float32)
    found[at] = sign
    return found


@st.composite
def vectors(draw: st.DrawFn) -> tuple[Matrix, Matrix]:
    """Rows and a probe of one dimension: spread, spiky, with denormal numbers, equal, opposite, hardly unit."""
    dimension = draw(st.sampled_from([1, 2, 3, 16, 17, 127, 128, 129, 512, 516, 517, 600]))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
    made = []
    for kind in kinds:
        row = random.standard_normal(dimension)
        if kind == "spiky":
            row = row**9
        elif kind == "flat":
            row = np.sign(row)
        elif kind == "one_hot":
            row = one_hot(dimension, int(random.integers(dimension)), float(random.choice([-1, 1]))).astype(np.float64)
        elif kind == "denormal":
            row[1:] = random.choice([1e-45, -3e-44, 1e-38, 0.0], dimension - 1)
        row = unit(row[None])[0]
        if kind == "nearly":
            row = (row * np.float32(1 + random.choice([-4e-5, 4e-5]))).astype(np.float32)
        made.append(row)
    rows = np.stack(made)
    probe = draw(st.sampled_from(["own", "first", "opposite"]))
    if probe == "own":
        return rows, unit(random.standard_normal(dimension)[None])[0]
    return rows, rows[0] if probe == "first" else -rows[0]


def estimated(rows: Matrix, probe: Matrix) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The estimate and its bound as a kernel computes them."""
    codes, scales, residuals, norms = bound.quantise(rows)
    turned = bound.quantise_probe(probe)
    totals = codes.astype(np.int64) @ turned.codes.astype(np.int64)
    assert np.abs(totals).max() < 2**31
    estimates = scales.astype(np.float64) * turned.scale * totals.astype(np.float64)
    return estimates, norms.astype(np.float64) * turned.rest + residuals.astype(np.float64) * turned.reach + bound.SLACK


@settings(max_examples=400)
@given(vectors())
def test_no_score_is_farther_from_its_estimate_than_the_bound(drawn: tuple[Matrix, Matrix]) -> None:
    rows, probe = drawn
    estimates, bounds = estimated(rows, probe)
    scores = reference.scores(np.ascontiguousarray(rows.T), probe)
    assert np.all(np.abs(scores - estimates) <= bounds)


@settings(max_examples=60)
@given(vectors())
def test_the_factors_are_no_smaller_than_the_exact_lengths(drawn: tuple[Matrix, Matrix]) -> None:
    rows, _ = drawn
    codes, scales, residuals, norms = bound.quantise(rows)
    for row in range(len(rows)):
        kept = [Fraction(float(scales[row])) * int(code) for code in codes[row]]
        rest = [Fraction(float(x)) - y for x, y in zip(rows[row].tolist(), kept, strict=True)]
        assert Fraction(float(residuals[row])) ** 2 >= sum(x * x for x in rest)
        assert Fraction(float(norms[row])) ** 2 >= sum(x * x for x in kept)


def test_the_bound_is_useful_it_is_a_hundredth_at_512_dimensions() -> None:
    random = np.random.default_rng(5)
    rows = unit(random.standard_normal((64, 512)))
    _, bounds = estimated(rows, rows[0])
    assert bounds.max() < 0.02


@pytest.mark.parametrize("dimension", [1, 128, 512, 516, 517, 4096])
def test_no_inner_product_of_codes_leaves_32_bits(dimension: int) -> None:
    assert bound.most(dimension) * 127 * dimension < 2**31
    assert bound.most(dimension) == 32_767 or dimension > 516


def test_codes_and_scales_are_the_same_whatever_lies_beside_them() -> None:
    rows = unit(np.random.default_rng(8).standard_normal((5_000, 32)))
    together = bound.quantise(rows)
    alone = [bound.quantise(rows[n : n + 1]) for n in range(0, 5_000, 97)]
    for at, one in zip(range(0, 5_000, 97), alone, strict=True):
        assert np.array_equal(together[0][at], one[0][0])
        assert together[1][at] == one[1][0]


def test_a_row_of_zeros_has_codes_and_a_bound_of_nothing() -> None:
    codes, scales, residuals, norms = bound.quantise(np.zeros((1, 8), np.float32))
    assert not codes.any()
    assert scales[0] == residuals[0] == norms[0] == 0.0
    assert bound.quantise_probe(np.zeros(8, np.float32)).reach == 0.0


def test_dimensions_for_which_the_bound_is_not_derived_are_refused() -> None:
    with pytest.raises(ValueError, match="4097"):
        bound.quantise(np.zeros((1, 4_097), np.float32))


def test_the_slack_covers_what_the_text_says_it_covers() -> None:
    assert bound.MAX_DIMENSION * 2.0**-53 * 1.0003 + 5 * 4 * 2.0**-53 < bound.SLACK
    assert math.log2(bound.SLACK) == -36
