"""Every kernel leaves every row that could be a candidate, whatever the gallery: thousands of cases, all with ``==``.

SRCH-06 (the same list on every machine), SRCH-11 (nobody is skipped).
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from custodes.ranking import bound, exhaustive, kernel, reference, sketch
from custodes.ranking.kernel import Kernel, Part, numpy_kernel

CASES = 3_000
"""Galleries that each kernel is compared with the reference on."""
Matrix = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kernel]:
    cache = tmp_path_factory.getbasetemp().parent / "kernels"
    compiled = kernel.choose(10**9, 128, cache_dir=cache, threads=3)
    assert compiled.name == "numba-int4-int8"
    return {"numpy": numpy_kernel.NumpyKernel(), "numba": compiled}


@pytest.fixture(params=["numpy", "numba"])
def each(request: pytest.FixtureRequest, kernels: dict[str, Kernel]) -> Kernel:
    return kernels[request.param]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch, kernels: dict[str, Kernel]) -> None:
    """Blocks of a few rows, so that threads meet in the smallest gallery."""
    from custodes.ranking.kernel import numba_kernel, passes

    monkeypatch.setattr(numba_kernel, "BLOCK", 7)
    monkeypatch.setattr(numba_kernel, "_FEW", 0)
    monkeypatch.setattr(passes, "_TILE", 3)


def unit(rows: npt.NDArray[np.floating]) -> Matrix:
    wide = rows.astype(np.float64)
    return (wide / np.linalg.norm(wide, axis=-1, keepdims=True)).astype(np.float32)


def part(vectors: Matrix, subjects: npt.NDArray[np.int64], admitted: npt.NDArray[np.bool_]) -> Part:
    estimates = (*sketch.sketch(vectors), *bound.quantise(vectors))
    for array in (*estimates, vectors, subjects, admitted):
        array.flags.writeable = False
    return Part(*estimates, vectors, subjects.astype(np.int64), admitted)


def best(
    parts: list[Part], scored: list[tuple[int, int, float]], threshold: float, limit: int
) -> list[tuple[float, int]]:
    of: dict[int, float] = {}
    for number, place, score in scored:
        key = int(parts[number].subjects[place])
        of[key] = max(score, of.get(key, score))
    return sorted((-score, key) for key, score in of.items() if score >= threshold)[:limit]


def exact_scores(parts: list[Part], probe: Matrix) -> list[tuple[int, int, float]]:
    """Part, place and the reference's score of every admitted row."""
    every = []
    for number, one in enumerate(parts):
        scores = reference.scores(np.ascontiguousarray(one.vectors.T), probe)
        every += [(number, place, float(scores[place])) for place in np.flatnonzero(one.admitted).tolist()]
    return every


def check(each: Kernel, parts: list[Part], probe: Matrix, threshold: float, limit: int) -> exhaustive.Scanned:
    """Hold a kernel's rows to the definition: the best subjects, the count, and that nothing that could be is left."""
    found = exhaustive.scan(each, parts, probe, threshold=threshold, limit=limit)
    rows = list(zip(found.parts.tolist(), found.places.tolist(), found.scores.tolist(), strict=True))
    every = exact_scores(parts, probe)
    exact = {(number, place): score for number, place, score in every}
    assert all(exact[number, place] == score for number, place, score in rows), "the score is the reference's"
    assert [(number, place) for number, place, _ in rows] == sorted({(n, p) for n, p, _ in rows})
    assert found.compared == len(every)
    assert found.floor >= threshold
    left = {(number, place) for number, place, _ in rows}
    assert all((n, p) in left for n, p, score in every if score >= found.floor)
    assert best(parts, rows, threshold, limit) == best(parts, every, threshold, limit)
    return found


def random_parts(random: np.random.Generator) -> tuple[list[Part], Matrix]:
    """A gallery of one to four segments whose rows are copies, near copies, opposites and strangers of the probe."""
    dimension = int(random.choice([2, 8, 31, 64, 128]))
    probe = unit(random.standard_normal((1, dimension)))[0]
    parts = []
    people = int(random.choice([1, 3, 40, 10_000]))
    for _ in range(int(random.integers(1, 5))):
        rows = int(random.choice([0, 1, 6, 7, 8, 40, 90]))
        kind = random.choice(["spread", "near", "equal", "opposite", "grid", "tiny"])
        vectors = random.standard_normal((rows, dimension))
        if kind == "near":
            vectors = probe + vectors * random.choice([1e-7, 1e-4, 1e-2])
        elif kind == "equal":
            vectors = np.repeat(unit(random.standard_normal((1, dimension))), rows, axis=0)
        elif kind == "opposite":
            vectors = -probe + vectors * 1e-6
        elif kind == "grid":
            vectors = np.round(vectors) + 1e-9
        elif kind == "tiny":
            vectors = np.where(random.random(vectors.shape) < 0.9, 1e-44, vectors) + 1e-30
        share = random.choice([0.0, 0.3, 0.9, 1.0])
        parts.append(
            part(unit(vectors), random.integers(0, people, rows), np.asarray(random.random(rows) < share, np.bool_))
        )
    return parts, probe


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(6))
def test_three_thousand_galleries_are_searched_as_the_reference_searches_them(each: Kernel, seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(CASES // 6):
        parts, probe = random_parts(random)
        threshold = float(random.choice([-1.0, -0.5, 0.0, 0.3, 0.6, 0.999999, 1.0]))
        check(each, parts, probe, threshold, int(random.choice([1, 2, 5, 20, 50])))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(2))
def test_hundreds_of_batches_are_searched_as_the_reference_searches_each_probe(each: Kernel, seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    for _ in range(150):
        parts, probe = random_parts(random)
        near = unit(
            probe
            + random.choice([1e-6, 0.01, 1.0]) * random.standard_normal((int(random.choice([3, 4, 39])), probe.size))
        )
        threshold, limit = float(random.choice([-1.0, 0.0, 0.6])), int(random.choice([1, 5, 50]))
        for one, found in zip(near, each.contenders(parts, near, threshold=threshold, limit=limit), strict=True):
            rows = [
                (number, place, float(score))
                for number in range(len(parts))
                for place, score in zip(
                    found.places[found.parts == number].tolist(),
                    each.scores(parts[number].vectors, found.places[found.parts == number], one).tolist(),
                    strict=True,
                )
            ]
            every = exact_scores(parts, one)
            assert found.compared == len(every)
            assert {(n, p) for n, p, score in every if score >= found.floor} <= {(n, p) for n, p, _ in rows}
            assert best(parts, rows, threshold, limit) == best(parts, every, threshold, limit)


def test_without_a_library_for_products_each_probe_has_a_pass_of_its_own(
    kernels: dict[str, Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    from custodes.ranking.kernel import numba_kernel

    random = np.random.default_rng(16)
    vectors = unit(random.standard_normal((500, 32)))
    whole, probes = part(vectors, np.arange(500), np.ones(500, np.bool_)), vectors[:6]
    shared = kernels["numba"].contenders([whole], probes, threshold=0.9, limit=5)
    monkeypatch.setattr(numba_kernel, "CAN_SHARE", False)
    alone = kernels["numba"].contenders([whole], probes, threshold=0.9, limit=5)
    assert [one.places.tolist() for one in shared] == [one.places.tolist() for one in alone]


def test_a_gallery_of_many_tiles_and_blocks(each: Kernel) -> None:
    random = np.random.default_rng(9)
    centres = unit(random.standard_normal((50, 64)))
    vectors = unit(centres[random.integers(0, 50, 70_000)] + 0.1 * random.standard_normal((70_000, 64)))
    whole = part(vectors, random.integers(0, 20_000, 70_000), random.random(70_000) < 0.3)
    for limit in (1, 50):
        found = check(each, [whole], unit(centres[3] + 0.1 * random.standard_normal(64)), 0.0, limit)
        assert found.places.size < 20_000, "most rows need no exact score"


def test_a_subject_of_thousands_of_photographs_takes_one_place(each: Kernel) -> None:
    random = np.random.default_rng(10)
    probe = unit(random.standard_normal((1, 32)))[0]
    crowd = unit(probe + 0.001 * random.standard_normal((5_000, 32)))
    others = unit(random.standard_normal((300, 32)))
    subjects = np.concatenate([np.zeros(5_000, np.int64), np.arange(1, 301)])
    check(each, [part(np.concatenate([crowd, others]), subjects, np.ones(5_300, np.bool_))], probe, -1.0, 20)


def test_two_subjects_of_one_key_are_both_left_to_be_told_apart(each: Kernel) -> None:
    """A key is a digest; when two people share one, the floor is lower and neither is lost."""
    random = np.random.default_rng(11)
    vectors = unit(random.standard_normal((30, 16)))
    found = exhaustive.scan(
        each, [part(vectors, np.full(30, 7), np.ones(30, np.bool_))], vectors[0], threshold=-1.0, limit=3
    )
    assert found.places.size == 30


def test_what_comes_out_does_not_depend_on_threads_nor_on_the_kernel_beyond_its_bound(
    kernels: dict[str, Kernel],
) -> None:
    random = np.random.default_rng(12)
    vectors = unit(random.standard_normal((80_000, 32)))
    whole = part(vectors, random.integers(0, 30_000, 80_000), np.ones(80_000, np.bool_))
    runs = [exhaustive.scan(kernels["numba"], [whole], vectors[1], threshold=0.2, limit=20) for _ in range(8)]
    for run in runs[1:]:
        assert np.array_equal(run.places, runs[0].places)
        assert (run.floor, run.compared, run.widest) == (runs[0].floor, runs[0].compared, runs[0].widest)


def test_a_batch_is_each_of_its_probes(each: Kernel) -> None:
    random = np.random.default_rng(13)
    vectors = unit(random.standard_normal((3_000, 24)))
    whole = part(vectors, random.integers(0, 900, 3_000), random.random(3_000) < 0.5)
    probes = unit(random.standard_normal((9, 24)))
    together = each.contenders([whole], probes, threshold=0.1, limit=10)
    for probe, one in zip(probes, together, strict=True):
        (alone,) = each.contenders([whole], probe[None], threshold=0.1, limit=10)
        assert one.compared == alone.compared
        assert one.floor == pytest.approx(alone.floor, abs=1e-6)
        scored = each.scores(vectors, one.places, probe)
        exact = reference.scores(np.ascontiguousarray(vectors.T), probe)
        assert np.array_equal(scored, exact[one.places])
        assert set(np.flatnonzero(whole.admitted & (exact >= one.floor)).tolist()) <= set(one.places.tolist())


def test_no_rows_and_none_admitted(each: Kernel) -> None:
    nothing = part(np.empty((0, 8), np.float32), np.empty(0, np.int64), np.empty(0, np.bool_))
    barred = part(unit(np.eye(8)), np.arange(8), np.zeros(8, np.bool_))
    for parts in ([], [nothing], [barred], [nothing, barred]):
        found = exhaustive.scan(each, parts, unit(np.eye(8))[0], threshold=0.5, limit=3)
        assert (found.compared, found.places.size, found.floor, found.widest) == (0, 0, 0.5, 0.0)


def test_rows_that_are_not_admitted_are_never_scored(each: Kernel) -> None:
    """SRCH-08: a record that may not be compared is skipped in the pass, not left out afterwards."""
    rows = unit(np.eye(8))
    admitted = np.array([True, False] * 4)
    poisoned = part(rows, np.arange(8), admitted)
    found = exhaustive.scan(each, [poisoned], rows[1], threshold=-1.0, limit=8)
    assert found.places.tolist() == [0, 2, 4, 6]
    assert found.compared == 4


def test_many_searches_at_once_do_not_disturb_each_other(each: Kernel) -> None:
    random = np.random.default_rng(14)
    vectors = unit(random.standard_normal((40_000, 32)))
    whole = part(vectors, np.arange(40_000), np.ones(40_000, np.bool_))
    probes = vectors[:12]

    def one(probe: Matrix) -> list[int]:
        return exhaustive.scan(each, [whole], probe, threshold=0.3, limit=5).places.tolist()

    expected = [one(probe) for probe in probes]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, probes)) == expected


def test_a_forked_child_searches_with_threads_of_its_own(kernels: dict[str, Kernel]) -> None:
    random = np.random.default_rng(15)
    vectors = unit(random.standard_normal((70_000, 16)))
    whole = part(vectors, np.arange(70_000), np.ones(70_000, np.bool_))

    def search() -> int:
        return int(exhaustive.scan(kernels["numba"], [whole], vectors[5], threshold=0.99, limit=3).places[0])

    assert search() == 5
    child = os.fork()
    if child == 0:
        os._exit(search())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5


def test_small_galleries_are_searched_without_compiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_compiled", {})
    assert kernel.choose(10_000, 512, cache_dir=tmp_path / "k", threads=2).name == "numpy-float32"
    assert not (tmp_path / "k").exists()


def test_loops_that_are_there_already_are_used_for_smaller_galleries_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: dict[str, Kernel]
) -> None:
    monkeypatch.setattr(kernel, "_compiled", {})
    monkeypatch.setattr(kernel, "_load", lambda *_: kernels["numba"])
    names = [
        kernel.choose(10_000, 512, cache_dir=tmp_path, threads=2, is_lasting=is_lasting).name
        for is_lasting in (False, True, False)
    ]
    assert names == ["numpy-float32", "numba-int4-int8", "numba-int4-int8"]
    assert kernel.choose(10, 512, cache_dir=tmp_path, threads=2, is_lasting=True).name == "numpy-float32"


def test_where_nothing_can_be_compiled_numpy_does_the_work_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(kernel, "_compiled", {})
    found = kernel.choose(10**7, 512, cache_dir=tmp_path / "file" / "k", threads=2)
    assert found.name == "numpy-float32"
    assert "no compiled kernel" in caplog.text


def test_the_folder_of_compiled_loops_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_compiled", {})
    (tmp_path / "k").mkdir(mode=0o777)
    kernel.choose(10**7, 512, cache_dir=tmp_path / "k", threads=2)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o700


_ELSEWHERE = """
import sys
import numpy as np
from pathlib import Path
from custodes.ranking import bound, exhaustive, kernel, sketch
from custodes.ranking.kernel import Part

random = np.random.Generator(np.random.PCG64(17))
vectors = random.integers(-40, 41, (20_000, 128)).astype(np.float32)
vectors /= np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None].astype(np.float32)
part = Part(
    *sketch.sketch(vectors), *bound.quantise(vectors), vectors, np.arange(20_000), random.random(20_000) < 0.5
)
loops = kernel.choose(10**9, 128, cache_dir=Path(sys.argv[1]), threads=2)
for probe in vectors[:3]:
    found = exhaustive.scan(loops, [part], probe, threshold=-1.0, limit=20)
    print(loops.name, found.floor.hex(), found.places.tolist(), [score.hex() for score in found.scores.tolist()])
"""


def test_another_instruction_set_finds_the_same(tmp_path: Path) -> None:
    """SRCH-06: loops compiled for the plainest processor of this kind, without vectors of 256 or 512 bits."""

    def run(**environ: str) -> str:
        command = [sys.executable, "-c", _ELSEWHERE, str(tmp_path / str(len(environ)))]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, check=True)
        return done.stdout

    here, plain = run(), run(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert here.startswith("numba-int4-int8")
    assert here == plain
