"""The composition root: the one place that joins the rooms, the real clock and the real source of randomness.

What an installation is for, casework or evaluation, is `purpose`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from custodes.app import passphrases, purpose
from custodes.app.alone import when_alone
from custodes.config import LONGEST_EFFECT, SIGNING_KEY_CHARACTERS, Config
from custodes.errors import SetupError
from custodes.ids import AccountId, AgencyId, TraceId
from custodes.text import N_
from custodes.types import Context, Role

if TYPE_CHECKING:
    from custodes.engine import FaceEngine
    from custodes.imaging import Decoder
    from custodes.workflows.services import Services


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose deed it is."""

    account: AccountId
    agency: AgencyId
    role: Role


def new_context(actor: Actor | None = None, *, locale: str = "en") -> Context:
    """Return a Context of the real clock and randomness for one web request or one command."""
    return Context(
        actor=actor.account if actor else None,
        agency=actor.agency if actor else None,
        role=actor.role if actor else None,
        clock=SystemClock(),
        entropy=os.urandom,
        trace=TraceId.new(os.urandom),
        locale=locale,
    )


def set_up_django() -> None:
    """Configure Django once per process; a second time would undo what was done to its log since."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "custodes.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def lay_foundation(config: Config) -> bool:
    """Create data folder, keys and database of a new installation; return False if they were there.

    Existing keys are never replaced; the database is brought to the present schema either way.
    """
    from custodes.keyfile import write_new_file
    from custodes.store.keys import create_master_key

    is_new = not config.master_key_file.exists()
    purpose.check_keys(config, is_new=is_new)
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.data_dir.chmod(stat.S_IRWXU)
    if is_new and has_database(config):
        raise SetupError(
            "keys.no-master-key",
            N_("There is a database but no master key, so nothing in it can be read."),
            hint=N_("Put the master key back in its place, or choose another data folder."),
        )
    if is_new:
        if config.evaluation and not config.evaluation_mark.exists():
            write_new_file(config.evaluation_mark, b"These keys were made for evaluation.\n")
        create_master_key(config.master_key_file, os.urandom)
    if not _has_signing_key(config):
        config.secret_key_file.unlink(missing_ok=True)
        write_new_file(config.secret_key_file, os.urandom(SIGNING_KEY_CHARACTERS // 2).hex().encode("ascii"))
    _make_log_keys(config)
    set_up_django()
    from django.core.management import call_command

    with readable_database():
        call_command("migrate", verbosity=0, interactive=False)
        purpose.mark(config)
    if not config.database_url:
        config.database_file.chmod(0o600)
    return is_new


def _make_log_keys(config: Config) -> None:
    """Make the keys of a log that has none yet; one that was ever signed keeps to those that it had."""
    from custodes.ledger.key_folder import LIST_NAME, create_log_keys

    if not (config.log_key_dir / LIST_NAME).exists() and not (config.log_dir / "checkpoint").exists():
        at = int(SystemClock().now().timestamp())
        create_log_keys(config.log_key_dir, f"custodes-{os.urandom(8).hex()}", os.urandom, at=at)


def migrate(config: Config) -> int:
    """Bring the database of an installation that exists to the present schema; return how many changes that took.

    Raises:
        SetupError: ``installation.none``, or what the database says of itself.
    """
    _require_database(config)
    set_up_django()
    from django.core.management import call_command

    from custodes.store.health import pending_migrations

    with readable_database():
        waiting = pending_migrations()
        call_command("migrate", verbosity=0, interactive=False)
    return waiting


def _require_database(config: Config) -> None:
    if not has_database(config):
        raise SetupError(
            "installation.none",
            N_("There is no installation in %(place)s."),
            hint=N_("Run “custodes init”, or set CUSTODES_DATA_DIR to the folder that holds it."),
            place=config.data_dir,
        )


def open_services(config: Config) -> Services:
    """Return the services of an installation that exists, its interrupted intents closed in the log.

    Raises:
        SetupError: ``installation.none``, ``installation.no-signing-key``, or whatever is wrong with its keys.
    """
    _require_database(config)
    if not _has_signing_key(config):
        raise SetupError(
            "installation.no-signing-key",
            N_("The key that signs sessions is missing or cut short."),
            hint=N_("Run “custodes init” again, which makes a new one and ends every session."),
        )
    set_up_django()
    from custodes.app.sealing import make_keeper, seal_now
    from custodes.store.database import check_readable

    check_readable()
    purpose.check(config)
    services = build_services(config, make_engine=lambda: _engine(config))
    services.keeper = make_keeper(config)
    with readable_database():
        when_alone(config, lambda: services.ledger.close_interrupted(new_context()))
        context = new_context()
        services.ledger.close_interrupted(context, before=context.now() - LONGEST_EFFECT)
        seal_now(services)
    _opened[:] = [services]
    return services


_opened: list[Services] = []


@contextmanager
def sealed_at_the_end() -> Iterator[None]:
    """Seal, when left, what was written through the services that were opened inside."""
    from custodes.app.sealing import seal_now

    _opened.clear()
    try:
        yield
    finally:
        for services in _opened:
            seal_now(services)
        _opened.clear()


def has_database(config: Config) -> bool:
    """Return whether the installation's database is there: its file, or its tables on a server.

    Raises:
        SetupError: ``database.unreachable`` or another of :func:`readable_database`.
    """
    if not config.database_url:
        return config.database_file.exists()
    set_up_django()
    from custodes.store.database import is_there

    return is_there(config.database_file)


def readable_database() -> AbstractContextManager[None]:
    """Return a context in which a database that cannot be read is a SetupError: ``database.damaged`` or ``.busy``."""
    from custodes.store.database import readable_database as readable

    return readable()


def _has_signing_key(config: Config) -> bool:
    try:
        return config.secret_key_file.stat().st_size >= SIGNING_KEY_CHARACTERS
    except OSError:
        return False


def build_services(
    config: Config,
    *,
    make_engine: Callable[[], FaceEngine],
    make_decoder: Callable[[], Decoder] | None = None,
    threshold: float | None = None,
) -> Services:
    """Join the rooms for one process; tests pass an engine and a decoder of their own."""
    from custodes.app.searching import make_gallery
    from custodes.engine import find_pack
    from custodes.imaging import DecodingPool, Limits
    from custodes.ledger import Ledger
    from custodes.store.log import DatabaseEntryStore
    from custodes.store.rotation import open_key_store
    from custodes.store.vault import Vault
    from custodes.workflows.services import Services

    keys = open_key_store(
        config.key_dir / "keys.sqlite3",
        config.master_key_file,
        passphrases.source(config, "master"),
        os.urandom,
        SystemClock().now,
    )
    vault = Vault(keys, os.urandom)
    entries = DatabaseEntryStore(vault)

    def make_pool() -> Decoder:
        return DecodingPool(Limits.from_config(config), workers=config.threads)

    if threshold is None:
        threshold = find_pack(config.pack, config.models_dir).threshold.value
    return Services(
        config=config,
        ledger=Ledger(entries),
        entries=entries,
        vault=vault,
        make_engine=make_engine,
        make_gallery=lambda engine: make_gallery(config, vault, engine.contract),
        make_decoder=make_decoder or make_pool,
        threshold=threshold,
    )


def measuring_tools(config: Config) -> tuple[FaceEngine, Decoder]:
    """Return the engine and the decoding processes of an installation's settings; it needs no installation."""
    from custodes.imaging import DecodingPool, Limits

    return _engine(config), DecodingPool(Limits.from_config(config), workers=config.threads)


def _engine(config: Config) -> FaceEngine:
    from custodes.engine import OnnxFaceEngine
    from custodes.workflows.packs import usable_pack

    return OnnxFaceEngine(usable_pack(config), config.models_dir, threads=config.threads)
