"""Sealing in the background of a process: the log within a second, the witnesses' answers when they come.

Every process that writes entries seals: a server in threads of its own for as long as it lives, a command once more
before it ends.  Only one seals at a time; who that is does not matter.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from custodes.app import new_context, passphrases
from custodes.config import Config
from custodes.errors import CustodesError, SetupError
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.ledger.keeper import LogKeeper, Terms
    from custodes.workflows.services import Services

_SEAL_EVERY_S = 0.25
_ASK_EVERY_S = 2.0
_AFTER_TROUBLE_S = 5.0
_STAMP_EVERY_S = 60.0
_LOOK_FOR_NIGHT_EVERY_S = 60.0
_TEND_EVERY_S = 86_400.0
_NIGHT_LOCK = "night.lock"
_log = logging.getLogger(__name__)


def make_keeper(config: Config) -> LogKeeper:
    """Return the keeper of an installation's log.

    Raises:
        InputError: the policy of witnesses, or an overseer's key, is malformed, or the policy is too weak.
    """
    from custodes.ledger.keeper import LogKeeper
    from custodes.ledger.key_folder import open_log_keys
    from custodes.store.log import SealedEntries

    return LogKeeper(
        config.log_dir,
        SealedEntries(),
        lambda: open_log_keys(config.log_key_dir, passphrases.source(config, "log")),
        copies=config.log_copies,
        terms=_terms(config),
    )


def _terms(config: Config) -> Terms:
    from custodes.ledger.keeper import Terms
    from custodes.ledger.keys import VerifierKey
    from custodes.ledger.quorum import MAX_POLICY_BYTES, Policy
    from custodes.ledger.stamp import Authority, read_roots

    data = _read(config.witness_policy, MAX_POLICY_BYTES)
    policy = Policy.parse(data) if data is not None else None
    if policy:
        policy.hold_to_rules()
    lines = (_read(config.overseer_keys, MAX_POLICY_BYTES) or b"").decode("utf-8", "replace").split("\n")
    overseers = tuple(VerifierKey.parse(line.strip()) for line in lines if line.strip())
    roots = read_roots(Path(config.timestamp_roots)) if config.timestamp_url and config.timestamp_roots else ()
    authority = Authority(config.timestamp_url, roots) if config.timestamp_url else None
    return Terms(policy, config.witness_limit, overseers, authority)


def _read(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(
            "ledger.policy-unreadable",
            N_("The file %(name)s cannot be read (%(reason)s)."),
            hint=N_("Check its owner and mode. Without it nobody can say who witnesses the log."),
            name=path.name,
            reason=error.strerror or type(error).__name__,
        ) from error


def seal_now(services: Services) -> None:
    """Seal what is waiting, if nobody else does; what is wrong with the log is said, and stops nothing here."""
    keeper = services.keeper
    if keeper is None:
        return
    try:
        if keeper.is_waiting():
            note_clock(services, keeper, new_context().now())
            keeper.seal(_now())
    except CustodesError as error:
        _log.error("the log cannot be sealed: %s", error.code)


@contextmanager
def in_background(services: Services) -> Iterator[None]:
    """Seal and ask the witnesses until left."""
    stop = start(services)
    try:
        yield
    finally:
        stop()


def start(services: Services, *, is_server: bool = False) -> Callable[[], None]:
    """Seal and ask the witnesses in threads of this process; return what ends them and seals once more.

    A server also compares the gallery with the log when it starts, checks everything every night, has checkpoints
    stamped, and tends the gallery's files.
    """
    ended = threading.Event()
    keeper = services.keeper
    if keeper is None:
        return ended.set
    work = _Work(services, keeper)
    tasks = [(work.seal, _SEAL_EVERY_S), (work.ask, _ASK_EVERY_S)]
    if is_server:
        tasks += [(work.check, _LOOK_FOR_NIGHT_EVERY_S), (work.stamp, _STAMP_EVERY_S), (work.tend, _TEND_EVERY_S)]
    threads = [
        threading.Thread(target=_repeat, args=(services, task, every, ended), name=task.__name__, daemon=True)
        for task, every in tasks
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        ended.set()
        for thread in threads:
            thread.join(_AFTER_TROUBLE_S)
        seal_now(services)

    return stop


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done again and again in the background."""

    services: Services
    keeper: LogKeeper
    compared: list[bool] = field(default_factory=list)

    def seal(self) -> None:
        if self.keeper.is_waiting():
            note_clock(self.services, self.keeper, new_context().now())
            self.keeper.seal(_now())

    def ask(self) -> None:
        if self.keeper.wants_witnesses():
            self.keeper.ask_witnesses(_now())

    def check(self) -> None:
        """Compare gallery and log once in the life of a server, and check everything when a night's hour has passed."""
        from custodes.store.database import readable_database
        from custodes.workflows.gallery import compare_and_log
        from custodes.workflows.nightly import check_the_night, last_night

        config = self.services.config
        with readable_database(), _by_one_process(config.data_dir / _NIGHT_LOCK) as is_ours:
            context = new_context()
            if is_ours and night_is_due(last_night(self.services), context.now(), config.night_hour):
                check_the_night(self.services, context, sample=config.night_sample)
            elif not self.compared:
                compare_and_log(self.services, context)
        self.compared.append(True)

    def tend(self) -> None:
        """Have the gallery ready before the first search; once a day look for damage, and give back destroyed rows."""
        from custodes.store.database import readable_database

        with readable_database():
            gallery = self.services.gallery
            gallery.warm()
            gallery.scrub()
            gallery.compact()

    def stamp(self) -> None:
        self.keeper.stamp()


def night_is_due(last: datetime | None, now: datetime, hour: int) -> bool:
    """Return whether the hour (UTC) has come since the last check; a server that was down then checks as it starts."""
    tonight = now.replace(hour=hour % 24, minute=0, second=0, microsecond=0)
    if tonight > now:
        tonight -= timedelta(days=1)
    return last is None or last < tonight


@contextmanager
def _by_one_process(path: Path) -> Iterator[bool]:
    """Yield whether no other process does what ``path`` stands for."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _repeat(services: Services, task: Callable[[], None], every: float, ended: threading.Event) -> None:
    """Do ``task`` again and again; an error is said once, until another or none follows it."""
    from django.db import connection

    said = ""
    while not ended.is_set():
        wait = every
        try:
            task()
            said = ""
        except Exception as error:  # noqa: BLE001 - a thread that ended would leave the log unsealed for good
            code = error.code if isinstance(error, CustodesError) else type(error).__name__
            if code != said:
                _log.error("%s: %s", task.__name__, code)
            said, wait = code, _AFTER_TROUBLE_S
            with suppress(Exception):
                connection.close()
        ended.wait(wait)
    with suppress(Exception):
        connection.close()
        services.vault.keys.close()  # type: ignore[attr-defined]


_told: set[tuple[Path, int]] = set()


def note_clock(services: Services, keeper: LogKeeper, now: datetime) -> None:
    """Leave an entry when the machine's clock stands before the last sealed entry's time, once for a checkpoint."""
    from custodes.ledger import Event
    from custodes.ledger.events import ClockWentBack

    size = keeper.checkpoint()
    seconds = keeper.clock_went_back(int(now.timestamp()))
    if seconds > 1 and size and (keeper.folder, size.size) not in _told:
        _told.add((keeper.folder, size.size))
        services.ledger.alone(Event(new_context(), ClockWentBack(seconds=seconds)))


def _now() -> int:
    return int(new_context().now().timestamp())
