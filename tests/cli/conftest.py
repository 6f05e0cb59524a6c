"""The command line over the test database and the fake engine, in this very process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.utils import translation
from tests.conftest import FixedClock
from tests.postgresql import as_the_product
from tests.workflows.conftest import PASSWORD, World, build_world

from custodes import app
from custodes.app import alone
from custodes.cli.main import command
from custodes.config import Config
from custodes.engine.fake import FakeEngine
from custodes.imaging import LocalDecoder
from custodes.ledger.key_folder import create_log_keys
from custodes.store.keys import create_master_key
from custodes.workflows.services import Services

Run = Callable[..., Result]


class Terminal:
    """``run(arguments…)`` runs `custodes` as somebody at a terminal would, and returns what came out."""

    def __init__(self, world: World, config: Config) -> None:
        self.world = world
        self.config = config

    def run(self, *arguments: str, **environ: str) -> Result:
        with as_the_product():
            return CliRunner().invoke(command, list(arguments), env=environ or None, prog_name="custodes")

    def ok(self, *arguments: str, **environ: str) -> str:
        result = self.run(*arguments, **environ)
        assert result.exit_code == 0, result.output
        return result.output

    def as_(self, name: str) -> Terminal:
        """Sign in as one of the world's people."""
        person, role = self.world.people[name]
        self.ok("sign-in", person.email, "--role", role.value, CUSTODES_PASSWORD=PASSWORD)
        return self


@pytest.fixture
def installed(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """An installation whose database is the test's and whose engine is the fake one."""
    monkeypatch.setenv("CUSTODES_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("CUSTODES_PASSWORD", raising=False)
    config = Config.from_environment()
    create_master_key(config.master_key_file, os.urandom)
    create_log_keys(config.log_key_dir, "log.police.example/cli", os.urandom)
    config.data_dir.mkdir(mode=0o700, exist_ok=True)
    config.database_file.touch()
    config.secret_key_file.write_text("0" * 96)
    config.secret_key_file.chmod(0o600)
    opened: list[Any] = []
    build = app.build_services

    def remembered(*args: Any, **kwargs: Any) -> Services:
        opened.append(build(*args, **{**kwargs, "threshold": 0.5}))
        return opened[-1]

    monkeypatch.setattr(app, "build_services", remembered)
    monkeypatch.setattr(app, "_engine", lambda _: FakeEngine())
    monkeypatch.setattr(alone, "_locks", {})
    yield config
    for services in opened:
        services.vault.keys.close()
    for descriptor in alone._locks.values():
        os.close(descriptor)
    translation.deactivate()


@pytest.fixture
def terminal(installed: Config, fixed_clock: FixedClock) -> Terminal:
    """The world's people at a terminal; nobody is signed in."""
    services = app.build_services(installed, make_engine=FakeEngine, make_decoder=LocalDecoder)
    return Terminal(build_world(services, fixed_clock), installed)
