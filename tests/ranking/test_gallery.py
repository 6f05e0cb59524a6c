"""What the gallery promises a search, and what it refuses."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ranking.galleries import open_gallery

from custodes.errors import Conflict, ContractMismatch, CustodesError, InputError, SetupError
from custodes.ids import AgencyId, RequestId, SearchId, TemplateId
from custodes.ranking import reference
from custodes.ranking.gallery import DEFAULT_LIMIT, HARD_CAP, Gallery
from custodes.ranking.memory import MemoryTemplates
from custodes.ranking.segments import folder
from custodes.types import Barrier, CandidateList, Certificate, Contract, Filters, GalleryRow, Scope, Template

MakeRow = Callable[..., GalleryRow]
Search = Callable[..., CandidateList]


@pytest.fixture
def source(contract: Contract) -> MemoryTemplates:
    return MemoryTemplates(contract)


@pytest.fixture
def gallery(source: MemoryTemplates, contract: Contract, tmp_path: Path) -> Gallery:
    return open_gallery(source, contract, tmp_path)


@pytest.fixture
def search(gallery: Gallery, probe: Template, scope: Scope, request_id: RequestId) -> Search:
    def run(template: Template = probe, **changes: Any) -> CandidateList:
        usual = {"scope": scope, "filters": Filters(), "threshold": -1.0, "request": request_id}
        return gallery.search(template, **(usual | changes))

    return run


def subjects(found: CandidateList) -> list[int]:
    return [int(candidate.subject[4:]) for candidate in found.candidates]


# --- lists -----------------------------------------------------------------------------------------


def test_an_empty_gallery_gives_an_empty_list(search: Search, contract: Contract) -> None:
    found = search()
    empty = hashlib.sha256(b"").hexdigest()
    certificate = Certificate(0, 0, 0, found.certificate.floor, 0.0, empty, empty, found.certificate.kernel)
    assert found == CandidateList((), contract, 0, -1.0, DEFAULT_LIMIT, certificate)


def test_nobody_above_the_threshold_is_a_normal_answer_srch_01(
    source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    source.change(born=[make_row(1, 0, 1, 0, 0), make_row(2, 0, 0, 1, 0)])
    found = search(threshold=0.9)
    assert found.candidates == ()
    assert (found.eligible, found.compared) == (2, 2)


def test_a_list_holds_20_unless_asked_and_never_more_than_50_srch_01(
    source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    source.change(born=[make_row(n, 60, n, 0, 0) for n in range(60)])
    assert subjects(search()) == list(range(20))
    assert subjects(search(limit=HARD_CAP)) == list(range(50))
    for limit in (0, -1, HARD_CAP + 1, 2.5, "20"):
        with pytest.raises(InputError) as caught:
            search(limit=limit)
        assert caught.value.code == "search.limit"


def test_equal_scores_are_ordered_by_subject_id(source: MemoryTemplates, search: Search, make_row: MakeRow) -> None:
    source.change(born=[make_row(n) for n in (5, 3, 9, 1)])
    assert subjects(search(limit=3)) == [1, 3, 5]


def test_every_photograph_of_one_person_is_one_candidate_srch_07(
    source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    source.change(born=[make_row(1, 1, 1, 0, 0, subject=8), make_row(2, subject=8), make_row(3, 0, 1, 0, 0)])
    first, second = search().candidates
    assert [name[-1] for name in first.photographs] == ["2", "1"]
    assert (first.rank, first.score, second.rank) == (1, 1.0, 2)


def test_there_is_no_filter_for_race_srch_05() -> None:
    names = {field.name for field in dataclasses.fields(Filters)}
    assert names == {"agencies", "sex", "age_from", "age_to", "taken_from", "taken_to"}


# --- lawful at that moment -------------------------------------------------------------------------


def test_a_record_that_expired_one_second_earlier_is_never_compared_srch_08(
    source: MemoryTemplates, search: Search, make_row: MakeRow, scope: Scope
) -> None:
    end = scope.moment
    source.change(born=[make_row(1, searchable_until=end), make_row(2, 1, 1, 0, 0)])
    before = search(scope=dataclasses.replace(scope, moment=end - timedelta(seconds=1)))
    after = search(scope=dataclasses.replace(scope, moment=end + timedelta(seconds=1)))
    assert (subjects(before), before.eligible, before.compared) == ([1, 2], 2, 2)
    assert (subjects(after), after.eligible, after.compared) == ([2], 1, 1)
    assert after.candidates[0].score == before.candidates[1].score


def test_eligibility_is_decided_before_scoring_not_after_srch_08(
    source: MemoryTemplates, search: Search, make_row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.change(born=[make_row(1, barriers=Barrier.YOUTH), make_row(2, 1, 1, 0, 0), make_row(3, 0, 1, 0, 0)])
    scored: list[np.ndarray] = []
    real = reference.scores

    def watched(columns: np.ndarray, probe: np.ndarray) -> np.ndarray:
        scored.append(columns.copy())
        return real(columns, probe)

    monkeypatch.setattr(reference, "scores", watched)
    assert subjects(search(limit=1)) == [2]
    assert sum(columns.shape[1] for columns in scored) == 2
    assert not any((columns[0] == 1).any() for columns in scored)


@pytest.mark.parametrize("barrier", [b for b in Barrier if b])
def test_a_barrier_keeps_a_record_out_whatever_its_dates_say(
    barrier: Barrier, source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    source.change(born=[make_row(1, barriers=barrier)])
    assert search().eligible == 0


def test_agencies_out_of_scope_cannot_be_filtered_in(
    source: MemoryTemplates, search: Search, make_row: MakeRow, agencies: tuple[AgencyId, ...], scope: Scope
) -> None:
    source.change(born=[make_row(n, owner=agency) for n, agency in enumerate(agencies)])
    narrow = dataclasses.replace(scope, agencies=frozenset(agencies[:1]))
    assert search(scope=narrow, filters=Filters(agencies=frozenset(agencies))).eligible == 1
    assert search(scope=narrow, filters=Filters(agencies=frozenset(agencies[1:]))).eligible == 0


def test_a_record_that_ends_while_the_gallery_is_loaded_is_gone_from_the_next_search(
    source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    rows = [make_row(1), make_row(2)]
    source.change(born=rows)
    assert search().compared == 2
    source.change(died=[rows[0].template_id])
    assert subjects(search()) == [2]


# --- reproducible ----------------------------------------------------------------------------------


def test_a_repeated_search_gives_the_same_list_srch_06(
    source: MemoryTemplates, search: Search, make_row: MakeRow, contract: Contract, gallery: Gallery
) -> None:
    random = np.random.default_rng(3)
    source.change(born=[make_row(n, *random.standard_normal(4), subject=n % 60) for n in range(200)])
    first = search()
    assert search() == first
    gallery.rebuild()
    assert search() == first


def test_an_old_list_is_replayed_after_the_gallery_changed_srch_06(
    source: MemoryTemplates, search: Search, make_row: MakeRow, gallery: Gallery
) -> None:
    rows = [make_row(1), make_row(2, 1, 1, 0, 0)]
    source.change(born=rows)
    then = search()
    source.change(died=[rows[0].template_id], born=[make_row(3, 1, 0.1, 0, 0)])
    source.change(born=[dataclasses.replace(rows[0], eligibility=make_row(1, barriers=Barrier.YOUTH).eligibility)])
    assert subjects(search()) == [3, 2]
    assert search(generation=then.generation) == then
    gallery.rebuild()
    assert search(generation=then.generation) == then


def test_a_template_born_again_is_another_row(source: MemoryTemplates, search: Search, make_row: MakeRow) -> None:
    row = make_row(1)
    source.change(born=[row])
    search()
    source.change(died=[row.template_id], born=[row])
    assert search().compared == 1
    source.change(died=[row.template_id])
    assert [search(generation=g).compared for g in range(4)] == [0, 1, 1, 0]


def test_a_death_ends_only_the_birth_it_names(source: MemoryTemplates, search: Search, make_row: MakeRow) -> None:
    again, other = make_row(1), make_row(2)
    source.change(born=[again])
    search()
    source.change(died=[again.template_id], born=[again, other])
    source.change(died=[other.template_id])
    # This catch-up buries (1, born 1) and (2, born 2); (1, born 2) is alive.
    assert subjects(search()) == [1]


def test_a_destroyed_template_is_gone_even_from_replays_once_erased(
    source: MemoryTemplates, search: Search, make_row: MakeRow, gallery: Gallery
) -> None:
    row = make_row(1)
    source.change(born=[row])
    then = search()
    source.destroy(row.template_id)
    assert search().compared == 0
    assert gallery.erase([(row.template_id, then.generation)]) == 1
    assert search(generation=then.generation).compared == 0


@pytest.mark.parametrize("generation", [-1, 2])
def test_a_generation_the_gallery_has_not_reached_is_refused(
    generation: int, source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    source.change(born=[make_row(1)])
    with pytest.raises(InputError) as caught:
        search(generation=generation)
    assert caught.value.code == "search.generation"


def test_a_source_restored_from_a_backup_is_loaded_afresh(
    contract: Contract, make_row: MakeRow, probe: Template, scope: Scope, request_id: RequestId, tmp_path: Path
) -> None:
    source = MemoryTemplates(contract, [make_row(1)])
    backup = MemoryTemplates(contract, [make_row(2)])
    source.change(born=[make_row(3)])
    gallery = open_gallery(source, contract, tmp_path)
    gallery.catch_up()
    gallery._source = backup
    found = gallery.search(probe, scope=scope, filters=Filters(), threshold=-1.0, request=request_id)
    assert (subjects(found), found.generation) == ([2], 1)


# --- refusals --------------------------------------------------------------------------------------


def test_a_template_of_another_contract_is_never_compared_eng_01(search: Search, contract: Contract) -> None:
    other = Template(np.array([1, 0, 0, 0], np.float32), dataclasses.replace(contract, id="d" * 64))
    with pytest.raises(ContractMismatch) as caught:
        search(other)
    assert caught.value.code == "template.contract-mismatch"


def test_rows_of_another_contract_are_never_loaded_eng_01(
    source: MemoryTemplates, make_row: MakeRow, contract: Contract, tmp_path: Path
) -> None:
    source.change(born=[make_row(1)])
    other = open_gallery(source, dataclasses.replace(contract, version="2"), tmp_path)
    assert other.catch_up() == 1
    assert list(tmp_path.glob("*.seg")) == []


@pytest.mark.parametrize("request_id", [None, "", "req_" + "0" * 26, SearchId("sea_" + "0" * 26)], ids=repr)
def test_a_search_without_a_request_is_refused(request_id: object, search: Search) -> None:
    with pytest.raises(InputError) as caught:
        search(request=request_id)
    assert caught.value.code == "search.request"


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), float("-inf")])
def test_a_threshold_that_is_no_number_is_refused(threshold: float, search: Search) -> None:
    with pytest.raises(InputError) as caught:
        search(threshold=threshold)
    assert caught.value.code == "search.threshold"


@pytest.mark.parametrize(
    "vector",
    [
        np.array([np.nan, 0, 0, 1], np.float32),
        np.array([np.inf, 0, 0, 0], np.float32),
        np.array([2, 0, 0, 0], np.float32),
        np.zeros(4, np.float32),
        np.array([1, 0, 0], np.float32),
        np.array([1, 0, 0, 0], np.float64),
        np.array([[1, 0, 0, 0]], np.float32),
    ],
    ids=["nan", "infinite", "long", "zero", "short-of-a-dimension", "float64", "two-dimensional"],
)
def test_a_probe_that_is_no_unit_vector_is_refused(vector: np.ndarray, search: Search, contract: Contract) -> None:
    with pytest.raises(InputError) as caught:
        search(Template(vector, contract))
    assert caught.value.code == "template.not-unit"


@pytest.mark.parametrize(
    "damage",
    [
        {"vector": np.array([np.nan, 0, 0, 1], np.float32)},
        {"vector": np.array([3, 0, 0, 0], np.float32)},
        {"vector": np.array([1, 0, 0, 0, 0], np.float32)},
        {"template_id": TemplateId("tpl_" + "0" * 40)},
        {"template_id": TemplateId("tpl_é")},
    ],
    ids=["nan", "long", "dimension", "id-too-long", "id-not-ascii"],
)
def test_a_damaged_row_stops_the_search_instead_of_being_left_out(
    damage: dict[str, Any], source: MemoryTemplates, search: Search, make_row: MakeRow, gallery: Gallery
) -> None:
    source.change(born=[make_row(1)])
    search()
    bad = dataclasses.replace(make_row(2), **damage)
    source.change(born=[make_row(3), bad])
    with pytest.raises(SetupError) as caught:
        search()
    assert caught.value.code == "gallery.row-damaged"
    assert gallery.generation == 1
    source.destroy(bad.template_id)
    assert subjects(search()) == [1, 3]


def test_a_row_whose_moment_has_no_time_zone_is_damaged(
    source: MemoryTemplates, search: Search, make_row: MakeRow, scope: Scope
) -> None:
    source.change(born=[make_row(1, searchable_until=scope.moment.replace(tzinfo=None))])
    with pytest.raises(SetupError):
        search()


def test_the_in_memory_source_refuses_what_cannot_be(source: MemoryTemplates, make_row: MakeRow) -> None:
    row = make_row(1)
    source.change(born=[row])
    for change in ({"born": [row]}, {"died": [make_row(2).template_id]}, {"born": [make_row(3)] * 2}):
        with pytest.raises(Conflict):
            source.change(**change)
    assert source.generation() == 1


# --- memory and threads ----------------------------------------------------------------------------


@pytest.mark.parametrize("destroyed", [0, 4])
def test_a_source_that_fails_halfway_leaves_the_old_generation(
    destroyed: int,
    contract: Contract,
    make_row: MakeRow,
    probe: Template,
    scope: Scope,
    request_id: RequestId,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(folder, "_AT_ONCE", 1)

    class Failing(MemoryTemplates):
        broken = False

        def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
            for number, row in enumerate(super().born(contract, after, upto)):
                if self.broken and number == 5:
                    raise OSError("the disk went away")
                yield row

    source = Failing(contract, [make_row(1)])
    gallery = open_gallery(source, contract, tmp_path)
    gallery.catch_up()
    source.change(born=[make_row(n) for n in range(2, 8)])
    source.broken = True
    with pytest.raises(OSError, match="disk"):
        gallery.catch_up()
    assert gallery.generation == 1
    source.broken = False
    for number in range(8 - destroyed, 8):
        source.destroy(make_row(number).template_id)
    found = gallery.search(probe, scope=scope, filters=Filters(), threshold=-1.0, request=request_id)
    assert (subjects(found), found.compared) == (list(range(1, 8 - destroyed)), 7 - destroyed)


def test_a_search_under_way_is_not_touched_by_a_catch_up_in_its_middle(
    source: MemoryTemplates, search: Search, make_row: MakeRow, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_row(n) for n in range(10)]
    source.change(born=rows)
    before = search()
    real = reference.scores
    interruptions = iter([True])

    def interrupted(columns: np.ndarray, probe: np.ndarray) -> np.ndarray:
        if next(interruptions, False):
            source.change(died=[row.template_id for row in rows], born=[make_row(n) for n in range(10, 20)])
            gallery.catch_up()
        return real(columns, probe)

    monkeypatch.setattr(reference, "scores", interrupted)
    assert search() == before
    assert (gallery.generation, subjects(search())) == (2, list(range(10, 20)))


def test_searches_during_catch_up_see_whole_generations_only(
    source: MemoryTemplates, search: Search, make_row: MakeRow
) -> None:
    """Each generation ``g`` replaces all ten rows by ten others: any mixture would change the count."""
    batches = [[make_row(100 * batch + n) for n in range(10)] for batch in range(40)]
    source.change(born=batches[0])
    results: list[CandidateList] = []
    failures: list[CustodesError] = []
    done = threading.Event()
    searched = threading.Semaphore(0)

    def searcher() -> None:
        while not done.is_set():
            try:
                results.append(search(limit=50))
                searched.release()
            except CustodesError as error:
                failures.append(error)

    threads = [threading.Thread(target=searcher) for _ in range(3)]
    for thread in threads:
        thread.start()
    for old, new in pairwise(batches):
        source.change(died=[row.template_id for row in old], born=new)
        assert searched.acquire(timeout=10)
    done.set()
    for thread in threads:
        thread.join()
    results.append(search(limit=50))
    assert failures == []
    for found in results:
        first = 100 * (found.generation - 1)
        assert (subjects(found), found.compared) == (list(range(first, first + 10)), 10)


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_a_search_refuses_unless_memory_holds_as_many_living_rows_as_the_source(
    contract: Contract,
    make_row: MakeRow,
    probe: Template,
    scope: Scope,
    request_id: RequestId,
    kept: int,
    tmp_path: Path,
) -> None:
    class Miscounting(MemoryTemplates):
        def living(self, contract: Contract, generation: int) -> int:
            return kept

    gallery = open_gallery(Miscounting(contract, [make_row(number) for number in range(3)]), contract, tmp_path)
    with pytest.raises(SetupError) as caught:
        gallery.search(probe, scope=scope, filters=Filters(), threshold=0.0, request=request_id)
    assert caught.value.code == "gallery.incomplete"


def test_files_and_source_agree_about_the_living_through_births_deaths_and_destruction(
    contract: Contract, make_row: MakeRow, tmp_path: Path
) -> None:
    source = MemoryTemplates(contract, [make_row(number) for number in range(5)])
    gallery = open_gallery(source, contract, tmp_path)
    names = [make_row(number).template_id for number in range(5)]
    for change in (
        lambda: source.change(died=names[:2], born=[make_row(0)]),
        lambda: source.destroy(names[3]),
        lambda: source.change(born=[make_row(9)]),
    ):
        change()
        generation = gallery.catch_up()
        assert gallery._current().living() == source.living(contract, generation)
    assert source.living(contract, 1) == 4
    assert source.living(contract, generation) == 4
