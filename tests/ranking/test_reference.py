"""The score is one number, whatever computes it and in whatever pieces (SRCH-06)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custodes.ranking.reference import scores

FLOATS = st.floats(-1, 1, width=32)


def sequential(template: list[float], probe: list[float]) -> float:
    """The definition, in plain Python: Python's float is IEEE float64."""
    total = 0.0
    for t, p in zip(template, probe, strict=True):
        total += t * p
    return total


def arrays(rows: int, dimension: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    columns = random.standard_normal((dimension, rows)).astype(np.float32)
    probe = random.standard_normal(dimension).astype(np.float32)
    return columns, probe


@given(
    columns=hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(0, 9)), elements=FLOATS),
    data=st.data(),
)
def test_every_score_equals_the_sequential_sum(columns: np.ndarray, data: st.DataObject) -> None:
    probe = data.draw(hnp.arrays(np.float32, columns.shape[0], elements=FLOATS))
    expected = [sequential(column, probe.tolist()) for column in columns.T.tolist()]
    assert scores(columns, probe).tolist() == expected


def test_a_512_dimensional_score_equals_the_sequential_sum() -> None:
    columns, probe = arrays(40, 512)
    assert scores(columns, probe).tolist() == [sequential(c, probe.tolist()) for c in columns.T.tolist()]


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 9_000), max_size=4), seed=st.integers(0, 2**32))
def test_scores_do_not_depend_on_chunking(cuts: list[int], seed: int) -> None:
    columns, probe = arrays(9_000, 5, seed)
    whole = scores(columns, probe)
    pieces = [scores(piece, probe) for piece in np.split(columns, sorted(cuts), axis=1)]
    assert np.concatenate(pieces).tolist() == whole.tolist()


def test_scores_follow_a_permutation_of_the_gallery() -> None:
    columns, probe = arrays(8_193, 128)
    order = np.random.default_rng(1).permutation(8_193)
    assert (scores(columns[:, order], probe) == scores(columns, probe)[order]).all()


def test_scores_do_not_depend_on_memory_layout() -> None:
    columns, probe = arrays(300, 128)
    rows = np.ascontiguousarray(columns.T)
    assert (scores(rows.T, probe) == scores(columns, probe)).all()
    assert (scores(columns[:, ::2], probe) == scores(columns, probe)[::2]).all()


def test_the_sum_runs_in_index_order_and_not_pairwise() -> None:
    big = np.float32(2.0**53)
    columns = np.array([[big], [1], [1], [-big]], dtype=np.float32)
    # In index order both ones are lost to rounding; pairwise or reordered sums would keep them.
    assert scores(columns, np.ones(4, dtype=np.float32)).tolist() == [0.0]
    assert scores(columns[[1, 2, 0, 3]], np.ones(4, dtype=np.float32)).tolist() == [2.0]


def test_products_are_exact() -> None:
    t = np.float32(1 + 2.0**-23)
    assert scores(np.array([[t]]), np.array([t])).tolist() == [1 + 2.0**-22 + 2.0**-46]


def test_an_empty_gallery_has_no_scores() -> None:
    columns, probe = arrays(0, 128)
    assert scores(columns, probe).shape == (0,)
    assert scores(columns, probe).dtype == np.float64


@pytest.mark.parametrize(
    ("columns", "probe"),
    [
        (np.zeros((4, 2), np.float64), np.zeros(4, np.float32)),
        (np.zeros((4, 2), np.float32), np.zeros(4, np.float64)),
        (np.zeros((2, 4), np.float32), np.zeros(4, np.float32)),
        (np.zeros(4, np.float32), np.zeros(4, np.float32)),
    ],
)
def test_arrays_that_do_not_agree_are_refused(columns: np.ndarray, probe: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float32|agree"):
        scores(columns, probe)
