"""The fuzzer finds what it looks for: a crash, a hang, an error that is not ours, and memory that grows."""

from __future__ import annotations

import random
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NoReturn

import pytest

import fuzz_targets
from custodes.imaging import LocalDecoder, faults
from fuzz_ledger import ledger_targets
from fuzz_mutations import mutated
from fuzz_targets import CORPUS, targets

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fuzz.py"
_PLANT = """
import sys; sys.path.insert(0, {tools!r}); sys.argv[0] = {tool!r}
import fuzz, fuzz_targets, os, time
kept = []
def bad(data):
    if len(data) % 7 == 3:
        {what}
    return "fine"
fuzz._HANG_SECONDS = 3
planted = fuzz_targets.Target("planted", lambda: [bytes(7)], bad, "x")
fuzz.targets = lambda **_: {{"planted": planted}}
fuzz.__file__ = __file__
sys.exit(fuzz.main())
"""


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same every time is the point


def planted(tmp_path: Path, what: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "planted.py"
    script.write_text(_PLANT.format(tools=str(TOOL.parent), tool=str(script), what=what))
    command = [sys.executable, script, "--minutes", "0.1", "--target", "planted", "--findings", tmp_path / "found"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("os.kill(os.getpid(), 11)", "status -11"),
        ("raise ValueError('not ours')", "status 1"),
        ("time.sleep(60)", "hang"),
    ],
    ids=["crash", "another-error", "hang"],
)
def test_a_planted_fault_is_found_and_its_input_is_saved(tmp_path: Path, what: str, said: str) -> None:
    ran = planted(tmp_path, what)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert said in ran.stdout
    inputs = list((tmp_path / "found").glob("*.bin"))
    assert inputs
    assert any(len(path.read_bytes()) % 7 == 3 for path in inputs)


def test_planted_growth_is_found(tmp_path: Path) -> None:
    ran = planted(tmp_path, "kept.append(b'x' * 100_000)")
    assert ran.returncode == 1, ran.stdout + ran.stderr


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    ran = planted(tmp_path, "pass")
    assert (ran.returncode, "0 findings" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_every_target_runs_its_seeds() -> None:
    for target in targets().values():
        seeds = target.seeds()
        assert seeds, target.name
        assert all(target.run(seed) for seed in seeds), target.name


def test_what_is_whole_is_accepted_so_that_damage_is_what_is_refused() -> None:
    for name in set(ledger_targets()) - {"ledger-stamp"}:
        target = targets()[name]
        assert re.search(r"accepted|verified|False", target.run(target.seeds()[0])), name


@pytest.mark.parametrize("name", ["ledger-note", "ledger-proof", "ledger-extension", "verify-log", "verify-proof"])
def test_no_seed_with_one_byte_of_what_is_signed_changed_is_accepted(name: str) -> None:
    target = targets()[name]
    seed = target.seeds()[0]
    for at in range(1, len(seed), 13):
        damaged = seed[:at] + bytes([seed[at] ^ 1]) + seed[at + 1 :]
        target.run(damaged)  # raises if it accepts another text than was signed


def test_every_image_target_runs_its_seeds_through_confined_workers() -> None:
    known = targets(through_workers=True)
    assert set(known) == set(targets()) - {"manifest", "wire"} - set(ledger_targets())
    for target in known.values():
        for seed in target.seeds():
            assert target.run(seed).partition(" ")[0] == targets()[target.name].run(seed).partition(" ")[0]


def test_a_workers_death_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(LocalDecoder):
        def decode(self, *_: object, **__: object) -> NoReturn:
            raise faults.decoder_died()

    monkeypatch.setattr(fuzz_targets, "_pool", Dying)
    with pytest.raises(AssertionError, match="died"):
        targets(through_workers=True)["gif"].run(b"GIF89a")


def test_what_a_decoder_quotes_of_the_file_makes_no_new_fate() -> None:
    said = [
        fuzz_targets._cause(SyntaxError(what))
        for what in ("bad tag b'ab\\x01c' here", 'bad tag "q" here', "bad tag 7 here")
    ]
    assert set(said) == {"SyntaxError bad tag here"}


def test_the_same_seed_gives_the_same_inputs() -> None:
    data = [(CORPUS / "heic" / "plain.heic").read_bytes()]
    first, second = (mutated(data[0], data, chance(5)) for _ in range(2))
    assert first == second
    assert len({mutated(data[0], data, chance(n)) for n in range(50)}) > 40


def test_a_damaged_png_keeps_checksums_that_fit() -> None:
    from custodes.imaging.worker.samples import SAMPLES

    png = SAMPLES["PNG"]
    kept = 0
    for number in range(50):
        changed = mutated(png, [png], chance(number))
        if len(changed) > 33 and changed.startswith(png[:8]) and changed[8:12] == png[8:12]:
            (stated,) = struct.unpack_from(">I", changed, 29)
            kept += zlib.crc32(changed[12:29]) == stated
    assert kept > 10
