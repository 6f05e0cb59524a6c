"""The sketch's bound holds for every pair of vectors, and what is kept of a row is the same on every machine."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from tests.ranking.test_bound import Matrix, unit, vectors

from custodes.ranking import bound, reference, sketch


def levels(words: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """``(n, D)``: the numbers from 0 to 15 that the words hold, in the order of a probe's codes."""
    return np.concatenate([(words >> (4 * quarter)) & 15 for quarter in range(4)], axis=1).astype(np.int64)


def estimated(rows: Matrix, probe: Matrix) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The estimate and its bound as a kernel computes them."""
    words, rests = sketch.sketch(rows)
    turned = sketch.sketch_probe(probe)
    totals = levels(words) @ turned.codes.astype(np.int64)
    assert np.abs(totals).max() < 2**31
    of_product, of_rest, of_neither = turned.factors
    bounds = np.array([turned.bound(rest) for rest in rests.tolist()])
    uppers = of_product * totals.astype(np.float64) + (rests.astype(np.float64) * of_rest + of_neither)
    return uppers - bounds, bounds


@settings(max_examples=400)
@given(vectors())
def test_no_score_is_farther_from_its_estimate_than_the_bound(drawn: tuple[Matrix, Matrix]) -> None:
    rows, probe = drawn
    estimates, bounds = estimated(rows, probe)
    scores = reference.scores(np.ascontiguousarray(rows.T), probe)
    assert np.all(np.abs(scores - estimates) <= bounds)


@settings(max_examples=60)
@given(vectors())
def test_the_rest_is_no_smaller_than_its_exact_length(drawn: tuple[Matrix, Matrix]) -> None:
    """Against the transform in rational numbers but for its last factor: D times the square has none."""
    rows, _ = drawn
    words, rests = sketch.sketch(rows)
    wide = sketch.width(rows.shape[1])
    half = Fraction(float(np.float32(0.335 / 2.0 / wide**0.5)))
    signs = sketch._signs(wide).astype(int).tolist()
    for row in range(min(len(rows), 2)):
        exact = [Fraction(x) * sign for x, sign in zip(rows[row].tolist(), signs, strict=False)]
        exact += [Fraction(0)] * (wide - len(exact))
        step = 1
        while step < wide:
            for start in range(0, wide, 2 * step):
                for at in range(start, start + step):
                    one, other = exact[at], exact[at + step]
                    exact[at], exact[at + step] = one + other, one - other
            step *= 2
        # √D is bounded from both sides, so that no square root is trusted
        root = Fraction(wide**0.5)
        low, high = root * (1 - Fraction(1, 2**50)), root * (1 + Fraction(1, 2**50))
        kept = [half * (2 * int(level) - 15) for level in levels(words[row : row + 1])[0]]
        least = sum(min(abs(y / low - v), abs(y / high - v)) ** 2 for y, v in zip(exact, kept, strict=True))
        assert (Fraction(float(rests[row])) * (1 + Fraction(1, 2**40))) ** 2 >= least


def test_the_bound_is_useful_it_is_a_tenth_whatever_the_vectors_are_like() -> None:
    random = np.random.default_rng(5)
    for spread in (0.0, 0.35, 1.0):
        spectrum = np.arange(1, 513) ** -spread
        rows = unit(random.standard_normal((64, 512)) * spectrum)
        _, bounds = estimated(rows, rows[0])
        assert np.median(bounds) < 0.12


@pytest.mark.parametrize(("dimension", "expected"), [(1, 128), (128, 128), (129, 256), (512, 512), (4_096, 4_096)])
def test_a_sketch_is_a_power_of_two_wide(dimension: int, expected: int) -> None:
    assert sketch.width(dimension) == expected
    words, _ = sketch.sketch(unit(np.ones((1, dimension))))
    assert words.shape == (1, expected // sketch.WORD)


def test_no_inner_product_of_levels_leaves_32_bits() -> None:
    assert 15 * 32_767 * bound.MAX_DIMENSION < 2**31


def test_words_are_the_same_whatever_lies_beside_them_and_on_every_machine() -> None:
    """SRCH-06: a digest, so that a change of the order of operations, or of the signs, shows."""
    rows = (np.random.Generator(np.random.PCG64(8)).integers(-9, 10, (3_000, 100)) / 64).astype(np.float32)
    words, _ = sketch.sketch(rows)
    for at in range(0, 3_000, 97):
        assert np.array_equal(sketch.sketch(rows[at : at + 1])[0][0], words[at])
    assert hashlib.sha256(words.astype("<u2").tobytes()).hexdigest()[:16] == "5943672992efc1b8"


def test_vectors_of_nothing_have_a_bound_too() -> None:
    nothing = np.zeros((1, 8), np.float32)
    estimates, bounds = estimated(nothing, unit(np.ones((1, 8)))[0])
    assert abs(estimates[0]) <= bounds[0]
    assert sketch.sketch_probe(nothing[0]).reach == 0.0
