"""Compaction gives places back and changes no answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from custodes.ranking.gallery import Gallery
from custodes.ranking.memory import MemoryTemplates
from custodes.ranking.segments.folder import SegmentFolder
from custodes.types import CandidateList, GalleryRow

MakeRow = Callable[..., GalleryRow]
Find = Callable[..., CandidateList]
Open = Callable[[], Gallery]


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "segments").glob("*.seg"))


def destroy(source: MemoryTemplates, gallery: Gallery, rows: list[GalleryRow]) -> None:
    born = {row.template_id: row.born for row in source.born(gallery.contract, -1, source.generation())}
    for row in rows:
        source.destroy(row.template_id)
    gallery.erase([(row.template_id, born[row.template_id]) for row in rows])


@pytest.fixture
def rows(source: MemoryTemplates, make_row: MakeRow) -> list[GalleryRow]:
    """22 rows in five files, the last with two."""
    made = [make_row(number, 30, number, 1, 0, subject=number % 9) for number in range(22)]
    for row in made:
        source.change(born=[row])
    return made


def test_files_with_destroyed_rows_become_fewer_and_every_list_stays_the_same(
    rows: list[GalleryRow], source: MemoryTemplates, open_again: Open, find: Find, tmp_path: Path
) -> None:
    gallery = open_again()
    gallery.catch_up()
    destroy(source, gallery, [row for number, row in enumerate(rows) if number % 2])
    source.change(died=[rows[4].template_id])
    before, then = find(gallery), find(gallery, generation=12)
    assert gallery.compact() == 10
    for one in (gallery, open_again()):
        assert find(one) == before
        assert find(one, generation=12) == then
        assert one.scrub() == 12
    gallery.catch_up()
    source.change(died=[rows[6].template_id])
    gallery.catch_up()
    assert len(segments(tmp_path)) == 3
    assert gallery.compact() == 0


def test_a_search_in_another_process_goes_on_while_files_are_exchanged(
    rows: list[GalleryRow], source: MemoryTemplates, open_again: Open, find: Find
) -> None:
    here, there = open_again(), open_again()
    here.catch_up()
    destroy(source, here, rows[:15])
    before = find(there)
    view = there._current()
    assert here.compact() == 15
    assert [segment.rows for segment in view.segments] == [5, 5, 5, 5, 2]
    assert int(view.segments[3].born[0]) == 16
    assert find(there) == before


def test_a_file_that_changed_while_it_was_copied_is_not_exchanged(
    rows: list[GalleryRow], source: MemoryTemplates, open_again: Open, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, other = open_again(), open_again()
    gallery.catch_up()
    destroy(source, gallery, rows[:4])
    find(gallery)
    real = SegmentFolder.exchange

    def late(self: SegmentFolder, *args: object) -> bool:
        source.change(died=[rows[4].template_id])
        find(other)
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(SegmentFolder, "exchange", late)
    assert gallery.compact() == 0
    monkeypatch.undo()
    assert min(int(c.photographs[0][4:]) for c in find(gallery).candidates) == 5
    assert gallery.compact() == 4
    assert find(gallery) == find(other)


def test_a_compaction_that_was_killed_leaves_a_file_that_the_next_change_removes(
    rows: list[GalleryRow], source: MemoryTemplates, open_again: Open, find: Find, tmp_path: Path
) -> None:
    gallery = open_again()
    gallery.catch_up()
    destroy(source, gallery, rows[:8])
    before = find(gallery)
    child = os.fork()
    if child == 0:
        SegmentFolder.exchange = lambda *_: os.kill(os.getpid(), 9)  # type: ignore[method-assign, assignment]
        gallery.compact()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert len(segments(tmp_path)) == 6
    assert find(open_again()) == before
    source.change(died=[rows[20].template_id])
    gallery.catch_up()
    assert len(segments(tmp_path)) == 5
    assert gallery.compact() == 8
