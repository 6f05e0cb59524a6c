"""Sealing entries that were committed: positions, tiles, checkpoints, copies, and what a crash in between leaves."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, key
from tests.ledger.sealing import KeyType as Kind

from custodes.errors import Conflict, CustodesError, SetupError
from custodes.ids import EntryId
from custodes.ledger import sealer as module
from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.memory import MemoryEntryStore
from custodes.ledger.note import sign_note
from custodes.ledger.sealer import BATCH, SealedFolder, Sealer
from custodes.ledger.tiles import TilePath
from custodes.types import Entry, Phase

_SIGNER = key(ORIGIN, Kind.ED25519)


def _sign(checkpoint: Checkpoint) -> bytes:
    return bytes(sign_note(str(checkpoint), [_SIGNER], NOW))


class Log:
    """Entries in memory, sealed into ``folder``."""

    def __init__(self, folder: Path, *copies: Path) -> None:
        self.entries = MemoryEntryStore()
        self.folder = folder
        self.copies = copies
        self.sealer = self.new_sealer()

    def new_sealer(self) -> Sealer:
        """A sealer as after a new start of the process."""
        folders = [SealedFolder(FolderTileStore(path)) for path in (self.folder, *self.copies)]
        return Sealer(self.entries, folders[0], ORIGIN, _sign, copies=folders[1:])

    def write(self, *bodies: bytes) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        with self.entries.transaction():
            self.entries.add([Entry(EntryId(f"ent_{id(body)}"), at, "k", Phase.ALONE, body) for body in bodies])

    def checkpoint(self) -> Checkpoint:
        published = SealedFolder(FolderTileStore(self.folder)).published()
        assert published
        return published


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def bodies(count: int, first: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(first, first + count)]


def verified(folder: Path) -> int:
    """Return what the stand-alone verifier says of the folder: 0 if all is well."""
    return verify.main(["log", str(folder), "--key", str(_SIGNER.verifier)])


def test_an_empty_log_is_signed_too(log: Log) -> None:
    assert log.sealer.seal().size == 0
    assert log.checkpoint().size == 0


def test_what_was_committed_is_sealed_and_the_verifier_finds_it(log: Log) -> None:
    log.write(*bodies(700))
    done = log.sealer.seal()
    assert (done.given, done.size) == (700, 700)
    assert log.checkpoint().size == 700
    assert verified(log.folder) == 0


def test_nothing_new_writes_nothing(log: Log) -> None:
    log.write(*bodies(3))
    log.sealer.seal()
    before = {path: path.stat().st_mtime_ns for path in log.folder.rglob("*")}
    assert log.sealer.seal().given == 0
    assert {path: path.stat().st_mtime_ns for path in log.folder.rglob("*")} == before


def test_a_sealer_that_starts_anew_goes_on_where_the_log_ends(log: Log) -> None:
    for first in range(0, 1500, 100):
        log.write(*bodies(100, first))
        assert log.new_sealer().seal().size == first + 100
    assert verified(log.folder) == 0


def test_one_round_seals_one_batch_and_all_rounds_everything(log: Log) -> None:
    log.write(*bodies(BATCH + 5))
    assert log.sealer.seal().given == BATCH
    log.write(*bodies(BATCH, BATCH + 5))
    done = log.sealer.seal_all()
    assert (done.given, done.size) == (BATCH + 5, 2 * BATCH + 5)
    assert verified(log.folder) == 0


def test_partial_tiles_go_when_the_full_one_is_there(log: Log) -> None:
    for number in range(260):
        log.write(b"entry %d" % number)
        log.sealer.seal()
    assert sorted(str(path.relative_to(log.folder)) for path in log.folder.rglob("000.p")) == ["tile/1/000.p"]
    assert FolderTileStore(log.folder).read(TilePath(0, 0)) is not None
    assert verified(log.folder) == 0


class CrashError(Exception):
    """The process ends here."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 12)), min_size=1, max_size=6))
def test_a_crash_at_any_write_is_harmless(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[int, int]]
) -> None:
    """After each, another sealer comes to the log that an unbroken one would have written."""
    log = Log(tmp_path_factory.mktemp("log"))
    total = 0
    for count, writes_left in deeds:
        log.write(*bodies(count, total))
        total += count
        with pytest.MonkeyPatch.context() as patch:
            left = [writes_left]

            def counted(path: Path, data: bytes, left: list[int] = left) -> None:
                if not left[0]:
                    raise CrashError
                left[0] -= 1
                path.write_bytes(data)

            patch.setattr("custodes.ledger.folder._write_flushed", counted)
            try:
                log.new_sealer().seal()
            except CrashError:
                continue
    assert log.new_sealer().seal_all().size == total
    unbroken = Log(tmp_path_factory.mktemp("unbroken"))
    unbroken.write(*bodies(total))
    unbroken.sealer.seal_all()
    assert log.checkpoint() == unbroken.checkpoint()
    assert verified(log.folder) == 0


def test_a_sealer_goes_on_after_an_error_of_its_folder(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(*bodies(300))
    with monkeypatch.context() as patch:
        patch.setattr("custodes.ledger.folder._flush", _no_space)
        with pytest.raises(SetupError, match=r"ledger\.folder-unusable"):
            log.sealer.seal()
    log.write(*bodies(10, 300))
    assert log.sealer.seal().size == 310
    assert verified(log.folder) == 0


def _no_space(folders: Sequence[Path]) -> None:
    raise OSError(28, "No space left on device")


def test_a_rollback_of_the_database_stops_the_sealer(log: Log) -> None:
    """Yesterday's backup put back: the published log is longer than what the database holds."""
    log.write(*bodies(10))
    log.sealer.seal()
    del log.entries.entries[6:]
    with pytest.raises(Conflict, match=r"ledger\.database-behind"):
        log.new_sealer().seal()
    log.write(*bodies(3, 100))
    with pytest.raises(Conflict, match=r"ledger\.database-behind"):
        log.new_sealer().seal()
    assert log.checkpoint().size == 10
    assert log.entries.size() == 6, "the positions of what is to be restored are given to nothing else"


def test_a_rollback_that_was_written_past_the_log_again_stops_the_sealer(log: Log) -> None:
    log.write(*bodies(10))
    log.sealer.seal()
    del log.entries.entries[6:]
    log.write(*bodies(30, 100))
    with pytest.raises(Conflict, match=r"ledger\.database-behind"):
        log.new_sealer().seal()
    log.entries.give_positions(1000)
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        log.new_sealer().seal()
    assert log.checkpoint().size == 10


def test_an_entry_edited_at_the_end_of_the_log_stops_a_sealer_that_starts(log: Log) -> None:
    log.write(*bodies(10))
    log.sealer.seal()
    first = log.entries.entries[4]
    log.entries.entries[4] = Entry(first.id, first.at, first.kind, first.phase, b"another", position=4)
    log.write(b"more")
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        log.new_sealer().seal()


def test_another_logs_folder_is_refused(log: Log, tmp_path: Path) -> None:
    """Two logs swapped."""
    log.write(*bodies(10))
    log.sealer.seal()
    other = Log(log.folder)
    other.write(*bodies(20, 500))
    with pytest.raises(CustodesError, match=r"ledger\.(database-behind|history-differs|tile-sealed)"):
        other.sealer.seal()


def test_a_larger_made_up_checkpoint_stops_the_sealer(log: Log) -> None:
    log.write(*bodies(10))
    log.sealer.seal()
    FolderTileStore(log.folder).write_checkpoint(_sign(Checkpoint(ORIGIN, 1000, b"r" * 32)))
    with pytest.raises(CustodesError, match=r"ledger\.(tile-missing|database-behind)"):
        log.new_sealer().seal()


def test_another_root_of_the_same_size_stops_the_sealer(log: Log) -> None:
    log.write(*bodies(10))
    log.sealer.seal()
    FolderTileStore(log.folder).write_checkpoint(_sign(Checkpoint(ORIGIN, 10, b"r" * 32)))
    log.write(b"more")
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        log.new_sealer().seal()


def test_a_log_whose_folder_was_lost_is_written_again_from_the_entries(log: Log) -> None:
    log.write(*bodies(600))
    log.sealer.seal()
    kept = log.checkpoint()
    shutil.rmtree(log.folder)
    assert log.new_sealer().seal().size == 600
    assert log.checkpoint() == kept


def test_copies_off_the_host_are_as_good_as_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", tmp_path / "copy")
    for first in range(0, 600, 200):
        log.write(*bodies(200, first))
        assert log.sealer.seal().copies_behind == ()
    assert verified(tmp_path / "copy") == 0


def test_a_copy_that_cannot_be_written_delays_nothing_and_catches_up(tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("in the way")
    log = Log(tmp_path / "log", tmp_path / "copy")
    log.write(*bodies(300))
    assert log.sealer.seal().copies_behind == ("ledger.folder-unusable",)
    assert log.checkpoint().size == 300
    (tmp_path / "copy").unlink()
    log.write(*bodies(300, 300))
    assert log.sealer.seal().copies_behind == ()
    assert verified(tmp_path / "copy") == 0


def test_a_copy_of_another_history_is_left_as_it_is(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", tmp_path / "copy")
    log.write(*bodies(400))
    log.sealer.seal()
    shutil.rmtree(tmp_path / "copy")
    other = Log(tmp_path / "copy")
    other.write(*bodies(300, 5000))
    other.sealer.seal()
    log.write(*bodies(200, 400))
    (code,) = log.sealer.seal().copies_behind
    assert code in {"ledger.history-differs", "ledger.tile-sealed"}
    assert other.checkpoint().size == 300


def test_nothing_is_begun_where_a_copy_has_more_than_the_database(tmp_path: Path) -> None:
    """Attack: folder and database put back together, the copy off the host left as it is."""
    other = Log(tmp_path / "copy")
    other.write(*bodies(300))
    other.sealer.seal()
    log = Log(tmp_path / "log", tmp_path / "copy")
    log.write(*bodies(200))
    with pytest.raises(Conflict, match=r"ledger\.copy-ahead"):
        log.sealer.seal()
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_entries_of_any_batch_give_the_same_log(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 37)
    log.write(*bodies(500))
    log.sealer.seal_all()
    one = Log(tmp_path / "one")
    monkeypatch.setattr(module, "BATCH", 1000)
    one.write(*bodies(500))
    one.sealer.seal()
    assert log.checkpoint() == one.checkpoint()
