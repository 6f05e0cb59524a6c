"""The gallery against a search in plain Python that reads the definitions aloud; compared with ``==``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ranking.galleries import open_gallery

from custodes.ids import AgencyId, RequestId
from custodes.ranking.memory import MemoryTemplates
from custodes.types import Barrier, Candidate, Collection, Contract, Filters, GalleryRow, Scope, Sex, Template

MOMENT = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
AGENCIES = tuple(AgencyId(f"agy_{letter * 26}") for letter in "abcd")


def score(template: np.ndarray, probe: np.ndarray) -> float:
    total = 0.0
    for t, p in zip(template.tolist(), probe.tolist(), strict=True):
        total += t * p
    return total


def within(value: int | None, first: int | None, last: int | None) -> bool:
    return value is None or ((first is None or value >= first) and (last is None or value <= last))


def age(born: date | None, on: date) -> int | None:
    return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def days(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def lawful(row: GalleryRow, scope: Scope, generation: int) -> bool:
    state = row.eligibility
    return (
        row.born <= generation
        and (row.died is None or generation < row.died)
        and not state.barriers
        and state.searchable_from <= scope.moment
        and (state.searchable_until is None or scope.moment < state.searchable_until)
        and state.owner in scope.agencies
        and state.collection in scope.collections
    )


def chosen(row: GalleryRow, filters: Filters, on: date) -> bool:
    return (
        (filters.agencies is None or row.eligibility.owner in filters.agencies)
        and (filters.sex is None or row.sex in (filters.sex, Sex.UNKNOWN))
        and within(age(row.birth_date, on), filters.age_from, filters.age_to)
        and within(days(row.taken_on), days(filters.taken_from), days(filters.taken_to))
    )


def naive(
    rows: Sequence[GalleryRow], probe: np.ndarray, threshold: float, limit: int
) -> tuple[tuple[Candidate, ...], int]:
    scored = sorted((-score(row.vector, probe), row.photograph, row.subject) for row in rows)
    best = sorted({subject: minus for minus, _, subject in reversed(scored)}.items(), key=lambda p: (p[1], p[0]))
    listed = [(subject, -minus) for subject, minus in best if -minus >= threshold][:limit]
    candidates = tuple(
        Candidate(rank, subject, tuple(dict.fromkeys(p for _, p, s in scored if s == subject)), value)
        for rank, (subject, value) in enumerate(listed, start=1)
    )
    return candidates, len(rows)


BIRTHS = [None, date(1990, 1, 1), date(2008, 2, 29), date(2008, 3, 1), date(2008, 3, 2), date(1957, 12, 31)]
TAKEN = [None, date(2024, 2, 29), date(2024, 3, 1), date(2025, 12, 31)]
ENDS = [None, MOMENT - timedelta(seconds=1), MOMENT, MOMENT + timedelta(microseconds=1)]
STARTS = [MOMENT - timedelta(days=900), MOMENT, MOMENT + timedelta(microseconds=1)]
VECTORS = [(1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0), (-1, 0, 0, 1), (3, 1, 4, 1), (2, 7, 1, 8)]

DETAILS = st.fixed_dictionaries(
    {
        "subject": st.integers(0, 5),
        "vector": st.sampled_from(VECTORS),
        "owner": st.sampled_from(AGENCIES[:3]),
        "searchable_from": st.sampled_from(STARTS),
        "searchable_until": st.sampled_from(ENDS),
        "barriers": st.sampled_from([Barrier.NONE, Barrier.NONE, Barrier.NONE, *Barrier]),
        "sex": st.sampled_from(Sex),
        "birth_date": st.sampled_from(BIRTHS),
        "taken_on": st.sampled_from(TAKEN),
    }
)


def optional_range(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, object]]:
    pairs = st.tuples(values, values).map(lambda pair: tuple(sorted(pair)))  # type: ignore[type-var]
    return st.builds(
        lambda pair, a, b: (pair[0] if a else None, pair[1] if b else None), pairs, st.booleans(), st.booleans()
    )


@st.composite
def filter_sets(draw: st.DrawFn) -> Filters:
    ages = draw(optional_range(st.integers(0, 70)))
    taken = draw(optional_range(st.dates(date(2024, 2, 27), date(2026, 1, 1))))
    return Filters(
        agencies=draw(st.none() | st.frozensets(st.sampled_from(AGENCIES))),
        sex=draw(st.none() | st.sampled_from(Sex)),
        age_from=ages[0],
        age_to=ages[1],
        taken_from=taken[0],
        taken_to=taken[1],
    )


SCOPES = st.builds(
    Scope,
    agencies=st.just(frozenset(AGENCIES)) | st.frozensets(st.sampled_from(AGENCIES)),
    moment=st.just(MOMENT),
    collections=st.just(frozenset(Collection)) | st.just(frozenset()),
)


@settings(deadline=None, max_examples=150)
@given(
    details=st.lists(DETAILS, max_size=17),
    scope=SCOPES,
    filters=filter_sets(),
    threshold=st.sampled_from([-1.0, 0.0, 0.5, 0.8]),
    limit=st.integers(1, 6),
    cut=st.integers(0, 17),
    ending=st.sets(st.integers(0, 16)),
)
def test_every_search_at_every_generation_equals_the_naive_one(
    details: list[dict[str, object]],
    scope: Scope,
    filters: Filters,
    threshold: float,
    limit: int,
    cut: int,
    ending: set[int],
    contract: Contract,
    make_row: Callable[..., GalleryRow],
    probe: Template,
    request_id: RequestId,
) -> None:
    with TemporaryDirectory() as folder:
        rows = [
            make_row(n, *d["vector"], **{k: v for k, v in d.items() if k != "vector"}) for n, d in enumerate(details)
        ]
        source = MemoryTemplates(contract)
        gallery = open_gallery(source, contract, Path(folder))
        source.change(born=rows[:cut])
        gallery.catch_up()
        source.change(born=rows[cut:], died=[row.template_id for n, row in enumerate(rows[:cut]) if n in ending])
        everything = list(source.born(contract, -1, source.generation()))
        for generation in range(source.generation() + 1):
            found = gallery.search(
                probe,
                scope=scope,
                filters=filters,
                threshold=threshold,
                limit=limit,
                request=request_id,
                generation=generation,
            )
            seen = [r for r in everything if lawful(r, scope, generation) and chosen(r, filters, MOMENT.date())]
            assert (found.candidates, found.compared) == naive(seen, probe.vector, threshold, limit)
            assert found.eligible == found.compared


def test_a_gallery_loaded_at_once_equals_one_that_grew_row_by_row(
    contract: Contract, make_row: Callable[..., GalleryRow], probe: Template, request_id: RequestId, tmp_path: Path
) -> None:
    source = MemoryTemplates(contract)
    grown = open_gallery(source, contract, tmp_path / "grown")
    for number in range(23):
        source.change(born=[make_row(number, 9, number, 1, 0, subject=number % 7, owner=AGENCIES[0])])
        grown.catch_up()
    scope = Scope(frozenset(AGENCIES), MOMENT)
    lists = [
        gallery.search(probe, scope=scope, filters=Filters(), threshold=-1.0, request=request_id)
        for gallery in (grown, open_gallery(source, contract, tmp_path / "at once"))
    ]
    assert lists[0] == lists[1]
    assert (lists[0].compared, len(lists[0].candidates)) == (23, 7)
