"""Run by the test of kills, in processes of their own: ``enrol_driver.py found|enrol|re-export FOLDER``.

The installation is that of CUSTODES_DATA_DIR.

``enrol`` prints a line when it begins and one for every batch, so that the test knows when there is something to kill.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from custodes.app import Actor, build_services, lay_foundation, new_context, set_up_django
from custodes.config import Config
from custodes.engine.fake import FakeEngine
from custodes.imaging import LocalDecoder
from custodes.types import Context, Face, Pixels, Role, Template

PASSWORD = "a passphrase for tests"
OFFICER = "olga.officer@nrp.example"


class UnhurriedEngine(FakeEngine):
    """Takes some time over a face, as a real engine does, so that a kill finds it at work."""

    def embed(self, jobs: Sequence[tuple[Pixels, Face]]) -> list[Template]:
        time.sleep(0.01)
        return super().embed(jobs)


class StoppedClock:
    """The same moment in every process."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def acting(actor: Actor | None = None) -> Context:
    return replace(new_context(actor), clock=StoppedClock())


def found(config: Config) -> None:
    """Create an installation with one records officer."""
    lay_foundation(config)
    from custodes.workflows import people

    services = build_services(config, make_engine=FakeEngine, make_decoder=LocalDecoder, threshold=0.5)
    administrator = people.create_installation(
        services,
        acting(),
        agency_code="NRP",
        agency_name="Northridge Police",
        email="ada.moreau@nrp.example",
        full_name="Ada Moreau",
        personnel_number="1",
        password=PASSWORD,
    )
    boss = acting(Actor(administrator.id, administrator.agency.id, Role.ADMINISTRATOR))
    officer = people.create_account(
        services,
        boss,
        agency_code="NRP",
        email=OFFICER,
        full_name="Olga Officer",
        personnel_number="2",
        password=PASSWORD,
    )
    people.grant_role(services, boss, account=officer.id, role=Role.RECORDS_OFFICER)


def say(line: str) -> None:
    """Tell the test how far it is."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def enrol_folder(config: Config, folder: Path, *, re_export: bool) -> None:
    """Enrol ``manifest.csv`` of a folder in batches of two rows, resuming whatever was left."""
    set_up_django()
    from custodes.store import accounts
    from custodes.workflows.enrolment import Scope, enrol, job, vanished

    job._BATCH = job._RE_EXPORT_BATCH = vanished._AT_ONCE = 2
    officer = accounts.account_by_email(OFFICER)
    assert officer is not None
    services = build_services(
        config,
        make_engine=lambda: UnhurriedEngine(allows_operational_use=True),
        make_decoder=LocalDecoder,
        threshold=0.5,
    )
    say("begun")
    enrol(
        services,
        acting(Actor(officer.id, officer.agency.id, Role.RECORDS_OFFICER)),
        manifest=folder / "manifest.csv",
        mapping=folder / "mapping.toml",
        images=folder / "images",
        re_export=Scope() if re_export else None,
        progress=lambda done, total: say(f"batch {done}"),
    )
    say("done")


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "custodes.settings"
    settings = replace(Config.from_environment(), threads=2)
    if sys.argv[1] == "found":
        found(settings)
    else:
        enrol_folder(settings, Path(sys.argv[2]), re_export=sys.argv[1] == "re-export")
