"""`custodes demo`: three fictitious services, built through workflows alone, and one search from request to list.

Nobody in it exists (see `demo_data/README.md`).  Running it again uses what is there and searches again.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custodes.cli.say import Progress, label, say
from custodes.errors import Conflict, NotFound, SetupError
from custodes.text import N_
from custodes.types import Context, Role

if TYPE_CHECKING:
    from custodes.config import Config
    from custodes.workflows.reference import AccountRecord
    from custodes.workflows.requests import RequestForm
    from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class Service:
    """A fictitious police service and the export of its records system."""

    code: str
    name: str
    manifest: str


@dataclass(frozen=True, slots=True)
class Person:
    """A fictitious employee, in one role."""

    agency: str
    full_name: str
    role: Role

    @property
    def email(self) -> str:
        return f"{self.full_name.lower().replace(' ', '.')}@{self.agency.lower()}.example"


SERVICES = (
    Service("NRP", "Northridge Police", "northridge.csv"),
    Service("LKS", "Lakeshore Police", "lakeshore.jsonl"),
    Service("RAP", "Police de Rivière-aux-Pins", "riviere-aux-pins.csv"),
)
ADMINISTRATOR = Person("NRP", "Ada Moreau", Role.ADMINISTRATOR)
SEARCHER = Person("NRP", "Noor Haddad", Role.SEARCHER)
SUPERVISOR = Person("NRP", "Gilles Okafor", Role.SUPERVISOR)
PEOPLE = (
    SEARCHER,
    SUPERVISOR,
    Person("NRP", "Maya Chen", Role.RECORDS_OFFICER),
    Person("LKS", "Tom Bearskin", Role.RECORDS_OFFICER),
    Person("RAP", "Lise Gagnon", Role.RECORDS_OFFICER),
    Person("NRP", "Ines Duarte", Role.AUDITOR),
)
CASE = "NRP26-00417"
PROBE = "SYN0021_probe_pose.jpg"
STRANGER = "SYN0072_probe_pose.jpg"
WAITING = "SYN0090_probe_pose.jpg"


@click.command()
def command() -> None:
    """Build a demonstration with people who do not exist, and search it."""
    from custodes.app import lay_foundation, open_services
    from custodes.config import Config

    config = Config.from_environment()
    demo = _Demo(config)
    lay_foundation(config)
    demo.services = open_services(config)
    with as_file(files("custodes.cli") / "demo_data") as folder:
        demo.build(folder)
        demo.show_search(folder / "images" / PROBE)
        demo.leave_work(folder / "images")
    demo.say_how_to_go_on()


class _Demo:
    """The demonstration in one data folder: who its people are, and what they do."""

    services: Services

    def __init__(self, config: Config) -> None:
        self._config = config
        self._note = config.data_dir / "demo.json"
        from custodes.app import has_database

        if has_database(config) and not self._note.exists():
            raise SetupError(
                "demo.not-a-demo",
                N_("%(place)s holds an installation that is not a demonstration."),
                hint=N_("Set CUSTODES_DATA_DIR to another folder."),
                place=config.data_dir,
            )
        self._state = json.loads(self._note.read_text("utf-8")) if self._note.exists() else {}
        if not self._state:
            from custodes.app import new_context

            self._remember(passphrase=new_context().entropy(9).hex(), built=False)

    def build(self, folder: Path) -> None:
        """Create services, people, agreements and bookings, each unless it is there."""
        if self._state["built"]:
            return
        say(N_("Building three fictitious services ..."))
        self._people()
        for service in SERVICES:
            officer = next(p for p in PEOPLE if p.agency == service.code and p.role is Role.RECORDS_OFFICER)
            self._enrol(officer, folder / service.manifest, folder / "images")
        self._remember(built=True)

    def show_search(self, probe: Path) -> None:
        """One search, from the image to the list: asked by one person, approved by another, run, read."""
        from custodes.cli.search import show_candidates
        from custodes.workflows import requests, viewing
        from custodes.workflows.search import search

        searcher, supervisor = self.as_(SEARCHER), self.as_(SUPERVISOR)
        say(N_("%(name)s puts an image into case %(case)s and asks for a search;"), name=SEARCHER.full_name, case=CASE)
        request = requests.request_search(self.services, searcher, self._form(searcher, probe))
        requests.approve_request(self.services, supervisor, request=request.id, reason="Demonstration.")
        say(N_("%(name)s approves it; the search runs."), name=SUPERVISOR.full_name)
        search(self.services, searcher, request=request.id)
        show_candidates(viewing.view_candidates(self.services, searcher, request=request.id))

    def leave_work(self, images: Path) -> None:
        """A search for somebody who is not enrolled, and a request that waits for the supervisor in the pages."""
        if not self._state.get("searched"):
            self._search_in_vain(images)
            self._remember(searched=True)
        if not self._state.get("waiting"):
            self._leave_request(images)
            self._remember(waiting=True)

    def _leave_request(self, images: Path) -> None:
        from custodes.workflows import requests

        searcher = self.as_(SEARCHER)
        requests.request_search(self.services, searcher, self._form(searcher, images / WAITING))

    def _search_in_vain(self, images: Path) -> None:
        from custodes.workflows import requests
        from custodes.workflows.search import search

        searcher, supervisor = self.as_(SEARCHER), self.as_(SUPERVISOR)
        stranger = requests.request_search(self.services, searcher, self._form(searcher, images / STRANGER))
        requests.approve_request(self.services, supervisor, request=stranger.id, reason="Demonstration.")
        found = search(self.services, searcher, request=stranger.id)
        click.echo()
        say(
            N_("A second search, for somebody who is not enrolled: %(count)d candidates. None is a normal answer."),
            count=len(found.candidates),
        )

    def say_how_to_go_on(self) -> None:
        """Print how to open the pages, and as whom."""
        click.echo()
        say(
            N_("To open the pages: make serve (or “custodes serve” with CUSTODES_DATA_DIR=%(place)s)"),
            place=self._config.data_dir,
        )
        say(N_("Sign in with the passphrase %(passphrase)s as:"), passphrase=self._state["passphrase"])
        for person in (*PEOPLE, ADMINISTRATOR):
            click.echo(f"  {person.email:40} {label(person.role)}")
        place = files("custodes.cli") / "demo_data" / "images"
        say(N_("More probes to try: the files named *_probe_pose.jpg in %(place)s"), place=place)

    def as_(self, person: Person) -> Context:
        """Sign a person in, and return the Context in which they act."""
        from custodes.app import Actor, new_context

        record = self._signed_in(person)
        return new_context(Actor(record.id, record.agency.id, person.role), locale=self._config.language)

    def _signed_in(self, person: Person) -> AccountRecord:
        from custodes.app import new_context
        from custodes.workflows import people

        return people.sign_in(self.services, new_context(), email=person.email, password=self._state["passphrase"])

    def _people(self) -> None:
        from custodes.app import new_context
        from custodes.workflows import people

        if not people.agencies():
            people.create_installation(
                self.services,
                new_context(),
                agency_code=SERVICES[0].code,
                agency_name=SERVICES[0].name,
                email=ADMINISTRATOR.email,
                full_name=ADMINISTRATOR.full_name,
                personnel_number="1",
                password=self._state["passphrase"],
            )
        administrator = self.as_(ADMINISTRATOR)
        known = {agency.code for agency in people.agencies()}
        for service in SERVICES:
            if service.code not in known:
                people.create_agency(self.services, administrator, code=service.code, name=service.name)
        for number, person in enumerate(PEOPLE, 2):
            self._account(administrator, person, number)
        self._agreements(administrator)

    def _account(self, administrator: Context, person: Person, number: int) -> None:
        from custodes.workflows import people

        with suppress(Conflict):  # an earlier attempt came this far
            people.create_account(
                self.services,
                administrator,
                agency_code=person.agency,
                email=person.email,
                full_name=person.full_name,
                personnel_number=str(number),
                password=self._state["passphrase"],
            )
        account = self._signed_in(person)
        if person.role not in account.roles:  # ... and was ended before this
            people.grant_role(self.services, administrator, account=account.id, role=person.role)

    def _agreements(self, administrator: Context) -> None:
        from custodes.workflows import people

        today = administrator.now().date()
        ids = {agency.code: agency.id for agency in people.agencies()}
        for searcher in SERVICES:
            known = people.owners_shared_with(ids[searcher.code])
            for owner in SERVICES:
                if owner is not searcher and ids[owner.code] not in known:
                    people.register_agreement(
                        self.services,
                        administrator,
                        owner_code=owner.code,
                        searcher_code=searcher.code,
                        reference=f"MOU {owner.code}-{searcher.code}",
                        starts_on=today,
                        ends_on=today + timedelta(days=365),
                    )

    def _enrol(self, officer: Person, manifest: Path, images: Path) -> None:
        from custodes.cli.enrol import show_report
        from custodes.workflows.enrolment import enrol

        say(N_("%(name)s enrols %(manifest)s:"), name=officer.full_name, manifest=manifest.name)
        progress = Progress(manifest.name)
        report = enrol(
            self.services,
            self.as_(officer),
            manifest=manifest,
            mapping=manifest.with_suffix(".toml"),
            images=images,
            progress=progress,
        )
        progress.end()
        show_report(report)

    def _form(self, searcher: Context, probe: Path) -> RequestForm:
        from custodes.workflows import cases, requests

        try:
            case = cases.case_by_number(self.services, searcher, number=CASE).id
        except NotFound:
            case = cases.open_case(self.services, searcher, number=CASE).id
        record = cases.add_probe(self.services, searcher, case=case, data=probe.read_bytes(), name=probe.name)
        return requests.RequestForm(
            case=case,
            probe=record.id,
            face=0,
            offence_code="CC 344",
            purpose="person-of-interest",
            authority="common-law",
            authority_reference="Demonstration",
            necessity="Demonstration: one face of one recording, no other lead.",
            source="cctv-recording",
            how_obtained="Demonstration: handed over by the shop's owner.",
        )

    def _remember(self, **facts: object) -> None:
        self._state = {**self._state, **facts}
        self._config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._config.data_dir, delete=False, encoding="utf-8") as file:
            json.dump(self._state, file)
        Path(file.name).replace(self._note)
