"""Tiles as files in a folder, laid out as `tlog-tiles` serves them, so that the folder *is* the published log.

Each file is written beside the tree (``incoming/``), flushed to the disk, and renamed to its place; then the folders
it was renamed into are flushed.  So a tile is whole or absent after a crash, whatever the moment, and a reader never
sees half of one.  A path that has bytes keeps them: other bytes for it are an error, the same bytes are nothing to do,
which makes writing again after a crash harmless.

The checkpoint is the one file that changes.  It is written the same way, last, so that it never covers a tile that is
not there.  One process writes; who that is, is the sealer's lock to say, not this module's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from custodes.errors import SetupError
from custodes.ledger.tiles import TilePath, sealed_already
from custodes.text import N_

_CHECKPOINT = "checkpoint"
_INCOMING = "incoming"


class FolderTileStore:
    """A :class:`~custodes.ledger.tiles.TileStore` in ``folder``, which is made when it does not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: TilePath) -> bytes | None:
        return self._read(str(path))

    def write(self, tiles: Mapping[TilePath, bytes]) -> None:
        new: dict[str, bytes] = {}
        for path, data in tiles.items():
            kept = self.read(path)
            if kept is None:
                new[str(path)] = data
            elif kept != data:
                raise sealed_already(path)
        self._put(new)

    def read_checkpoint(self) -> bytes | None:
        """Return the signed checkpoint as it was written, None before the first."""
        return self._read(_CHECKPOINT)

    def write_checkpoint(self, note: bytes) -> None:
        """Replace the checkpoint; to be called after the tiles that it covers were written."""
        self._put({_CHECKPOINT: note})

    def read_named(self, name: str) -> bytes | None:
        """Return a file that lies beside the tiles, None if there is none."""
        return self._read(name)

    def write_named(self, name: str, data: bytes) -> None:
        """Replace a file that lies beside the tiles, whole or not at all."""
        self._put({name: data})

    def drop_partials(self, full: TilePath) -> None:
        """Remove the partial tiles that the full one at ``full`` replaced (`tlog-tiles`, "Partial Tiles").

        Does nothing while the full tile is not there.
        """
        beside = self.folder / (str(full.full) + ".p")
        if self.read(full.full) is None or not beside.is_dir():
            return
        try:
            for partial in beside.iterdir():
                partial.unlink()
            beside.rmdir()
        except OSError as error:
            raise _unusable(error) from error

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(error) from error

    def _put(self, files: Mapping[str, bytes]) -> None:
        try:
            touched: set[Path] = set()
            for name, data in files.items():
                target = self.folder / name
                touched |= _make_folders(target.parent) | {target.parent}
                _write_flushed(self._waiting(name), data)
                self._waiting(name).replace(target)
            _flush(touched)
        except OSError as error:
            raise _unusable(error) from error

    def _waiting(self, name: str) -> Path:
        incoming = self.folder / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        return incoming / name.replace("/", "-")


def _make_folders(folder: Path) -> set[Path]:
    """Make ``folder`` with its parents; return the folders that got a new one, which have to be flushed too."""
    parents: set[Path] = set()
    missing = folder
    while not missing.is_dir():
        parents.add(missing.parent)
        missing = missing.parent
    folder.mkdir(parents=True, exist_ok=True)
    return parents


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush(folders: Iterable[Path]) -> None:
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unusable(error: OSError) -> SetupError:
    return SetupError(
        "ledger.folder-unusable",
        N_("The folder of the log cannot be read or written."),
        why=N_("The operating system says: %(reason)s."),
        hint=N_("Check that the disk is there, has room, and belongs to the account that Custodes runs as."),
        reason=error.strerror or "",
    )
