"""Feed damaged files to every decoder and to the manifest reader, and see that nothing but our own errors come out.

Each target runs in a child process with a decoding worker's limits.  The child lays every input into shared memory
before it runs it, so that the one that crashed or hung is known; it is saved, and a new child goes on.  Findings are

* a crash: the child ended, or anything but one of our errors was raised,
* a hang: one input took longer than its limit allows,
* growth: the child holds far more memory at the end than after its first thousand inputs.

``--through-workers`` hands every input to a true worker instead, confined as the product's are: what only its
confinement makes fatal shows there alone, and a worker's death is a finding.

An input whose fate is new (another error, another complaint of a decoder, another note) joins the seeds; ``--keep``
saves the small ones in ``tests/imaging/corpus``, which the tests run through.  Exit status 1 if anything was found.

    python tools/fuzz.py --minutes 10                 # all targets, one after the other
    python tools/fuzz.py --minutes 2 --target gif --seed 7
    python tools/fuzz.py --minutes 5 --through-workers
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import mmap
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from custodes.imaging.process import memory_for
from fuzz_mutations import mutated
from fuzz_targets import CORPUS, LIMITS, Target, targets

_SLOT = 1 << 20
_HEAD = struct.Struct("<QQ")
_HANG_SECONDS = LIMITS.max_seconds + 5
_START_SECONDS = 60.0
_GROWTH_BYTES = 48_000_000
_SETTLED_AFTER = 1000
_KEPT_FILES = 20
_SHOWN = 10
_KEPT_INPUT_BYTES, _KEPT_CORPUS_BYTES = 1_500, 150_000


@dataclass(slots=True)
class Tally:
    """What became of one target's inputs; memory in bytes."""

    runs: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    growth: int = 0
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    kept: int = 0

    @property
    def findings(self) -> int:
        return len(self.crashes) + len(self.hangs) + (self.growth > _GROWTH_BYTES)


# --- the child ----------------------------------------------------------------------------------------


def _child(target: Target, seconds: float, seed: int, place: Path, *, is_confined: bool) -> None:
    slot, report, keep = place / "slot", place / "report", place / "new"
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    seeds = target.seeds()
    known: set[str] = set()
    fates: Counter[str] = Counter()
    with slot.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), _SLOT)
    for data in seeds:
        _lay(shared, 0, data)
        known.add(target.run(data))
    if not is_confined:
        _limit_memory()
    end, runs, settled = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        data = mutated(chance.choice(seeds), seeds, chance)
        runs += 1
        _lay(shared, runs, data)
        fate = target.run(data)
        fates[fate] += 1
        if fate not in known:
            known.add(fate)
            seeds.append(data)
            (keep / f"{hashlib.sha256(data).hexdigest()[:12]}.bin").write_bytes(data)
        if runs == _SETTLED_AFTER:
            settled = _held()
        if runs % 200 == 0:
            _write(report, runs, fates, settled)
    _write(report, runs, fates, settled)


def _lay(shared: mmap.mmap, number: int, data: bytes) -> None:
    shared[: _HEAD.size] = _HEAD.pack(number, len(data))
    shared[_HEAD.size : _HEAD.size + len(data)] = data


def _limit_memory() -> None:
    limit = _held("VmData:") + memory_for(LIMITS)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _held(what: str = "VmRSS:") -> int:
    # what the allocator merely keeps for next time is no growth
    ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    return 0


def _write(report: Path, runs: int, fates: Counter[str], settled: int) -> None:
    growth = _held() - settled if settled else 0
    report.write_text(json.dumps({"runs": runs, "fates": fates, "growth": growth}), encoding="utf-8")


# --- the parent ---------------------------------------------------------------------------------------


def fuzz(
    target: Target, seconds: float, seed: int, findings: Path, *, keep: bool, options: tuple[str, ...] = ()
) -> Tally:
    """Run ``target`` for ``seconds``; save what crashed or hung under ``findings``. ``options``: the child's own."""
    tally = Tally()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        slot, report, new = place / "slot", place / "report", place / "new"
        new.mkdir()
        while (left := end - time.monotonic()) > 1:
            slot.write_bytes(bytes(_SLOT))
            report.write_text("{}", encoding="utf-8")
            command = ["--child", target.name, "--seconds", str(left), "--seed", str(seed), "--place", folder, *options]
            with subprocess.Popen([sys.executable, __file__, *command], stderr=subprocess.PIPE) as child:
                fate, complaint = _watched(child, slot)
            _add(tally, json.loads(report.read_text(encoding="utf-8") or "{}"))
            if fate:
                (tally.hangs if fate == "hang" else tally.crashes).append(
                    _saved(slot, findings, target, fate, complaint)
                )
            seed += 1
        if keep:
            tally.kept = _keep(new, CORPUS / target.folder)
    return tally


def _watched(child: subprocess.Popen[bytes], slot: Path) -> tuple[str, str]:
    """Wait for the child; return its fate ("" for a good end, "hang", or what it died of) and its last words."""
    seen, since = -1, time.monotonic()
    while True:
        try:
            _, complaint = child.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            (number, _) = _HEAD.unpack(slot.read_bytes()[: _HEAD.size])
            if number != seen:
                seen, since = number, time.monotonic()
            elif time.monotonic() - since > (_HANG_SECONDS if number else _START_SECONDS):
                child.kill()
                child.communicate()
                return "hang", ""
            continue
        fate = "" if child.returncode == 0 else f"status {child.returncode}"
        return fate, complaint.decode(errors="replace")[-2000:]


def _add(tally: Tally, report: dict[str, object]) -> None:
    runs, growth, fates = report.get("runs", 0), report.get("growth", 0), report.get("fates", {})
    if isinstance(runs, int) and isinstance(growth, int) and isinstance(fates, dict):
        tally.runs += runs
        tally.growth = max(tally.growth, growth)
        tally.fates.update(fates)


def _saved(slot: Path, findings: Path, target: Target, fate: str, complaint: str) -> str:
    content = slot.read_bytes()
    _, length = _HEAD.unpack(content[: _HEAD.size])
    data = content[_HEAD.size : _HEAD.size + length]
    name = f"{target.folder}-{hashlib.sha256(data).hexdigest()[:12]}"
    last_words = (complaint.strip().splitlines() or [""])[-1][:100]
    findings.mkdir(parents=True, exist_ok=True)
    (findings / f"{name}.bin").write_bytes(data)
    (findings / f"{name}.txt").write_text(f"{fate}\n{complaint}", encoding="utf-8")
    return f"{name} ({fate}) {last_words}".rstrip()


def _keep(new: Path, folder: Path) -> int:
    """Copy small inputs with a new fate into the corpus, as long as that stays small."""
    held = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    kept = 0
    for path in sorted(new.iterdir(), key=lambda entry: entry.stat().st_size):
        size = path.stat().st_size
        if 0 < size <= _KEPT_INPUT_BYTES and held + size <= _KEPT_CORPUS_BYTES and kept < _KEPT_FILES:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / path.name).write_bytes(path.read_bytes())
            held, kept = held + size, kept + 1
    return kept


def _say(name: str, tally: Tally) -> None:
    pictures = sum(count for fate, count in tally.fates.items() if fate.startswith(("picture", "rows", "True")))
    print(
        f"{name:10} {tally.runs:8} inputs  {pictures:8} read  {tally.runs - pictures:8} refused  "
        f"{len(tally.fates):4} fates  {len(tally.crashes):3} crashes  {len(tally.hangs):3} hangs  "
        f"{tally.growth / 1e6:+6.1f} MB  {tally.kept} kept",
        flush=True,
    )
    codes: Counter[str] = Counter()
    for fate, count in tally.fates.items():
        codes[fate.partition(" ")[0]] += count
    print("           " + ", ".join(f"{code} {count}" for code, count in codes.most_common(_SHOWN)), flush=True)
    for finding in (*tally.crashes, *tally.hangs)[:_SHOWN]:
        print(f"           found: {finding}", flush=True)
    if tally.findings > _SHOWN:
        print(f"           ... and {tally.findings - _SHOWN} more", flush=True)


def main() -> int:
    """Fuzz what was asked for; return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="in all, shared by the targets")
    parser.add_argument("--target", action="append", choices=sorted(targets()), help="all, unless named")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--through-workers", action="store_true", help="have true, confined workers decode the images")
    parser.add_argument("--keep", action="store_true", help="add small inputs with a new fate to the corpus")
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()) / "custodes-fuzz-findings")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    known = targets(through_workers=asked.through_workers)
    if asked.child:
        _child(known[asked.child], asked.seconds, asked.seed, asked.place, is_confined=asked.through_workers)
        return 0
    if not_known := sorted({*(asked.target or ())} - {*known}):
        parser.error(f"no worker does {', '.join(not_known)}")
    names = asked.target or list(known)
    options = ("--through-workers",) if asked.through_workers else ()
    found = 0
    for name in names:
        seconds = 60 * asked.minutes / len(names)
        tally = fuzz(known[name], seconds, asked.seed, asked.findings, keep=asked.keep, options=options)
        _say(name, tally)
        found += tally.findings
    print(f"{found} findings" + (f", saved in {asked.findings}" if found else ""), flush=True)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
