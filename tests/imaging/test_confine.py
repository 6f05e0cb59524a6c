"""What a worker may no longer do once it is confined (SEC-05)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from custodes.imaging.worker.wire import Measure

_HEAD = """
import ctypes, mmap, os, signal, socket, sys
from custodes.imaging.worker.confine import confine
library = ctypes.CDLL(None, use_errno=True)
found = confine(memory_bytes=200_000_000, cpu_seconds=2, parent=os.getppid())
def say(text):
    os.write(1, str(text).encode())
def tried(what):
    try:
        what()
        return "done"
    except MemoryError:
        return "MemoryError"
    except OSError as error:
        return type(error).__name__
"""


def confined(body: str) -> tuple[int, str]:
    script = _HEAD + body + "\nos._exit(0)"
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    return ran.returncode, ran.stdout.decode()


@pytest.fixture(scope="module")
def in_force() -> frozenset[Measure]:
    code, said = confined("say(','.join(str(int(measure)) for measure in found))")
    assert code == 0
    return frozenset(Measure(int(number)) for number in said.split(","))


@pytest.fixture
def filtered(in_force: frozenset[Measure], skip_or_fail) -> None:
    if Measure.FEW_SYSTEM_CALLS not in in_force:
        skip_or_fail("this kernel takes no filter of system calls")


def test_limits_hold_everywhere(in_force: frozenset[Measure]) -> None:
    assert Measure.LIMITS in in_force


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd').read()",
        "open('/tmp/custodes-was-here', 'w')",
        "os.listdir('/')",
        "os.pipe()",
        "os.fork()",
        "os.unlink('/tmp/custodes-was-here')",
        "os.setuid(0)",
        "os.kill(os.getppid(), signal.SIGKILL)",
    ],
)
@pytest.mark.usefixtures("filtered")
def test_an_attack_that_reaches_for_anything_else_is_not_permitted(attempt: str) -> None:
    code, said = confined(f"say(tried(lambda: {attempt}))")
    assert (code, said) in ((0, "PermissionError"), (0, "OSError")), said


@pytest.mark.parametrize(
    "attempt",
    [
        "os.execv('/bin/true', ['true'])",
        "socket.socket()",
        "library.ptrace(0, 0, 0, 0)",
        "library.unshare(0x10000000)",
    ],
)
@pytest.mark.usefixtures("filtered")
def test_an_attack_that_starts_a_program_or_calls_a_network_ends_the_worker(attempt: str) -> None:
    code, said = confined(f"{attempt}; say('still here')")
    assert (code, said) == (-signal.SIGSYS, "")


@pytest.mark.usefixtures("filtered")
def test_an_attack_by_memory_that_can_be_run() -> None:
    code, said = confined("say(tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)))")
    assert (code, said) == (0, "PermissionError")


@pytest.mark.usefixtures("filtered")
def test_threads_work_and_a_worker_can_still_end_itself() -> None:
    threads = "import threading; t = threading.Thread(target=say, args=('ran',)); t.start(); t.join()"
    assert confined(threads) == (0, "ran")
    assert confined("os.abort()") == (-signal.SIGABRT, "")


def test_an_attack_by_memory_without_end_meets_its_limit() -> None:
    assert confined("say(tried(lambda: bytearray(10**9)))") == (0, "MemoryError")
    assert confined("say(tried(lambda: bytearray(10**8)))") == (0, "done")


def test_an_attack_by_work_without_end_meets_its_limit() -> None:
    code, _ = confined("while True: pass")
    assert code in (-signal.SIGXCPU, -signal.SIGKILL)


def test_no_file_can_be_opened_even_without_a_filter() -> None:
    """The limits alone: what an old kernel or a strict container leaves."""
    script = _HEAD.replace(
        "found = ", "import custodes.imaging.worker.confine as c; c.allow_only_decoding = lambda _: 0; found = "
    )
    body = "say(tried(lambda: open('/etc/passwd')))"
    ran = subprocess.run([sys.executable, "-c", f"{script}{body}\nos._exit(0)"], stdout=subprocess.PIPE, timeout=60)
    assert ran.stdout == b"OSError"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser has something to give up")
def test_the_superuser_becomes_nobody(in_force: frozenset[Measure]) -> None:
    assert Measure.UNPRIVILEGED in in_force
    body = "status = open('/proc/self/status'); confine(memory_bytes=10**8, cpu_seconds=2, parent=os.getppid());"
    script = _HEAD.replace("found = confine(memory_bytes=200_000_000, cpu_seconds=2, parent=os.getppid())", body)
    ran = subprocess.run([sys.executable, "-c", f"{script}say(status.read())"], stdout=subprocess.PIPE, timeout=60)
    assert b"Uid:\t65534\t65534\t65534\t65534" in ran.stdout


def test_a_worker_whose_parent_has_gone_does_not_begin() -> None:
    script = _HEAD.replace("os.getppid()", "1_000_000_000", 1) + "say('began')"
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, b"")
