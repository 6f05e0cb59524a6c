"""An installation's log, kept and sealed, and a hand that writes to its database past every trigger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from tests.ledger.sealing import ORIGIN
from tests.ledger.witnessing.scene import NAMES, ed25519, witness_in
from tests.ledger.witnessing.test_serving import Served
from tests.workflows.conftest import World

from custodes.config import Config
from custodes.ledger import Event
from custodes.ledger.events import GalleryChanged
from custodes.ledger.keeper import LogKeeper, Terms
from custodes.ledger.key_folder import create_log_keys, open_log_keys, read_log_keys
from custodes.ledger.quorum import Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.store.database import SEALING, transaction_of_its_own
from custodes.store.log import SealedEntries

LIMIT_S = 60


class KeptLog:
    """The log of a world's installation in the configured folder, with an auditor's view of it."""

    def __init__(self, world: World, config: Config, policy: Policy | None = None) -> None:
        self.world, self.config, self.folder = world, config, config.log_dir
        self.terms = Terms(policy, LIMIT_S)
        self.keeper = self.restarted()

    def restarted(self) -> LogKeeper:
        """The keeper of the next process, which remembers nothing."""
        self.keeper = LogKeeper(
            self.folder, SealedEntries(), lambda: open_log_keys(self.config.log_key_dir), terms=self.terms
        )
        self.world.services.keeper = self.keeper
        return self.keeper

    @property
    def at(self) -> int:
        return int(self.world.clock.now().timestamp())

    def seal(self) -> int:
        """Seal as the next process does; the size that the log then has."""
        done = self.restarted().seal(self.at)
        assert done is not None
        return done.size

    def write(self, count: int) -> None:
        """Append entries that state nothing."""
        context = self.world.as_("records officer")
        event = Event(context, GalleryChanged(owner=self.world.person("searcher").agency.id))
        with transaction_of_its_own(SEALING):
            self.world.services.ledger.with_rows(*[event] * count)

    def files(self) -> list[Path]:
        """Checkpoint, tiles and bundles."""
        return sorted([self.folder / "checkpoint", *(p for p in (self.folder / "tile").rglob("*") if p.is_file())])


def keep(world: World, config: Config, policy: Policy | None = None) -> KeptLog:
    """A log with new keys; nothing of it is sealed yet."""
    if not config.log_key_dir.exists():
        create_log_keys(config.log_key_dir, ORIGIN, os.urandom)
    return KeptLog(world, config, policy)


@contextmanager
def three_witnesses(world: World, config: Config, folder: Path) -> Iterator[Policy]:
    """Three witnesses that serve on ports of their own, two of them outside policing; two are a quorum."""
    create_log_keys(config.log_key_dir, ORIGIN, os.urandom)
    keys = [use.key for use in read_log_keys(config.log_key_dir).uses]
    at, listed, served = int(world.clock.now().timestamp()), [], []
    for number, name in enumerate(NAMES):
        witness = witness_in(folder / f"w{number}", name=f"w{number}.example/w", at=at)
        witness.add_log(keys)
        served.append(Served(witness.add_checkpoint))
        listed.append(Listed(name, ed25519(witness), served[-1].url))
    try:
        yield Policy.k_of_n(keys, listed, 2)
    finally:
        for one in served:
            one.close()


@contextmanager
def behind_its_back() -> Iterator[Any]:
    """A cursor of somebody with full write access to the database: the log's triggers are lifted meanwhile."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE store_logentry DISABLE TRIGGER USER")
            yield cursor
            for name in ("removed", "changed"):
                cursor.execute(f"ALTER TABLE store_logentry ENABLE ALWAYS TRIGGER log_entries_are_never_{name}")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield cursor
        for _, sql in triggers:
            cursor.execute(sql)
