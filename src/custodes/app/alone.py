"""Who has an installation open: every process that has, and now and then one that must be alone with it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.config import Config
from custodes.errors import Conflict, SetupError
from custodes.text import N_

_locks: dict[Path, int] = {}


def when_alone(config: Config, tidy_up: Callable[[], object]) -> None:
    """Call ``tidy_up`` if no other process has this installation open; keep it open for the life of this one.

    An intent of another living process is not interrupted, only unfinished; hence the lock: whoever can have it
    exclusively is alone and tidies up while nobody else can begin; everybody then holds it shared.

    Raises:
        SetupError: ``installation.not-writable``.
    """
    path = _lock_file(config)
    if path in _locks:
        return
    try:
        _locks[path] = descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SetupError(
            "installation.not-writable",
            N_("The data folder cannot be used (%(reason)s)."),
            hint=N_("Check its owner and mode, and whether the disk is full."),
            reason=error.strerror or type(error).__name__,
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tidy_up()
    except BlockingIOError:
        pass
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Keep every other process out of an installation that this one has open.

    Raises:
        Conflict: ``installation.in-use``, when another process has it open.
    """
    descriptor = _locks[_lock_file(config)]
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Conflict(
            "installation.in-use",
            N_("Another process works with this installation."),
            hint=N_("Stop “custodes serve” and whatever else runs, then try again."),
        ) from error
    else:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_SH)


def _lock_file(config: Config) -> Path:
    return config.data_dir / "in-use.lock"
