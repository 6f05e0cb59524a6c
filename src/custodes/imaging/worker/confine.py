"""Taking from a worker what decoding does not need, once everything it needs has been imported.

What a kernel or a container does not offer is left out, and said: the worker reports what is in force, and `custodes
doctor` shows it.  Limits hold even where nothing else does.

Source: Linux ``prctl(2)``, ``setrlimit(2)``, ``seccomp(2)``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

from custodes.imaging.containers import heic
from custodes.imaging.worker.seccomp import allow_only_decoding
from custodes.imaging.worker.wire import Measure

_PDEATHSIG, _SET_DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38
_NOBODY = 65534
_MOST_EASILY_SPARED = "1000"


def volunteer_for_the_out_of_memory_killer() -> None:
    """If the machine runs out of memory, this process is to be ended, and not the one that serves people."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_MOST_EASILY_SPARED, encoding="ascii")


def confine(*, memory_bytes: int, cpu_seconds: int, parent: int) -> frozenset[Measure]:
    """Give up everything but reading, writing, computing and ending; return what is in force.

    ``memory_bytes``: what may be held beyond what is held now.  ``cpu_seconds``: of processor time, in all of this
    process's life.  ``parent``: the process that must still be the parent, or this one ends.
    """
    library = ctypes.CDLL(None, use_errno=True)
    needs_threads = heic.is_installed()
    volunteer_for_the_out_of_memory_killer()
    in_force = {Measure.LIMITS}
    if _is_unprivileged():
        in_force.add(Measure.UNPRIVILEGED)
    # after the change of user, which would undo both
    if library.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        in_force.add(Measure.DIES_WITH_PARENT)
    if os.getppid() != parent:
        os._exit(0)
    if library.prctl(_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        in_force.add(Measure.NO_TRACING)
    _limit(memory_bytes, cpu_seconds)
    if library.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        in_force.add(Measure.NO_NEW_PRIVILEGES)
        if allow_only_decoding(library):
            in_force.add(Measure.FEW_SYSTEM_CALLS)
    if Measure.FEW_SYSTEM_CALLS not in in_force and not needs_threads:
        # this limit is one of threads too
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return frozenset(in_force)


def _is_unprivileged() -> bool:
    """Stop being the superuser, whose limits and files are everybody's; return whether that is so."""
    if os.geteuid() != 0:
        return True
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return os.geteuid() != 0


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    none = (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    limits = dict.fromkeys((*none, resource.RLIMIT_MEMLOCK), 0)
    limits[resource.RLIMIT_DATA] = _held_now() + memory_bytes
    limits[resource.RLIMIT_CPU] = cpu_seconds
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _held_now() -> int:
    """Return the bytes that count towards ``RLIMIT_DATA``, as the kernel counts them."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
