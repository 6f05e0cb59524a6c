"""A repeated list beside the stored one: the same to the bit, or told apart in words (SRCH-06)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from custodes.engine.fake import FAKE_CONTRACT
from custodes.ids import EntryId, PhotographId, RequestId, SearchId, SubjectId
from custodes.store.records import SearchRecord
from custodes.types import Candidate, CandidateList, Certificate
from custodes.workflows.repetition import differences


def _one(rank: int, score: float, *photographs: str) -> Candidate:
    names = tuple(PhotographId(name) for name in photographs or (f"p{rank}",))
    return Candidate(rank, SubjectId(f"s{rank}"), names, score)


def _figures(eligible: int, compared: int) -> Certificate:
    return Certificate(eligible, compared, 3, 0.5, 0.01, "a" * 64, "b" * 64, "kernel 1")


LIST = (_one(1, 0.9, "p1", "p1b"), _one(2, 0.8), _one(3, 0.7))


def _stored(candidates: tuple[Candidate, ...] = LIST, limit: int = 20) -> SearchRecord:
    return SearchRecord(
        *(SearchId("sea"), RequestId("req"), FAKE_CONTRACT, 5, datetime(2026, 1, 1, tzinfo=UTC)),
        *(0.5, True, limit, _figures(10, 10), "", EntryId("ent"), candidates, ()),
    )


def _again(*candidates: Candidate, eligible: int = 10, compared: int = 10) -> CandidateList:
    return CandidateList(candidates, FAKE_CONTRACT, 5, 0.5, 20, _figures(eligible, compared))


def _gone(*names: str) -> frozenset[PhotographId]:
    return frozenset(map(PhotographId, names))


def _told(again: CandidateList, gone: frozenset[PhotographId] = frozenset(), stored: SearchRecord | None = None) -> str:
    return " ".join(str(text) for text in differences(stored or _stored(), again, gone))


def test_the_same_list_has_no_difference() -> None:
    assert _told(_again(*LIST)) == ""


def test_a_score_that_differs_in_its_last_bit_is_told() -> None:
    other = replace(LIST[1], score=math.nextafter(LIST[1].score, 1))
    assert _told(_again(LIST[0], other, LIST[2])) == "Candidate 2, s2, comes out with another score."


def test_no_score_is_shown() -> None:
    assert "0." not in _told(_again(replace(LIST[0], score=0.1)))


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (_again(LIST[0], LIST[1]), "Candidate 3, s3, is not on the repeated list."),
        (_again(*LIST, _one(4, 0.6)), "The repeated list has a candidate that the stored one lacks: s4."),
        (_again(replace(LIST[0], photographs=LIST[0].photographs[:1]), *LIST[1:]), "with other photographs"),
        (_again(LIST[1], LIST[0], LIST[2]), "another order"),
        (_again(LIST[0], replace(LIST[1], rank=3), replace(LIST[2], rank=2)), "s2, comes out at rank 3."),
        (_again(*LIST, eligible=9), "10 photographs were eligible then, 9 come out now."),
        (_again(*LIST, compared=11), "10 photographs were compared then, 11 come out now."),
    ],
    ids=["hidden", "inserted", "photograph", "exchanged", "ranks", "eligible", "compared"],
)
def test_everything_else_that_differs_is_told_in_words(again: CandidateList, said: str) -> None:
    if said == "another order":
        again = _again(replace(LIST[1], rank=1), replace(LIST[0], rank=2), LIST[2])
    assert said in _told(again)


# --- destroyed rows ---------------------------------------------------------------------------------


def test_a_candidate_whose_only_photograph_was_destroyed_may_be_missing() -> None:
    rest = (LIST[0], replace(LIST[2], rank=2))
    assert _told(_again(*rest, eligible=9, compared=9), _gone("p2")) == ""


def test_a_candidate_loses_a_destroyed_photograph_and_keeps_its_score() -> None:
    less = replace(LIST[0], photographs=(PhotographId("p1"),))
    assert _told(_again(less, *LIST[1:], eligible=9, compared=9), _gone("p1b")) == ""
    assert "another score" in _told(_again(replace(less, score=0.5), *LIST[1:], eligible=9, compared=9), _gone("p1b"))


def test_without_its_most_similar_photograph_a_candidate_may_fall_or_vanish() -> None:
    fallen = replace(LIST[0], photographs=(PhotographId("p1b"),), score=0.75, rank=2)
    rest = (replace(LIST[1], rank=1), fallen, LIST[2])
    assert _told(_again(*rest, eligible=9, compared=9), _gone("p1")) == ""
    gone = (replace(LIST[1], rank=1), replace(LIST[2], rank=2))
    assert _told(_again(*gone, eligible=9, compared=9), _gone("p1")) == ""


def test_only_into_a_full_list_may_somebody_less_similar_move_up() -> None:
    moved = _again(LIST[0], replace(LIST[2], rank=2), replace(_one(4, 0.6), rank=3), eligible=9, compared=9)
    assert _told(moved, _gone("p2"), _stored(limit=3)) == ""
    assert "lacks: s4" in _told(moved, _gone("p2"), _stored(limit=20))
    higher = replace(moved, candidates=(*moved.candidates[:2], replace(moved.candidates[2], score=0.71)))
    assert "lacks: s4" in _told(higher, _gone("p2"), _stored(limit=3))


def test_destruction_of_one_row_excuses_neither_another_nor_more_than_one() -> None:
    """Attack: hide a candidate while somebody else's record is lawfully destroyed."""
    assert "s3, is not on" in _told(_again(LIST[0], eligible=9, compared=9), _gone("p2"))
    rest = (LIST[0], replace(LIST[2], rank=2))
    assert "10 photographs were eligible then, 8" in _told(_again(*rest, eligible=8, compared=8), _gone("p2"))
