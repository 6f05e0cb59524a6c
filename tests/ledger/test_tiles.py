"""Tiles, bundles and the folder they lie in: C2SP tlog-tiles, and what a crash or a second history may do to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import code_of, numbered

from custodes.errors import Conflict, InputError, SetupError
from custodes.ledger import tree
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.tiles import (
    ENTRIES,
    MemoryTileStore,
    TilePath,
    TileReader,
    TileStore,
    encode_bundle,
    parse_bundle,
    parse_hashes,
    partial_widths,
    read_tile,
)


@pytest.fixture(params=["memory", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TileStore:
    return MemoryTileStore() if request.param == "memory" else FolderTileStore(tmp_path / "log")


# --- paths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (TilePath(0, 1_234_067), "tile/0/x001/x234/067"),  # the example of tlog-tiles, "Merkle Tree"
        (TilePath(0, 0), "tile/0/000"),
        (TilePath(0, 273, 112), "tile/0/273.p/112"),
        (TilePath(2, 0, 1), "tile/2/000.p/1"),
        (TilePath(63, 999), "tile/63/999"),
        (TilePath(1, 1000), "tile/1/x001/000"),
        (TilePath(ENTRIES, 1_234_067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_paths_are_spelled_as_the_specification_spells_them(path: TilePath, text: str) -> None:
    assert str(path) == text
    assert TilePath.parse(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/1",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/data/000",
        "tile/0/٠٠٠",
        "tile/0/../../checkpoint",
        "tile/0/" + "x001/" * 1000 + "001",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    assert code_of(lambda: TilePath.parse(text)) == "ledger.tile-path-malformed"


@given(st.integers(-1, 63), st.integers(0, 2**62), st.integers(1, 256))
def test_every_path_can_be_read_back(level: int, index: int, width: int) -> None:
    path = TilePath(level, index, width)
    assert TilePath.parse(str(path)) == path


def test_a_tree_of_70_000_has_the_partial_tiles_of_the_specification() -> None:
    """tlog-tiles, "Partial Tiles": 112 at level 0, 17 at level 1, 1 at level 2."""
    assert set(map(str, partial_widths(70_000))) == {
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }
    assert set(map(str, partial_widths(256))) == {"tile/1/000.p/1"}
    assert list(partial_widths(0)) == []


# --- contents ---------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_holds_the_entries_and_nothing_else(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert parse_bundle(data, len(entries)) == entries
    for width in {len(entries) - 1, len(entries) + 1} - {-1}:
        assert code_of(lambda wide=width: parse_bundle(data, wide)) == "ledger.bundle-malformed"


def test_an_entry_may_have_65535_bytes_and_not_one_more() -> None:
    assert parse_bundle(encode_bundle([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(InputError, match=r"ledger.entry-too-long"):
        encode_bundle([b"", bytes(65_536)])


@given(st.binary(max_size=700), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_a_domain_error(data: bytes, width: int) -> None:
    if not code_of(lambda: parse_bundle(data, width)):
        assert encode_bundle(parse_bundle(data, width)) == data
    assert code_of(lambda: parse_hashes(data, width)) in {"", "ledger.tile-malformed"}


# --- growing and reading ----------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [[0], [1], [255, 1], [256], [257], [300, 211, 1, 1], [1000]])
def test_a_grown_log_has_the_root_and_the_entries_that_were_appended(store: TileStore, batches: list[int]) -> None:
    entries: list[bytes] = []
    for count in batches:
        batch = numbered(count, len(entries))
        entries += batch
        growth = Growth(store, len(entries) - count)  # as after a restart
        growth.append(batch)
    reader = TileReader(store, len(entries))
    assert reader.root() == growth.root() == tree.root_of([tree.leaf_hash(entry) for entry in entries])
    assert [reader.entry(index) for index in range(len(entries))] == entries


def test_proofs_come_out_of_the_tiles(store: TileStore) -> None:
    entries = numbered(70_000)
    Growth(store).append(entries)
    reader = TileReader(store, len(entries))
    root = reader.root()
    for index in [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999]:
        proof = tree.inclusion_proof(reader, index, len(entries))
        tree.verify_inclusion(tree.leaf_hash(entries[index]), index, len(entries), proof, root)
    for old in [1, 255, 256, 300, 65_536, 69_999]:
        before = tree.range_root(reader, 0, old)
        tree.verify_consistency(old, before, 70_000, root, tree.consistency_proof(reader, old, 70_000))
    grown = tree.CompactRange.read(reader, 70_000)
    assert grown.root() == root


def test_an_older_size_is_read_after_its_partial_tiles_are_gone(tmp_path: Path) -> None:
    store = FolderTileStore(tmp_path)
    growth = Growth(store)
    growth.append(numbered(200))
    old = growth.root()
    growth.append(numbered(400, 200))
    for path in [TilePath(ENTRIES, 0), TilePath(0, 0), TilePath(0, 1)]:
        store.drop_partials(path)
    assert store.read(TilePath(0, 0, 200)) is None
    assert TileReader(store, 200).root() == old
    assert TileReader(store, 200).entry(199) == numbered(200)[199]
    assert {path.parent.name for path in tmp_path.glob("tile/*/000.p")} == {"1"}


def test_partial_tiles_stay_until_the_full_one_is_there(tmp_path: Path) -> None:
    store = FolderTileStore(tmp_path)
    Growth(store).append(numbered(200))
    store.drop_partials(TilePath(0, 0))
    assert store.read(TilePath(0, 0, 200)) is not None


def test_what_the_tree_does_not_have_is_the_callers_mistake(store: TileStore) -> None:
    Growth(store).append(numbered(300))
    reader = TileReader(store, 300)
    for mistake in (lambda: reader.entry(300), lambda: reader.node(9, 0), lambda: reader.node(0, 512)):
        with pytest.raises(ValueError, match="has no such"):
            mistake()


def test_a_missing_tile_is_named(store: TileStore) -> None:
    with pytest.raises(SetupError, match=r"\[ledger.tile-missing\] tile/entries/000.p/7"):
        Growth(store, 7)


# --- one history only -------------------------------------------------------------------------------


def test_a_sealed_tile_is_never_given_other_bytes(store: TileStore) -> None:
    Growth(store).append(numbered(300))
    before = {path: read_tile(store, path) for path in [TilePath(0, 0), TilePath(ENTRIES, 0), TilePath(0, 1, 44)]}
    for size, other in [(0, numbered(256, 7)), (0, [*numbered(299), b"another"])]:
        with pytest.raises(Conflict, match=r"ledger.tile-sealed"):
            Growth(store, size).append(other)
    assert {path: read_tile(store, path) for path in before} == before


def test_writing_again_after_a_crash_comes_to_the_same_bytes(store: TileStore) -> None:
    Growth(store).append(numbered(300))
    again = Growth(store, 0)
    again.append(numbered(100))
    again.append(numbered(500, 100))
    assert TileReader(store, 600).root() == tree.root_of([tree.leaf_hash(entry) for entry in numbered(600)])


def test_an_entry_that_is_too_long_leaves_the_log_as_it_was(store: TileStore) -> None:
    growth = Growth(store)
    growth.append(numbered(3))
    with pytest.raises(InputError, match=r"ledger.entry-too-long"):
        growth.append([b"fine", bytes(70_000)])
    growth.append(numbered(1, 3))
    assert TileReader(store, 4).root() == tree.root_of([tree.leaf_hash(entry) for entry in numbered(4)])


# --- the folder -------------------------------------------------------------------------------------


def test_files_and_folders_are_flushed_before_a_write_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    flush, rename = os.fsync, Path.replace

    def seen_flush(descriptor: int) -> None:
        done.append(("flush", Path(f"/proc/self/fd/{descriptor}").resolve().relative_to(tmp_path).as_posix()))
        flush(descriptor)

    def seen_rename(self: Path, target: Any) -> Path:
        done.append(("rename", Path(target).relative_to(tmp_path).as_posix()))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", seen_flush)
    monkeypatch.setattr(Path, "replace", seen_rename)
    FolderTileStore(tmp_path).write({TilePath(0, 1): bytes(8192)})
    assert done[:2] == [("flush", "incoming/tile-0-001"), ("rename", "tile/0/001")]
    assert {where for what, where in done[2:] if what == "flush"} >= {".", "tile", "tile/0"}


@pytest.mark.parametrize("moment", range(6))
def test_a_crash_at_any_moment_leaves_whole_tiles_and_the_old_checkpoint(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderTileStore(tmp_path)
    Growth(store).append(numbered(300))
    store.write_checkpoint(b"old")
    calls = 0

    def dying(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > moment:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", dying)
        with pytest.raises(KeyboardInterrupt):
            Growth(store, 300).append(numbered(300, 300))
    assert store.read_checkpoint() == b"old"
    assert TileReader(store, 300).root() == tree.root_of([tree.leaf_hash(entry) for entry in numbered(300)])
    Growth(store, 300).append(numbered(300, 300))
    assert TileReader(store, 600).root() == tree.root_of([tree.leaf_hash(entry) for entry in numbered(600)])


def test_a_folder_that_cannot_be_used_is_a_domain_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a file")
    store = FolderTileStore(tmp_path / "log")
    assert store.read(TilePath(0, 0)) is None
    with pytest.raises(SetupError, match=r"ledger.folder-unusable"):
        store.write({TilePath(0, 0): bytes(8192)})
    (tmp_path / "other" / "checkpoint").mkdir(parents=True)
    with pytest.raises(SetupError, match=r"ledger.folder-unusable"):
        FolderTileStore(tmp_path / "other").read_checkpoint()


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert FolderTileStore(tmp_path).read_checkpoint() is None
