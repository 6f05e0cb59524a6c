"""A small world made through workflows alone: two services, their people, an agreement, an open case."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import FixedClock

from custodes.app import Actor, build_services, new_context
from custodes.config import Config
from custodes.engine.fake import FakeEngine, picture
from custodes.ids import BookingId, CaseId, KeyId, PhotographId, RequestId, SubjectId, TemplateId
from custodes.imaging import LocalDecoder, decode
from custodes.ledger import commitment
from custodes.ledger.leaf import leaf_faults
from custodes.policy.eligibility import BookingFacts, eligibility
from custodes.store import accounts, enrolment
from custodes.store.database import GALLERY, raise_generation, transaction_of_its_own
from custodes.store.enrolment import NewPhotograph
from custodes.store.keys import create_master_key
from custodes.store.models import LogDetail, LogEntry
from custodes.store.records import AccountRecord, CaseRecord, ProbeRecord, RequestRecord
from custodes.store.vault import Sealed
from custodes.types import Context, Ground, Offence, Role, Sex, Youth
from custodes.workflows import cases, people, requests
from custodes.workflows.gallery import gallery_changes
from custodes.workflows.services import Services

PASSWORD = "a passphrase for tests"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An installation's settings over a folder of this test's own."""
    return replace(
        Config.from_environment({"CUSTODES_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}), threads=2
    )


@pytest.fixture
def services(db: None, config: Config) -> Iterator[Services]:
    """Services over the test database, a key store of their own and the fake engine."""
    create_master_key(config.master_key_file, os.urandom)
    built = build_services(config, make_engine=FakeEngine, make_decoder=LocalDecoder, threshold=0.5)
    yield built
    built.vault.keys.close()  # type: ignore[attr-defined]


@pytest.fixture
def committed(transactional_db: None) -> None:
    """Transactions commit for good, as in an installation."""


@dataclass
class World:
    """The people of a small world by what they are; ``as_(name)`` is a Context in which they act."""

    services: Services
    clock: FixedClock
    people: dict[str, tuple[AccountRecord, Role]] = field(default_factory=dict)

    def as_(self, name: str) -> Context:
        person, role = self.people[name]
        context = new_context(Actor(person.id, person.agency.id, role))
        return replace(context, clock=self.clock)

    def person(self, name: str) -> AccountRecord:
        return self.people[name][0]

    def enrol(
        self,
        identity: int,
        *,
        person_number: str | None = None,
        booking_number: str | None = None,
        agency: str = "NRP",
        youth: Youth = Youth.NO,
        ground: Ground | None = Ground.INDICTABLE,
        sex: Sex = Sex.UNKNOWN,
        birth_date: date | None = date(1990, 1, 1),
        taken_on: date | None = date(2025, 6, 1),
        until: datetime | None = None,
        variation: int = 0,
    ) -> NewPhotograph:
        """A photograph of ``identity`` in the gallery, past the enrolment workflow: straight into the store."""
        new = self.photograph(
            identity,
            person_number=person_number or f"P{identity}",
            booking_number=booking_number or f"B{identity}-{variation}",
            agency=agency,
            youth=youth,
            ground=ground,
            sex=sex,
            birth_date=birth_date,
            taken_on=taken_on,
            until=until,
            variation=variation,
        )
        sealed = enrolment.seal_photographs(self.services.vault, [new])
        with self.changing():
            enrolment.add_photographs(
                [(new, sealed[0])],
                self.services.engine.contract,
                generation=raise_generation(),
                at=self.clock.now(),
            )
        return new

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A transaction that changes the gallery past the workflows, and states it in the log as they do."""
        with transaction_of_its_own(GALLERY):
            yield
            context = self.as_("records officer")
            self.services.ledger.with_rows(*gallery_changes(self.services, context))

    def photograph(
        self,
        identity: int,
        *,
        person_number: str,
        booking_number: str,
        agency: str,
        youth: Youth,
        ground: Ground | None,
        sex: Sex,
        birth_date: date | None,
        taken_on: date | None,
        until: datetime | None,
        variation: int,
    ) -> NewPhotograph:
        """A photograph with its template, judged by policy, ready to be sealed."""
        original = picture(identity, variation=variation)
        decoded = decode(original, name=None, limits=self.services.limits)
        template = self.services.engine.embed([(decoded.pixels, self.services.engine.detect(decoded.pixels)[0])])[0]
        owner = accounts.agency_by_code(agency).id
        offence = Offence("CC 344", ground, committed_on=date(2025, 5, 1))
        facts = BookingFacts(owner, [offence], youth, birth_date, taken_on)
        return NewPhotograph(
            photograph_id=PhotographId.new(os.urandom),
            template_id=TemplateId.new(os.urandom),
            subject_id=SubjectId.new(os.urandom),
            booking_id=BookingId.new(os.urandom),
            agency=owner,
            person_number=person_number,
            booking_number=booking_number,
            sex=sex,
            birth_date=birth_date,
            youth=youth,
            offences=[offence],
            taken_on=taken_on,
            original=original,
            name="enrolled.png",
            sha256=decoded.sha256,
            format=decoded.format,
            width=decoded.width,
            height=decoded.height,
            vector=template.vector,
            eligibility=replace(eligibility(facts, self.clock.now()), searchable_until=until),
        )

    def log(self, count: int = 1) -> list[dict[str, Any]]:
        """The bodies of the newest entries of the log, newest first."""
        return [json.loads(entry.body) for entry in self.services.entries.newest(count)]

    def private(self, entry: dict[str, Any]) -> dict[str, str]:
        """The private part of an entry that :meth:`log` returned, opened and held to its commitment."""
        row = LogDetail.objects.get(entry=entry["id"])
        opened = self.services.vault.open(entry["id"], Sealed(KeyId(row.key_uid), bytes(row.ciphertext)))
        salt, private = opened[:16], opened[16:]
        assert commitment(salt, private) == entry["private"]
        return json.loads(private)  # type: ignore[no-any-return]

    def case(self, number: str = "2026-1", *, by: str = "searcher") -> CaseRecord:
        return cases.open_case(self.services, self.as_(by), number=number)

    def probe(self, case: CaseId, *identities: int, variation: int = 3, by: str = "searcher") -> ProbeRecord:
        data = picture(*identities, variation=variation)
        return cases.add_probe(self.services, self.as_(by), case=case, data=data, name="probe.png")

    def form(self, case: CaseId, probe: ProbeRecord, /, **changes: object) -> requests.RequestForm:
        """A complete request form; ``changes`` replace its fields."""
        form = requests.RequestForm(
            case=case,
            probe=probe.id,
            face=0,
            offence_code="CC 344",
            purpose="person-of-interest",
            authority="common-law",
            authority_reference="R. v. Example",
            necessity="No other lead; one face, one search.",
            source="cctv-recording",
            how_obtained="Volunteered by the shop's owner.",
        )
        return replace(form, **changes)  # type: ignore[arg-type]

    def request(self, *identities: int, number: str = "2026-1", **changes: object) -> RequestRecord:
        """A request for the first face of a new probe in a new case."""
        case = self.case(number)
        form = self.form(case.id, self.probe(case.id, *identities), **changes)
        return requests.request_search(self.services, self.as_("searcher"), form)

    def approved(self, *identities: int, number: str = "2026-1", **changes: object) -> RequestId:
        """A request that the supervisor approved."""
        record = self.request(*identities, number=number, **changes)
        requests.approve_request(self.services, self.as_("supervisor"), request=record.id)
        return record.id


@pytest.fixture
def world(services: Services, fixed_clock: FixedClock) -> Iterator[World]:
    """Two services that share (NRP may search LKS) and one person per role.

    Whatever a test did, every leaf that it wrote is one that a class of `ledger.events` can write (AUD-05).
    """
    yield build_world(services, fixed_clock)
    bodies = LogEntry.objects.order_by("pk").values_list("kind", "body")
    assert [(kind, faults) for kind, body in bodies if (faults := leaf_faults(bytes(body)))] == []


def build_world(services: Services, fixed_clock: FixedClock) -> World:
    """The world over any services; what runs in a process of its own calls this."""
    world = World(services, fixed_clock)
    administrator = people.create_installation(
        services,
        replace(new_context(), clock=fixed_clock),
        agency_code="NRP",
        agency_name="Northridge Police",
        email="ada.moreau@nrp.example",
        full_name="Ada Moreau",
        personnel_number="1",
        password=PASSWORD,
    )
    world.people["administrator"] = (administrator, Role.ADMINISTRATOR)
    boss = world.as_("administrator")
    people.create_agency(services, boss, code="LKS", name="Lakeshore Police")
    today = fixed_clock.now().date()
    people.register_agreement(
        services,
        boss,
        owner_code="LKS",
        searcher_code="NRP",
        reference="MOU 7",
        starts_on=today - timedelta(days=30),
        ends_on=today + timedelta(days=30),
    )
    for number, (name, agency, role) in enumerate(
        (
            ("searcher", "NRP", Role.SEARCHER),
            ("other searcher", "NRP", Role.SEARCHER),
            ("supervisor", "NRP", Role.SUPERVISOR),
            ("records officer", "NRP", Role.RECORDS_OFFICER),
            ("auditor", "NRP", Role.AUDITOR),
            ("partner searcher", "LKS", Role.SEARCHER),
            ("partner supervisor", "LKS", Role.SUPERVISOR),
            ("partner records officer", "LKS", Role.RECORDS_OFFICER),
        ),
        start=2,
    ):
        person = people.create_account(
            services,
            boss,
            agency_code=agency,
            email=f"person{number}.doe@{agency.lower()}.example",
            full_name=f"Person{number} Doe",
            personnel_number=str(number),
            password=PASSWORD,
        )
        world.people[name] = (people.grant_role(services, boss, account=person.id, role=role), role)
    return world
