"""Where segments may lie: in a folder that is this account's own, whoever else may write beside it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from custodes.errors import SetupError
from custodes.text import N_


def make_private(folder: Path) -> None:
    """Make ``folder``, or take it if it is this account's own, for nobody else to enter.

    Its parent may be everybody's, as /dev/shm is: a folder that somebody else laid there first, or a link, is not
    taken.

    Raises:
        SetupError: ``gallery.folder-unusable``.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(folder))
        folder.chmod(0o700)
    except OSError as error:
        raise unusable(error) from error


def unusable(error: OSError) -> SetupError:
    """Return the error for files of the gallery that cannot be made, read or written."""
    return SetupError(
        "gallery.folder-unusable",
        N_("The folder of the gallery's segments cannot be used (%(reason)s)."),
        why=N_("Templates are searched from there; without it nothing can be compared."),
        hint=N_("Make room, or set CUSTODES_SEGMENT_DIR to another memory-backed or encrypted folder."),
        reason=error.strerror or type(error).__name__,
    )
