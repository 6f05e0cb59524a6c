"""Witnesses as their operators run them: processes that are killed, started again, and started twice (AUD-04)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.sealing import ORIGIN
from tests.ledger.witnessing.scene import NAMES, ALog

from custodes.ledger.keys import KeyType, VerifierKey
from custodes.ledger.note import SignedNote
from custodes.ledger.quorum import Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.witnessing.client import Cosigned, Failed, Gathered, Trouble, gather
from custodes.ledger.witnessing.state import WitnessFolder
from custodes.ledger.witnessing.witness import Witness

_TIMEOUT = 60.0


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from custodes.cli.main import main; main()", "witness", *map(str, arguments)]


def _environment(home: Path) -> dict[str, str]:
    """An environment in which no Custodes was ever installed."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CUSTODES_", "DJANGO_", "DATABASE"))
    }
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "nothing")}


def _run(home: Path, *arguments: object) -> str:
    done = subprocess.run(
        _command(*arguments), capture_output=True, text=True, env=_environment(home), timeout=_TIMEOUT, cwd=home
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Process:
    """`custodes witness serve` on a folder, on a port of its own choice."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.child = subprocess.Popen(
            _command("serve", "--folder", folder, "--listen", "127.0.0.1:0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(home),
            cwd=home,
        )
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + self.end(signal.SIGKILL)
        self.url = found.group()

    def end(self, by: signal.Signals = signal.SIGTERM) -> str:
        """End it, and return what it said on standard error."""
        self.child.send_signal(by)
        _, said = self.child.communicate(timeout=_TIMEOUT)
        return said


class Neighbours:
    """Two witnesses outside policing, and a partner service's, each in a process; two of three are a quorum."""

    def __init__(self, home: Path, log: ALog) -> None:
        self.home, self.log = home, log
        self.keys: dict[str, VerifierKey] = {}
        self.running: dict[str, Process] = {}
        for n, name in enumerate(NAMES):
            said = _run(home, "init", "--folder", home / str(n), "--name", f"w{n}.example/w")
            keys = [VerifierKey.parse(line.strip()) for line in said.splitlines() if "+" in line]
            self.keys[name] = next(key for key in keys if key.type is KeyType.COSIGNATURE_ED25519)
            _run(home, "add-log", "--folder", home / str(n), *log.vkeys)
            self.start(name)

    def start(self, name: str) -> None:
        self.running[name] = Process(self.home, self.home / str(NAMES.index(name)))

    def kill(self, name: str) -> None:
        self.running.pop(name).end(signal.SIGKILL)

    def gather(self, note: SignedNote, remembered: dict[str, int]) -> tuple[Policy, Gathered]:
        urls = {name: one.url for name, one in self.running.items()}
        # a dead witness keeps its address; nothing listens there
        listed = [Listed(name, key, urls.get(name, "http://127.0.0.1:1")) for name, key in self.keys.items()]
        policy = Policy.k_of_n(self.log.keys, listed, 2)
        now = int(time.time())
        return policy, gather(policy, note, self.log.proof_from, remembered, now=now, timeout=_TIMEOUT)


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def neighbours(tmp_path: Path, log: ALog) -> Iterator[Neighbours]:
    made = Neighbours(tmp_path, log)
    yield made
    for name in list(made.running):
        made.kill(name)


def test_a_quorum_is_lost_with_the_witnesses_and_regained_with_them(neighbours: Neighbours, log: ALog) -> None:
    """Real processes, real sockets: issue 4, "Two witnesses in two processes; one killed; quorum lost and regained"."""
    remembered = dict.fromkeys(NAMES, 0)
    policy, first = neighbours.gather(log.grown(3), remembered)
    assert set(policy.accept(bytes(first.note)).cosigned) == set(NAMES)

    neighbours.kill(NAMES[2])
    policy, second = neighbours.gather(log.grown(2, 3), dict.fromkeys(NAMES, 3))
    assert second.outcomes[NAMES[2]] == Failed(Trouble.UNREACHABLE)
    assert set(policy.accept(bytes(second.note)).cosigned) == {NAMES[0], NAMES[1]}

    neighbours.kill(NAMES[1])
    note = log.grown(2, 5)
    remembered = {NAMES[0]: 5, NAMES[1]: 5, NAMES[2]: 3}
    policy, third = neighbours.gather(note, remembered)
    assert not third.has_quorum
    assert not policy.judge(bytes(third.note)).has_quorum

    for name in (NAMES[1], NAMES[2]):
        neighbours.start(name)
    policy, fourth = neighbours.gather(third.note, {**remembered, NAMES[0]: 7})
    assert set(policy.accept(bytes(fourth.note)).cosigned) == set(NAMES)


def test_sigterm_ends_a_witness_in_good_order(tmp_path: Path, log: ALog) -> None:
    neighbours = Neighbours(tmp_path, log)
    neighbours.gather(log.grown(3), {})
    for process in neighbours.running.values():
        said = process.end(signal.SIGTERM)
        assert process.child.returncode == 0
        assert re.fullmatch(r".+ /add-checkpoint 200\n", said)


def test_a_second_process_on_one_folder_is_refused(neighbours: Neighbours, tmp_path: Path) -> None:
    done = subprocess.run(
        _command("serve", "--folder", tmp_path / "0", "--listen", "127.0.0.1:0"),
        capture_output=True,
        text=True,
        env=_environment(tmp_path),
        timeout=_TIMEOUT,
    )
    assert (done.returncode, done.stdout) == (73, "")
    assert "[ledger.witness-busy]" in done.stderr
    assert set(neighbours.running) == set(NAMES)


def test_no_installation_is_made_and_no_framework_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from custodes.cli.main import main\n"
        f"try: main({['witness', 'init', '--folder', str(tmp_path / 'w'), '--name', 'w.example/w']!r})\n"
        "finally: print('LOADED', [m for m in ('django', 'custodes.store', 'onnxruntime', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=_environment(tmp_path), timeout=_TIMEOUT
    )
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"w"}


_DIES_BEFORE_IT_ANSWERS = """
import os, signal, sys
from pathlib import Path
from custodes.ledger.witnessing import state, witness
folder = state.WitnessFolder(Path(sys.argv[1]))
write = folder.write
def written_and_dead(log):
    if sys.argv[2] == "after":
        write(log)
    os.kill(os.getpid(), signal.SIGKILL)
folder.write = written_and_dead
witness.Witness(folder, lambda: 1_790_000_000).add_checkpoint(sys.stdin.buffer.read())
"""


def _killed(folder: Path, when: str, request: bytes) -> int:
    command = [sys.executable, "-c", _DIES_BEFORE_IT_ANSWERS, str(folder), when]
    return subprocess.run(command, input=request, capture_output=True, timeout=_TIMEOUT).returncode


def _asked(witness: Witness, log: ALog, note: SignedNote, remembered: int) -> Any:
    from custodes.ledger.witnessing.client import ask

    key = next(key for key in witness.verifiers if key.type is KeyType.COSIGNATURE_ED25519)
    return ask(
        Listed("w", key, "http://w.example"),
        note,
        remembered,
        log.proof_from,
        now=1_790_000_000,
        timeout=1,
        send=lambda _url, body, _timeout: witness.add_checkpoint(body),
    )


@pytest.mark.parametrize(("when", "kept"), [("before", 3), ("after", 5)])
def test_kill_9_between_writing_down_and_answering_costs_nothing(
    tmp_path: Path, log: ALog, when: str, kept: int
) -> None:
    """What was written is remembered, what was not is not; asking again for the same checkpoint works either way."""
    from tests.ledger.witnessing.scene import witness_in

    witness = witness_in(tmp_path / "w", log)
    witness.add_checkpoint(log.request(log.grown(3), 0))
    witness._folder.close()
    note = log.grown(2, 3)
    assert _killed(tmp_path / "w", when, log.request(note, 3)) == -signal.SIGKILL
    again = Witness(WitnessFolder(tmp_path / "w"), lambda: 1_790_000_000)
    found = again._folder.logs[ORIGIN].checkpoint
    assert found is not None
    assert found.size == kept
    assert isinstance(_asked(again, log, note, 3), Cosigned)


def test_kill_9_anywhere_while_writing_leaves_the_old_or_the_new(tmp_path: Path, log: ALog) -> None:
    """Each step of putting a file in its place, in turn, is the last one."""
    from tests.ledger.witnessing.scene import witness_in

    code = """
import os, signal, sys
from pathlib import Path
from custodes.ledger.witnessing import state, witness
left = int(sys.argv[2])
def trace(frame, event, _):
    global left
    if frame.f_code.co_name == "_replace" and event == "line":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace
folder = state.WitnessFolder(Path(sys.argv[1]))
sys.settrace(trace)
witness.Witness(folder, lambda: 1_790_000_000).add_checkpoint(sys.stdin.buffer.read())
"""
    witness = witness_in(tmp_path / "w", log)
    witness.add_checkpoint(log.request(log.grown(1), 0))
    witness._folder.close()
    sizes, steps = [], 0
    while True:
        size = len(log.entries)
        note = log.grown(1, size)
        known = WitnessFolder(tmp_path / "w", is_writer=False).logs[ORIGIN].checkpoint
        assert known is not None
        command = [sys.executable, "-c", code, str(tmp_path / "w"), str(steps)]
        done = subprocess.run(command, input=log.request(note, known.size), capture_output=True, timeout=_TIMEOUT)
        after = WitnessFolder(tmp_path / "w", is_writer=False).logs[ORIGIN].checkpoint
        assert after is not None
        sizes.append(after.size in {known.size, size + 1})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        steps += 1
    assert all(sizes)
    assert steps > 5
