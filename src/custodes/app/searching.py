"""The gallery of this process, joined to the database and to the files that all processes share."""

from __future__ import annotations

import os
import time
from functools import partial

from custodes.config import Config
from custodes.ranking.gallery import Engine, Gallery
from custodes.ranking.kernel import choose
from custodes.ranking.segments.folder import SegmentFolder
from custodes.ranking.segments.place import make_private
from custodes.ranking.turnstile import Turnstile
from custodes.store.gallery import DatabaseTemplateSource
from custodes.store.vault import Vault
from custodes.types import Contract

_AT_ONCE = 2
"""Searches that run together: while one reads the database, another scans."""
_WAITING = 64


def make_gallery(config: Config, vault: Vault, contract: Contract) -> Gallery:
    """Return the gallery of ``contract``; nothing is read before it is first used."""
    engine = Engine(
        kernel=partial(choose, cache_dir=config.data_dir / "kernels", threads=config.threads),
        turnstile=Turnstile(_AT_ONCE, _WAITING, time.monotonic),
        threads=config.threads,
    )
    make_private(config.segment_dir)
    # one folder for each contract: an installation whose model pack changes keeps both while it searches again
    folder = SegmentFolder(config.segment_dir / contract.id[:16], contract, entropy=os.urandom, wait=time.sleep)
    return Gallery(DatabaseTemplateSource(vault), contract, folder, engine)
