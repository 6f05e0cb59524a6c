"""The system calls that a worker may still make, as a filter that the kernel runs before each of them.

A list of what is allowed: reading and writing what is open already, memory that is not executable, locks, the clock,
and ending.  A call to start a program, to trace another process or to reach a network ends the worker at once; every
other call fails with "not permitted".  Signals may be sent to the worker itself alone (``abort`` needs that).  Threads
may be started, which libde265 insists on, and processes may not: ``clone3``, whose flags a filter cannot read, is said
not to exist, whereupon the C library uses ``clone``.

Source: Linux, *Documentation/userspace-api/seccomp_filter.rst*; ``bpf(4)``; the kernel's tables of call numbers.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ALLOW, _NOT_PERMITTED, _NO_SUCH_CALL, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_PROT_EXEC = 4
_CLONE_THREAD = 0x10000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1

_PLAIN = (
    *("read", "write", "close", "munmap", "brk", "mremap", "madvise", "futex", "sched_yield", "membarrier"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "rseq"),
    *("clock_gettime", "gettimeofday", "nanosleep", "clock_nanosleep", "getrandom", "getpid", "gettid"),
    *("sched_getaffinity", "getcpu", "sysinfo", "set_robust_list", "exit", "exit_group"),
)
_WITHOUT_EXECUTION = ("mmap", "mprotect")
_TO_ITSELF = ("tgkill",)
_DEADLY = (
    *("execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "socket", "connect"),
    *("bpf", "io_uring_setup", "userfaultfd", "init_module", "unshare", "setns"),
)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A processor family: how the kernel names it in ``seccomp_data.arch``, and its call numbers."""

    architecture: int
    seccomp: int
    numbers: dict[str, int]


# fmt: off
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 317, {
        "read": 0, "write": 1, "close": 3, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
        "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
        "madvise": 28, "nanosleep": 35, "getpid": 39, "socket": 41, "connect": 42, "clone": 56, "execve": 59,
        "exit": 60, "gettimeofday": 96, "sysinfo": 99, "ptrace": 101, "sigaltstack": 131, "init_module": 175,
        "gettid": 186, "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228,
        "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "unshare": 272, "set_robust_list": 273,
        "setns": 308, "getcpu": 309, "process_vm_readv": 310, "process_vm_writev": 311, "getrandom": 318,
        "bpf": 321, "execveat": 322, "userfaultfd": 323, "membarrier": 324, "rseq": 334,
        "io_uring_setup": 425, "clone3": 435,
    }),
    "aarch64": _Machine(0xC00000B7, 277, {
        "close": 57, "read": 63, "write": 64, "exit": 93, "exit_group": 94, "unshare": 97, "futex": 98,
        "set_robust_list": 99, "nanosleep": 101, "init_module": 105, "clock_gettime": 113,
        "clock_nanosleep": 115, "ptrace": 117, "sched_getaffinity": 123, "sched_yield": 124,
        "restart_syscall": 128, "tgkill": 131, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "gettid": 178, "sysinfo": 179,
        "socket": 198, "connect": 203, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "execve": 221,
        "mmap": 222, "mprotect": 226, "madvise": 233, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "getrandom": 278, "bpf": 280, "execveat": 281, "userfaultfd": 282,
        "membarrier": 283, "rseq": 293, "io_uring_setup": 425, "clone3": 435,
    }),
}
# fmt: on


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def allow_only_decoding(library: ctypes.CDLL) -> bool:
    """Put the filter in force for every thread of this process, for good; return whether the kernel took it.

    ``library``: the C library, opened with ``use_errno``.  Needs ``PR_SET_NO_NEW_PRIVS`` to be set.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    code = b"".join(_filter(machine, os.getpid()))
    program = _Program(len(code) // 8, code)
    return bool(library.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _filter(machine: _Machine, own_process: int) -> Iterator[bytes]:
    number = machine.numbers
    yield _step(_LOAD, _ARCHITECTURE_AT)
    yield _step(_JUMP_IF_EQUAL, machine.architecture, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER_AT)
    for name in _PLAIN:
        yield _step(_JUMP_IF_EQUAL, number[name], 0, 1)
        yield _step(_RETURN, _ALLOW)
    for name in _WITHOUT_EXECUTION:
        yield from _if_argument(number[name], 2, _step(_JUMP_IF_SET, _PROT_EXEC, 1, 0))
    for name in _TO_ITSELF:
        yield from _if_argument(number[name], 0, _step(_JUMP_IF_EQUAL, own_process, 0, 1))
    yield from _if_argument(number["clone"], 0, _step(_JUMP_IF_SET, _CLONE_THREAD, 0, 1))
    yield _step(_JUMP_IF_EQUAL, number["clone3"], 0, 1)
    yield _step(_RETURN, _NO_SUCH_CALL)
    for name in _DEADLY:
        yield _step(_JUMP_IF_EQUAL, number[name], 0, 1)
        yield _step(_RETURN, _KILL)
    yield _step(_RETURN, _NOT_PERMITTED)


def _if_argument(number: int, argument: int, test: bytes) -> Iterator[bytes]:
    """Allow the call if ``test`` falls through for the lower half of ``argument``, refuse it if it jumps."""
    yield _step(_JUMP_IF_EQUAL, number, 0, 4)
    yield _step(_LOAD, _ARGUMENTS_AT + 8 * argument)
    yield test
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _NOT_PERMITTED)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one ``struct sock_filter``."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
