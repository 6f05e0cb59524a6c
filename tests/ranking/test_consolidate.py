"""Photographs become subjects, in one order only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from custodes.ids import PhotographId, SubjectId
from custodes.ranking.consolidate import Compared, best_subjects, candidates
from custodes.types import Candidate

Rows = list[tuple[float, int, int]]
"""``(score, subject, photograph)``."""

SUBJECTS = [SubjectId(f"sbj_{name}") for name in ("m", "c", "x", "a", "q", "b", "z", "d")]


def consolidate(rows: Rows, *, threshold: float, limit: int, shared_key: bool = False) -> tuple[Candidate, ...]:
    compared = Compared(
        scores=np.array([score for score, _, _ in rows], dtype=np.float64),
        keys=np.array([0 if shared_key else subject for _, subject, _ in rows], dtype=np.int64),
        subjects=lambda positions: [SUBJECTS[rows[position][1]] for position in positions],
    )

    def photographs(subjects: Sequence[SubjectId]) -> Iterator[tuple[SubjectId, float, PhotographId]]:
        for score, subject, photograph in rows:
            if SUBJECTS[subject] in subjects:
                yield SUBJECTS[subject], score, PhotographId(f"pho_{photograph}")

    return candidates(best_subjects(compared, threshold=threshold, limit=limit), photographs)


def naive(rows: Rows, threshold: float, limit: int) -> tuple[Candidate, ...]:
    grouped: dict[SubjectId, list[tuple[float, str]]] = defaultdict(list)
    for score, subject, photograph in rows:
        grouped[SUBJECTS[subject]].append((-score, f"pho_{photograph}"))
    best = sorted((min(found)[0], subject) for subject, found in grouped.items())
    return tuple(
        Candidate(
            rank=rank,
            subject=subject,
            photographs=tuple(dict.fromkeys(PhotographId(name) for _, name in sorted(grouped[subject]))),
            score=-minus,
        )
        for rank, (minus, subject) in enumerate([pair for pair in best if -pair[0] >= threshold][:limit], start=1)
    )


ROW = st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75]), st.integers(0, 7), st.integers(0, 20))


@given(
    rows=st.lists(ROW, max_size=60),
    threshold=st.sampled_from([-1.0, 0.0, 0.3, 0.5, 0.9]),
    limit=st.integers(1, 9),
)
def test_consolidation_equals_the_naive_one_even_if_subjects_share_a_key(
    rows: Rows, threshold: float, limit: int
) -> None:
    assert consolidate(rows, threshold=threshold, limit=limit) == naive(rows, threshold, limit)
    again = consolidate(rows, threshold=threshold, limit=limit, shared_key=True)
    assert again == naive(rows, threshold, limit)


@given(rows=st.lists(ROW, max_size=40), seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(rows: Rows, seed: object) -> None:
    shuffled = list(rows)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    first = consolidate(rows, threshold=-1.0, limit=3)
    assert consolidate(shuffled, threshold=-1.0, limit=3) == first


def test_all_photographs_of_a_subject_make_one_candidate_srch_07() -> None:
    rows = [(0.9, 0, 1), (0.8, 1, 2), (0.7, 0, 3), (0.95, 0, 4)]
    first, second = consolidate(rows, threshold=0.5, limit=20)
    assert (first.subject, first.score, first.rank) == (SUBJECTS[0], 0.95, 1)
    assert first.photographs == ("pho_4", "pho_1", "pho_3")
    assert second.photographs == ("pho_2",)


def test_a_candidates_photographs_below_the_threshold_are_listed_too() -> None:
    (only,) = consolidate([(0.9, 0, 1), (0.1, 0, 2)], threshold=0.5, limit=20)
    assert only.photographs == ("pho_1", "pho_2")


def test_ties_are_broken_by_subject_id_then_photograph_id() -> None:
    rows = [(0.5, 0, 9), (0.5, 3, 8), (0.5, 1, 7), (0.5, 3, 2)]
    found = consolidate(rows, threshold=0.0, limit=2)
    assert [candidate.subject for candidate in found] == ["sbj_a", "sbj_c"]
    assert found[0].photographs == ("pho_2", "pho_8")


def test_one_subject_with_very_many_photographs_does_not_crowd_out_the_others() -> None:
    rows = [(0.9, 0, number) for number in range(500)] + [(0.6, 1, 500), (0.5, 2, 501)]
    found = consolidate(rows, threshold=0.0, limit=2)
    assert [candidate.subject for candidate in found] == [SUBJECTS[0], SUBJECTS[1]]
    assert len(found[0].photographs) == 500


def test_a_photograph_with_two_templates_is_listed_once() -> None:
    (only,) = consolidate([(0.9, 0, 1), (0.4, 0, 1), (0.6, 0, 2)], threshold=0.0, limit=1)
    assert only.photographs == ("pho_1", "pho_2")


def test_a_score_equal_to_the_threshold_is_a_candidate() -> None:
    assert len(consolidate([(0.5, 0, 1)], threshold=0.5, limit=1)) == 1


def test_no_row_gives_no_candidate() -> None:
    assert consolidate([], threshold=-1.0, limit=20) == ()
