"""Segment files: shared, added to, written over, damaged, full; never a wrong answer."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ranking.galleries import TINY, open_gallery

from custodes.errors import SetupError
from custodes.ranking.gallery import Gallery
from custodes.ranking.memory import MemoryTemplates
from custodes.ranking.segments import file as files
from custodes.ranking.segments import manifest as manifests
from custodes.ranking.segments.layout import HEADER_BYTES, Layout
from custodes.types import Barrier, CandidateList, Contract, GalleryRow

MakeRow = Callable[..., GalleryRow]
Find = Callable[..., CandidateList]
Open = Callable[[], Gallery]


def names(found: CandidateList) -> list[int]:
    return sorted(int(candidate.subject[4:]) for candidate in found.candidates)


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "segments").glob("*.seg"))


def layout(contract: Contract) -> Layout:
    return Layout(contract.dimension, TINY.places, TINY.block)


@pytest.fixture
def twelve(source: MemoryTemplates, make_row: MakeRow) -> list[GalleryRow]:
    """Twelve rows in three files, born in twelve generations."""
    rows = [make_row(number, 30, number, 1, 0) for number in range(12)]
    for row in rows:
        source.change(born=[row])
    return rows


# --- shared ----------------------------------------------------------------------------------------


def test_what_one_process_wrote_another_maps_without_asking_the_source_for_rows(
    twelve: list[GalleryRow], open_again: Open, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find(open_again())
    monkeypatch.setattr(MemoryTemplates, "born", lambda *_: pytest.fail("asked for rows"))
    assert find(open_again()) == first
    assert names(first) == list(range(12))


def test_births_and_deaths_show_in_every_process_by_its_next_query_shr_03(
    twelve: list[GalleryRow], source: MemoryTemplates, make_row: MakeRow, open_again: Open, find: Find
) -> None:
    here, there = open_again(), open_again()
    assert find(here).compared == find(there).compared == 12
    source.change(died=[twelve[3].template_id], born=[make_row(20)])
    assert names(find(there)) == [0, 1, 2, *range(4, 12), 20]
    assert find(here) == find(there)
    barred = replace(twelve[5], eligibility=make_row(5, barriers=Barrier.YOUTH).eligibility)
    source.change(died=[twelve[5].template_id], born=[barred])
    assert 5 not in names(find(here))
    assert 5 not in names(find(there))


def test_files_are_for_their_owner_alone(twelve: list[GalleryRow], gallery: Gallery, tmp_path: Path) -> None:
    gallery.catch_up()
    folder = tmp_path / "segments"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(segments(tmp_path)) == 3


def test_a_search_under_way_keeps_its_generation_while_another_process_adds(
    twelve: list[GalleryRow], source: MemoryTemplates, make_row: MakeRow, open_again: Open
) -> None:
    here, there = open_again(), open_again()
    here.catch_up()
    view = here._current()
    living = view.living()
    source.change(died=[row.template_id for row in twelve[:6]], born=[make_row(n) for n in range(30, 40)])
    there.catch_up()
    assert view.living() == living == 12


def test_the_root_is_the_same_however_the_gallery_grew(
    twelve: list[GalleryRow], source: MemoryTemplates, open_again: Open, contract: Contract, find: Find, tmp_path: Path
) -> None:
    grown = open_again()
    before = find(grown)
    source.change(died=[twelve[0].template_id])
    after = find(grown)
    afresh = open_gallery(source, contract, tmp_path / "another")
    assert find(afresh).certificate == after.certificate
    assert before.certificate.root != after.certificate.root
    assert find(afresh, generation=12).certificate.root == before.certificate.root


# --- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", ["codes", "scales", "owner", "barriers", "searchable_until", "subject", "commitment"])
def test_a_damaged_block_is_never_searched_and_the_files_are_built_again(
    array: str, twelve: list[GalleryRow], open_again: Open, contract: Contract, find: Find, tmp_path: Path
) -> None:
    right = find(open_again())
    target = layout(contract).arrays[array]
    for place in (0, TINY.places - 1):
        _flip(segments(tmp_path)[0], target.offset + place * target.step)
        assert find(open_again()) == right


def test_a_damaged_template_is_found_where_it_is_scored(
    twelve: list[GalleryRow], open_again: Open, contract: Contract, find: Find, tmp_path: Path
) -> None:
    gallery = open_again()
    right = find(gallery)
    for path in segments(tmp_path):
        _flip(path, layout(contract).arrays["vectors"].offset)
    assert find(gallery) == right
    assert gallery.scrub() == 12


def test_a_scrub_finds_damage_that_no_search_has_met(
    twelve: list[GalleryRow], gallery: Gallery, contract: Contract, find: Find, tmp_path: Path
) -> None:
    right = find(gallery)
    _flip(segments(tmp_path)[-1], layout(contract).arrays["codes"].offset)
    with pytest.raises(SetupError) as caught:
        gallery.scrub()
    assert caught.value.code == "gallery.damaged"
    assert find(gallery) == right
    assert gallery.scrub() == 12


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: os.truncate(path, 5_000),
        lambda path: path.write_bytes(b""),
        lambda path: _flip(path, 3),
        lambda path: _flip(path, HEADER_BYTES),
    ],
    ids=["missing", "cut", "empty", "header", "checksums"],
)
def test_a_file_that_cannot_be_read_is_built_again(
    harm: Callable[[Path], object], twelve: list[GalleryRow], open_again: Open, find: Find, tmp_path: Path
) -> None:
    right = find(open_again())
    harm(segments(tmp_path)[1])
    assert find(open_again()) == right


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"null", b"[" * 100_000, b'{"sum": 1}', b"\xff", None],
    ids=["empty", "object", "null", "deep", "unsigned", "bytes", "altered"],
)
def test_a_manifest_that_does_not_verify_is_as_good_as_none(
    text: bytes | None, twelve: list[GalleryRow], open_again: Open, find: Find, tmp_path: Path
) -> None:
    right = find(open_again())
    path = tmp_path / "segments" / manifests.NAME
    if text is None:
        said = json.loads(path.read_bytes())
        said["generation"] = 11
        text = json.dumps(said).encode()
    path.write_bytes(text)
    assert find(open_again()) == right


def test_files_of_a_history_that_the_source_does_not_have_are_given_up(
    twelve: list[GalleryRow], source: MemoryTemplates, contract: Contract, make_row: MakeRow, find: Find, tmp_path: Path
) -> None:
    """A database put back from a backup, and added to until it reached the same generation."""
    find(open_gallery(source, contract, tmp_path / "segments"))
    restored = MemoryTemplates(contract, twelve[:3])
    for number in range(40, 51):
        restored.change(born=[make_row(number)])
    assert restored.generation() == source.generation()
    restored.change(born=[make_row(60)])
    found = find(open_gallery(restored, contract, tmp_path / "segments"))
    assert names(found) == [0, 1, 2, *range(40, 51), 60]


# --- full, interrupted -----------------------------------------------------------------------------


@pytest.mark.parametrize("writes", range(0, 60, 7))
def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(
    writes: int,
    source: MemoryTemplates,
    make_row: MakeRow,
    open_again: Open,
    find: Find,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = [make_row(number) for number in range(4)]
    source.change(born=first)
    before = find(open_again())
    source.change(died=[first[0].template_id], born=[make_row(number) for number in range(10, 17)])
    real, left = os.pwrite, iter(range(writes))

    def filling(descriptor: int, data: bytes, offset: int) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "pwrite", filling)
        gallery = open_again()
        with pytest.raises(SetupError) as caught:
            find(gallery)
        assert caught.value.code == "gallery.folder-unusable"
    assert find(open_again(), generation=before.generation).candidates == before.candidates
    assert names(find(gallery)) == [1, 2, 3, *range(10, 17)]


def test_a_folder_that_cannot_be_made_is_one_clear_error(
    source: MemoryTemplates, contract: Contract, find: Find, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError) as caught:
        find(open_gallery(source, contract, tmp_path / "file" / "segments"))
    assert caught.value.code == "gallery.folder-unusable"


# --- erasure ---------------------------------------------------------------------------------------


def test_a_destroyed_row_s_bytes_are_in_no_file_and_its_neighbours_stay_ret_06(
    twelve: list[GalleryRow], source: MemoryTemplates, open_again: Open, find: Find, tmp_path: Path
) -> None:
    here, there = open_again(), open_again()
    assert find(here) == find(there)
    gone = twelve[7]
    held = (gone.vector.tobytes(), gone.template_id.encode(), gone.photograph.encode(), gone.subject.encode())
    assert all(any(part in path.read_bytes() for path in segments(tmp_path)) for part in held)
    source.destroy(gone.template_id)
    assert here.erase([(gone.template_id, 8)]) == 1
    assert not any(part in path.read_bytes() for path in segments(tmp_path) for part in held)
    assert names(find(there)) == [*range(7), *range(8, 12)]
    assert find(there, generation=12).compared == 11
    assert here.erase([(gone.template_id, 8)]) == 0
    assert there.scrub() == 12


def test_erasure_reaches_rows_that_a_broken_addition_left_behind(
    source: MemoryTemplates, make_row: MakeRow, open_again: Open, find: Find, tmp_path: Path
) -> None:
    class Breaking(MemoryTemplates):
        def died(self, *_: object) -> None:  # type: ignore[override]
            raise OSError("the source went away")

    source.change(born=[make_row(1)])
    find(open_again())
    source.change(born=[make_row(2, 0, 0, 3, 1)])
    source.__class__ = Breaking
    with pytest.raises(OSError, match="went away"):
        open_again().catch_up()
    source.__class__ = MemoryTemplates
    left = make_row(2, 0, 0, 3, 1)
    assert any(left.vector.tobytes() in path.read_bytes() for path in segments(tmp_path))
    source.destroy(left.template_id)
    open_again().erase([(left.template_id, 2)])
    assert not any(left.vector.tobytes() in path.read_bytes() for path in segments(tmp_path))
    assert names(find(open_again())) == [1]


def test_erasure_reaches_files_that_were_replaced_but_are_still_read(
    twelve: list[GalleryRow], source: MemoryTemplates, open_again: Open, tmp_path: Path
) -> None:
    reading, other = open_again(), open_again()
    reading.catch_up()
    held = reading._current()
    other.catch_up()
    other.rebuild()
    other.catch_up()
    assert len(segments(tmp_path)) == 6
    source.destroy(twelve[0].template_id)
    other.erase([(twelve[0].template_id, 1)])
    assert not any(twelve[0].vector.tobytes() in path.read_bytes() for path in segments(tmp_path))
    assert not held.segments[0].vectors[0].any()
    del held
    reading.catch_up()
    source.change(died=[twelve[1].template_id])
    other.catch_up()
    assert len(segments(tmp_path)) == 3


def _flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 4]))
