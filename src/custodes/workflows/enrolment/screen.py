"""What a row must pass before its image is opened: its agency, its uniqueness, a path that stays in the folder."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.workflows.enrolment.manifest import Row


class Seen:
    """Which keys have been seen, in a private database on disk that SQLite removes by itself.

    A file of millions of rows stays out of memory.
    """

    def __init__(self) -> None:
        self._keys = sqlite3.connect("", isolation_level=None)
        self._keys.executescript("PRAGMA journal_mode=OFF; CREATE TABLE seen (key INTEGER PRIMARY KEY);")

    def is_new(self, *parts: str) -> bool:
        """Note a key and return whether it was not there."""
        return self._keys.execute("INSERT OR IGNORE INTO seen VALUES (?)", (_number(*parts),)).rowcount == 1

    def has(self, *parts: str) -> bool:
        """Return whether a key is there."""
        return self._keys.execute("SELECT 1 FROM seen WHERE key = ?", (_number(*parts),)).fetchone() is not None

    def close(self) -> None:
        """Forget what was seen."""
        self._keys.close()


def _number(*parts: str) -> int:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class Screen:
    """Screens the rows of one manifest, in order, for one service.

    ``agencies``: code → name of every registered service. ``own``: the code whose rows may be enrolled.
    """

    def __init__(self, folder: Path, own: str, agencies: Mapping[str, str]) -> None:
        self._folder = folder.resolve()
        self._own = own
        self._agencies = agencies
        self._seen = Seen()

    def check(self, row: Row) -> Path:
        """Return where the row's image is.

        Raises:
            ManifestError: ``row.unknown-agency``, ``row.other-agency``, ``row.duplicate``, ``row.path-leaves-folder``
                or ``row.image-missing``.
        """
        if row.agency not in self._agencies:
            raise ManifestError(
                "row.unknown-agency",
                N_("The row's service is not registered under that code."),
                hint=N_("Map its code to one of %(known)s under [values.agency]."),
                known=", ".join(self._agencies),
            )
        if row.agency != self._own:
            raise ManifestError(
                "row.other-agency",
                N_("The row belongs to another service than yours."),
                hint=N_("Each service enrols its own records."),
            )
        image = PurePosixPath(row.image.replace("\\", "/"))
        if not self._seen.is_new(row.booking_number, str(image)):
            raise ManifestError(
                "row.duplicate",
                N_("The same photograph of the same booking is in an earlier row."),
                hint=N_("Remove one of the two rows; the earlier one counts."),
            )
        return image_path(self._folder, row.image)

    def close(self) -> None:
        """Forget what was seen."""
        self._seen.close()


def image_path(folder: Path, relative: str) -> Path:
    """Return ``folder/relative`` if it is a file inside ``folder``, links resolved.

    Raises:
        ManifestError: ``row.path-leaves-folder`` or ``row.image-missing``.
    """
    try:
        path = (folder / relative.replace("\\", "/")).resolve()
        foreign = PureWindowsPath(relative)
        inside = path.is_relative_to(folder) and not (foreign.drive or foreign.root)
        exists = inside and path.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, exists = True, False
    if not inside:
        raise ManifestError(
            "row.path-leaves-folder",
            N_("The image's path leads out of the images' folder."),
            hint=N_("Paths are relative to the folder given with --images, and may not leave it."),
        )
    if not exists:
        raise ManifestError(
            "row.image-missing",
            N_("There is no such image in the images' folder."),
            hint=N_("Check the path and the folder given with --images."),
        )
    return path
