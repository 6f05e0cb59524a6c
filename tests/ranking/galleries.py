"""Galleries over files of their own, small enough that every edge between files and blocks is crossed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from custodes.ranking.gallery import Engine, Gallery
from custodes.ranking.kernel import Kernel, choose
from custodes.ranking.protocol import TemplateSource
from custodes.ranking.segments.folder import SegmentFolder, Shape
from custodes.ranking.turnstile import Turnstile
from custodes.types import Contract

TINY = Shape(places=5, block=2)


def segment_folder(folder: Path, contract: Contract, shape: Shape = TINY) -> SegmentFolder:
    """Return the folder of a gallery of ``contract``."""
    return SegmentFolder(folder, contract, entropy=os.urandom, wait=time.sleep, shape=shape)


def open_gallery(
    source: TemplateSource,
    contract: Contract,
    folder: Path,
    *,
    shape: Shape = TINY,
    kernel: Kernel | None = None,
    waiting: int = 64,
) -> Gallery:
    """Return a gallery as a process of its own would have it."""

    def chosen(rows: int, dimension: int, *, is_lasting: bool = False) -> Kernel:
        return kernel or choose(rows, dimension, cache_dir=folder / "kernels", threads=2, is_lasting=is_lasting)

    engine = Engine(chosen, Turnstile(2, waiting, time.monotonic), threads=2)
    return Gallery(source, contract, segment_folder(folder, contract, shape), engine)
