"""Where templates lie in the clear to be searched, and whether they could outlive the machine's memory there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from custodes.config import Config
from custodes.text import N_, Text
from custodes.workflows.finding import Finding

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs", "tmpfs noswap"})
_PROC: Final = Path("/proc")
_BLOCK: Final = Path("/sys/dev/block")


def check(config: Config, *, proc: Path = _PROC, block: Path = _BLOCK) -> Finding:
    """Say whether the folder of segments is in memory or on an encrypted volume, and whether memory is swapped out.

    ``proc`` and ``block``: the kernel's own tables (proc(5), sysfs(5)).
    """
    name, place = Text(N_("Templates in the clear")), {"place": config.segment_dir}
    kind = _kind_of(config.segment_dir, proc)
    if kind not in _IN_MEMORY and not _is_encrypted(config.segment_dir, block):
        return Finding(
            name,
            False,
            Text(N_("%(place)s is neither in memory nor on an encrypted volume."), place),
            Text(N_("Set CUSTODES_SEGMENT_DIR to a folder in memory (tmpfs), or on a volume encrypted with dm-crypt.")),
        )
    if kind == "tmpfs" and any(_open_swaps(proc, block)):
        return Finding(
            name,
            True,
            Text(N_("%(place)s is in memory, which this machine may swap to a disk that is not encrypted."), place),
            Text(N_("Turn swap off, encrypt it, or mount the folder with “noswap”.")),
        )
    return Finding(name, True, Text(N_("%(place)s is in memory or encrypted."), place))


def _kind_of(folder: Path, proc: Path) -> str:
    """Return the type of the file system that holds ``folder``, or will when made, and whether it is never swapped."""
    found, longest = "", -1
    for line in (proc / "self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        _, mounted, kind, options, *_ = line.split(" ")
        point = Path(mounted.replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = kind, len(point.parts)
            if kind == "tmpfs" and "noswap" in options.split(","):
                found = "tmpfs noswap"
    return found


def _is_encrypted(folder: Path, block: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return _is_crypt(folder.stat().st_dev, block)


def _is_crypt(device: int, block: Path) -> bool:
    """Whether a block device is one of dm-crypt, by the prefix of its device-mapper UUID."""
    uuid = block / f"{os.major(device)}:{os.minor(device)}" / "dm/uuid"
    try:
        return uuid.read_text(encoding="ascii").startswith("CRYPT-")
    except OSError:
        return False


def _open_swaps(proc: Path, block: Path) -> Iterator[str]:
    """Yield the swap areas that are not encrypted; memory that is compressed in place is none."""
    for line in (proc / "swaps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]:
        area = line.split()[0]
        if "zram" in area:
            continue
        try:
            of = Path(area).stat()
        except OSError:
            yield area
            continue
        if not _is_crypt(of.st_rdev or of.st_dev, block):
            yield area
