"""What a repeated search came to beside what was stored of it, entry by entry (SRCH-06). Pure: it reads nothing.

While every compared row is kept, the two must be the same, bit for bit.  Where rows were destroyed since, what is left
must be: a candidate keeps its score while the photograph that gave it is kept, loses the destroyed photographs, and is
gone with the last of them; the places that become free may be taken by candidates less similar than all that were
listed; the counts are smaller by what was destroyed, at most.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from custodes.ids import PhotographId, SubjectId
from custodes.store.records import SearchRecord
from custodes.text import N_, Text
from custodes.types import Candidate, CandidateList


class Outcome(enum.StrEnum):
    """How a repetition came out. ``partial``: as far as it can be compared, rows having been destroyed, the same."""

    SAME = "same"
    PARTIAL = "partial"
    DIFFERENT = "different"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class Expected:
    """A stored candidate without its destroyed photographs; ``keeps_score``: the most similar one is kept."""

    candidate: Candidate
    photographs: tuple[PhotographId, ...]
    keeps_score: bool


def differences(stored: SearchRecord, again: CandidateList, destroyed: frozenset[PhotographId]) -> list[Text]:
    """Return every way in which ``again`` is not what ``stored`` says, as sentences; ``destroyed``: rows gone since."""
    if is_same(stored, again):
        return []
    found = {candidate.subject: candidate for candidate in again.candidates}
    expected = list(_expected(stored.candidates, destroyed))
    told = [text for one in expected for text in _of_one(one, found.get(one.candidate.subject), bool(destroyed))]
    told += _strangers(stored, again, {one.candidate.subject for one in expected}, bool(destroyed))
    told += _order(expected, again)
    return [*told, *_counts(stored, again, len(destroyed)), *_gallery(stored, again, bool(destroyed))]


def is_same(stored: SearchRecord, again: CandidateList) -> bool:
    """Return whether list, counts and the rows compared are the same, bit for bit, whatever kernel compared them."""
    then, now = stored.figures, again.certificate
    return stored.candidates == again.candidates and all(
        getattr(then, name) == getattr(now, name) for name in ("eligible", "compared", "root", "eligibility_sha256")
    )


def _expected(candidates: Sequence[Candidate], destroyed: frozenset[PhotographId]) -> Iterator[Expected]:
    for candidate in candidates:
        kept = tuple(photograph for photograph in candidate.photographs if photograph not in destroyed)
        if kept:
            yield Expected(candidate, kept, kept[0] == candidate.photographs[0])


def _of_one(one: Expected, found: Candidate | None, may_move: bool) -> Iterator[Text]:
    stored = one.candidate
    values = {"rank": stored.rank, "subject": stored.subject}
    if found is None:
        # with another photograph in front it may be less similar than the list goes
        if one.keeps_score:
            yield Text(N_("Candidate %(rank)d, %(subject)s, is not on the repeated list."), values)
        return
    if one.keeps_score and found.score.hex() != stored.score.hex():
        yield Text(N_("Candidate %(rank)d, %(subject)s, comes out with another score."), values)
    if found.photographs != one.photographs:
        yield Text(N_("Candidate %(rank)d, %(subject)s, comes out with other photographs."), values)
    if found.rank != stored.rank and not may_move:
        yield Text(N_("Candidate %(rank)d, %(subject)s, comes out at rank %(now)d."), {**values, "now": found.rank})


def _strangers(stored: SearchRecord, again: CandidateList, known: set[SubjectId], has_gaps: bool) -> Iterator[Text]:
    lowest = min((candidate.score for candidate in stored.candidates), default=None)
    was_full = len(stored.candidates) == stored.limit
    for candidate in again.candidates:
        moved_up = has_gaps and was_full and lowest is not None and candidate.score <= lowest
        if candidate.subject not in known and not moved_up:
            yield Text(
                N_("The repeated list has a candidate that the stored one lacks: %(subject)s."),
                {"subject": candidate.subject},
            )


def _order(expected: Sequence[Expected], again: CandidateList) -> Iterator[Text]:
    rank = {candidate.subject: candidate.rank for candidate in again.candidates}
    kept = [one.candidate.subject for one in expected if one.keeps_score and one.candidate.subject in rank]
    if sorted(kept, key=rank.__getitem__) != kept:
        yield Text(N_("The candidates come out in another order."))


def _counts(stored: SearchRecord, again: CandidateList, destroyed: int) -> Iterator[Text]:
    for before, now, sentence in (
        (stored.eligible, again.eligible, N_("%(before)d photographs were eligible then, %(now)d come out now.")),
        (stored.compared, again.compared, N_("%(before)d photographs were compared then, %(now)d come out now.")),
    ):
        if not 0 <= before - now <= destroyed:
            yield Text(sentence, {"before": before, "now": now})


def _gallery(stored: SearchRecord, again: CandidateList, has_gaps: bool) -> Iterator[Text]:
    then, now = stored.figures, again.certificate
    if then.root != now.root:
        yield Text(N_("The gallery's history up to that generation is another one than when it was searched."))
    if then.eligibility_sha256 != now.eligibility_sha256 and not has_gaps:
        yield Text(N_("Other photographs were eligible then than come out now."))
