"""`custodes doctor` says where templates lie in the clear, and whether they could reach a disk (SEC: templates)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.config import Config
from custodes.workflows.clear_templates import check

SWAPS = "Filename Type Size Used Priority\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The tables of a machine whose folder is on a plain disk and that has no swap."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "block").mkdir()
    (tmp_path / "proc/swaps").write_text(SWAPS)
    mounted(tmp_path, "/dev/vda / ext4 rw 0 0")
    return tmp_path


def mounted(machine: Path, *lines: str) -> None:
    (machine / "proc/self/mounts").write_text("".join(f"{line}\n" for line in lines))


def asked(config: Config, machine: Path, folder: Path | None = None) -> tuple[bool, str, str]:
    found = check(
        replace(config, segment_dir=folder or machine / "segments"), proc=machine / "proc", block=machine / "block"
    )
    return found.is_well, str(found.detail), str(found.hint)


def test_a_plain_disk_is_not_well(config: Config, machine: Path) -> None:
    is_well, detail, hint = asked(config, machine)
    assert not is_well
    assert "neither in memory nor on an encrypted volume" in detail
    assert "CUSTODES_SEGMENT_DIR" in hint


def test_memory_is_well_wherever_it_is_mounted(config: Config, machine: Path) -> None:
    mounted(machine, "/dev/vda / ext4 rw 0 0", f"tmpfs {machine} tmpfs rw,nosuid 0 0")
    assert asked(config, machine) == (True, f"{machine}/segments is in memory or encrypted.", "")


def test_a_disk_mounted_over_memory_is_a_disk(config: Config, machine: Path) -> None:
    mounted(machine, f"tmpfs {machine} tmpfs rw 0 0", f"/dev/vdb {machine}/segments ext4 rw 0 0")
    assert not asked(config, machine)[0]


def test_memory_that_may_be_swapped_is_said(config: Config, machine: Path) -> None:
    (machine / "swap").write_bytes(b"")
    (machine / "proc/swaps").write_text(SWAPS + f"{machine}/swap file 1024 0 -2\n")
    mounted(machine, f"tmpfs {machine} tmpfs rw 0 0")
    is_well, detail, hint = asked(config, machine)
    assert (is_well, "swap" in detail, "noswap" in hint) == (True, True, True)
    mounted(machine, f"tmpfs {machine} tmpfs rw,noswap 0 0")
    assert asked(config, machine)[2] == ""
    (machine / "proc/swaps").write_text(SWAPS + "/dev/zram0 partition 1024 0 -2\n")
    mounted(machine, f"tmpfs {machine} tmpfs rw 0 0")
    assert asked(config, machine)[2] == ""


def test_an_encrypted_volume_is_well(config: Config, machine: Path) -> None:
    device = machine.stat().st_dev
    crypt = machine / "block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
    crypt.mkdir(parents=True)
    (crypt / "uuid").write_text("CRYPT-LUKS2-abc\n")
    assert asked(config, machine)[0]
    (crypt / "uuid").write_text("LVM-abc\n")
    assert not asked(config, machine)[0]
