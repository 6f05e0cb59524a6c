"""Run by the test of kills, in processes of their own: ``casework_driver.py found|work SEED|finish``.

``work`` does one person's deed after another (sign in and out, open and close cases, add probes, ask, decide, search,
look) until it is killed, a sealer beside it; it prints a line for every deed.  ``finish`` opens the installation as
any start does, and seals what is left.  The installation is that of CUSTODES_DATA_DIR.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from custodes.app import Actor, build_services, lay_foundation, new_context, set_up_django
from custodes.config import Config
from custodes.engine.fake import FakeEngine, picture
from custodes.errors import CustodesError
from custodes.imaging import LocalDecoder
from custodes.types import Context, Role

if TYPE_CHECKING:
    from custodes.ledger.sealer import Sealer
    from custodes.workflows.services import Services

PASSWORD = "a passphrase for tests"
PEOPLE = {"searcher": Role.SEARCHER, "supervisor": Role.SUPERVISOR, "officer": Role.RECORDS_OFFICER}
ORIGIN = "log.police.example/kills"


def services_of(config: Config) -> Services:
    engine = FakeEngine(allows_operational_use=True)
    return build_services(config, make_engine=lambda: engine, make_decoder=LocalDecoder, threshold=0.5)


def sealer_of(config: Config) -> Sealer:
    from custodes.ledger.folder import FolderTileStore
    from custodes.ledger.keys import KeyType, SigningKey
    from custodes.ledger.note import sign_note
    from custodes.ledger.sealer import SealedFolder, Sealer
    from custodes.store.log import SealedEntries

    key = SigningKey(ORIGIN, KeyType.ED25519, bytes(32))
    folder = SealedFolder(FolderTileStore(config.data_dir / "log"))
    return Sealer(SealedEntries(), folder, ORIGIN, lambda checkpoint: bytes(sign_note(str(checkpoint), [key], 1)))


def found(config: Config) -> None:
    """Create an installation with one person a role, and a gallery of three."""
    lay_foundation(config)
    from custodes.workflows import people
    from custodes.workflows.enrolment import enrol

    services = services_of(config)
    first = people.create_installation(
        services,
        new_context(),
        agency_code="NRP",
        agency_name="Northridge Police",
        email="ada.moreau@nrp.example",
        full_name="Ada Moreau",
        personnel_number="1",
        password=PASSWORD,
    )
    boss = new_context(Actor(first.id, first.agency.id, Role.ADMINISTRATOR))
    for number, (name, role) in enumerate(PEOPLE.items(), start=2):
        person = people.create_account(
            services,
            boss,
            agency_code="NRP",
            email=f"{name}.doe@nrp.example",
            full_name=f"{name.title()} Doe",
            personnel_number=str(number),
            password=PASSWORD,
        )
        people.grant_role(services, boss, account=person.id, role=role)
    folder = config.data_dir / "export"
    (folder / "images").mkdir(parents=True)
    for number in range(1, 4):
        (folder / "images" / f"{number}.png").write_bytes(picture(number))
    from tests.workflows.enrol_fixtures import MAPPING, as_csv, row

    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (folder / "manifest.csv").write_text(as_csv([row(number) for number in range(1, 4)]), encoding="utf-8")
    enrol(
        services,
        acting("officer"),
        manifest=folder / "manifest.csv",
        mapping=folder / "mapping.toml",
        images=folder / "images",
    )


def acting(name: str) -> Context:
    from custodes.store import accounts

    person = accounts.account_by_email(f"{name}.doe@nrp.example")
    assert person is not None
    return new_context(Actor(person.id, person.agency.id, PEOPLE[name]))


def work(config: Config, seed: int) -> None:
    """Do deeds for ever, and say each when it is done."""
    set_up_django()
    from custodes.store.log import SealedEntries

    services = services_of(config)
    index = SealedEntries()
    sealer = sealer_of(config)

    def seal() -> None:
        while True:
            if index.waiting()[0]:
                sealer.seal()
            time.sleep(0.01)

    threading.Thread(target=seal, daemon=True).start()
    chance = random.Random(seed)  # noqa: S311 - which deeds are done, not a secret
    say("begun")
    number = 0
    while True:
        number += 1
        for deed in journey(services, f"{seed}-{number}", chance):
            with suppress(CustodesError):
                deed()
            say("deed")


def journey(services: Services, number: str, chance: random.Random) -> list[Callable[[], object]]:
    """Return the deeds of one case, some of which are refused."""
    from custodes.workflows import cases, people, requests, viewing
    from custodes.workflows.search import search

    searcher, supervisor = acting("searcher"), acting("supervisor")
    case = cases.open_case(services, searcher, number=number)
    probe = cases.add_probe(
        services, searcher, case=case.id, data=picture(chance.randint(1, 3), variation=chance.randint(1, 9)), name="p"
    )
    form = requests.RequestForm(
        case=case.id,
        probe=probe.id,
        face=0,
        offence_code="CC 344",
        purpose="person-of-interest",
        authority="common-law",
        authority_reference="a",
        necessity="b",
        source="cctv-recording",
        how_obtained="c",
    )
    made = requests.request_search(services, searcher, form)
    # a password takes a tenth of a second on purpose
    signing_in = [lambda: people.sign_in(services, new_context(), email="searcher.doe@nrp.example", password="wrong")]
    return [
        *(signing_in if chance.random() < 0.1 else []),
        lambda: search(services, searcher, request=made.id),
        lambda: requests.approve_request(services, supervisor, request=made.id),
        lambda: search(services, searcher, request=made.id),
        lambda: viewing.view_candidates(services, searcher, request=made.id),
        lambda: cases.close_case(services, supervisor, case=case.id),
        lambda: people.sign_out(services, searcher),
    ]


def finish(config: Config) -> None:
    """Open the installation as every start does, which closes what was interrupted, and seal the rest."""
    set_up_django()
    from custodes.app.alone import when_alone

    services = services_of(config)
    when_alone(config, lambda: services.ledger.close_interrupted(new_context()))
    sealer_of(config).seal_all()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "custodes.settings"
    settings = replace(Config.from_environment(), threads=1)
    if sys.argv[1] == "found":
        found(settings)
    elif sys.argv[1] == "work":
        work(settings, int(sys.argv[2]))
    else:
        finish(settings)
