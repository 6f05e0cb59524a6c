"""A throw-away installation for benchmarks and accuracy runs: real workflows, real engine, real database file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from custodes.app import Actor, lay_foundation, new_context, open_services
from custodes.config import Config

PASSWORD = "only for a throw-away folder"  # noqa: S105 - protects nothing

MAPPING = """
[file]
encoding = "utf-8"
date_formats = ["%Y-%m-%d"]

[constants]
agency = "BCH"
youth = "no"

[values.ground]
"CC 344" = "indictable"
"""
"""How every benchmark's manifest is to be read."""


class Installation:
    """One service with a searcher, a supervisor and a records officer."""

    def __init__(self, *, threads: int) -> None:
        os.environ["CUSTODES_THREADS"] = str(threads)
        self.config = Config.from_environment()
        lay_foundation(self.config)
        from custodes.types import Role
        from custodes.workflows import people

        self.services = open_services(self.config)
        admin = people.create_installation(
            self.services,
            new_context(),
            agency_code="BCH",
            agency_name="Benchmark Police",
            email="ada.moreau@bench.example",
            full_name="Ada Moreau",
            personnel_number="1",
            password=PASSWORD,
        )
        boss = new_context(Actor(admin.id, admin.agency.id, Role.ADMINISTRATOR))
        self.contexts = {}
        for number, role in enumerate((Role.SEARCHER, Role.SUPERVISOR, Role.RECORDS_OFFICER), 2):
            person = people.create_account(
                self.services,
                boss,
                agency_code="BCH",
                email=f"person{number}.doe@bench.example",
                full_name=f"Person{number} Doe",
                personnel_number=str(number),
                password=PASSWORD,
            )
            people.grant_role(self.services, boss, account=person.id, role=role)
            self.contexts[role.value] = new_context(Actor(person.id, person.agency.id, role))

    def fill_gallery(self, count: int) -> None:
        """Add ``count`` subjects with random templates and an empty image each: ballast for the search to compare."""
        from custodes.ids import BookingId, PhotographId, SubjectId, TemplateId
        from custodes.policy.eligibility import BookingFacts, eligibility
        from custodes.store import enrolment as store
        from custodes.store.database import GALLERY, raise_generation, transaction_of_its_own
        from custodes.types import Ground, Offence, Sex, Youth
        from custodes.workflows.gallery import gallery_changes

        contract = self.services.engine.contract
        agency = self.contexts["searcher"].agency
        assert agency is not None
        random = np.random.default_rng(1)
        vectors = random.standard_normal((count, contract.dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        now = datetime.now(UTC)
        offences = (Offence("CC 344", Ground.INDICTABLE),)
        allowed = eligibility(BookingFacts(agency, offences, Youth.NO, None, date(2025, 1, 1)), now)
        new = [
            store.NewPhotograph(
                photograph_id=PhotographId.new(os.urandom),
                template_id=TemplateId.new(os.urandom),
                subject_id=SubjectId.new(os.urandom),
                booking_id=BookingId.new(os.urandom),
                agency=agency,
                person_number=f"ballast-{index}",
                booking_number=f"ballast-{index}",
                sex=Sex.UNKNOWN,
                birth_date=None,
                youth=Youth.NO,
                offences=offences,
                taken_on=date(2025, 1, 1),
                original=b"",
                name="",
                sha256=f"{index:064d}",
                format="JPEG",
                width=1,
                height=1,
                vector=vectors[index],
                eligibility=allowed,
            )
            for index in range(count)
        ]
        for start in range(0, count, 500):
            part = new[start : start + 500]
            sealed = store.seal_photographs(self.services.vault, part)
            with transaction_of_its_own(GALLERY):
                store.add_photographs(
                    list(zip(part, sealed, strict=True)), contract, generation=raise_generation(), at=now
                )
                self.services.ledger.with_rows(*gallery_changes(self.services, self.contexts["searcher"]))

    def time_search(self, number: str, data: bytes) -> float:
        """Return the seconds from a probe's bytes to its candidate list: the product's part, not the persons'."""
        from custodes.workflows import cases, requests
        from custodes.workflows.search import search

        searcher, supervisor = self.contexts["searcher"], self.contexts["supervisor"]
        case = cases.open_case(self.services, searcher, number=number)
        start = time.perf_counter()
        probe = cases.add_probe(self.services, searcher, case=case.id, data=data, name="probe.jpg")
        elapsed = time.perf_counter() - start
        form = requests.RequestForm(
            case=case.id,
            probe=probe.id,
            face=0,
            offence_code="CC 344",
            purpose="person-of-interest",
            authority="common-law",
            authority_reference="benchmark",
            necessity="benchmark",
            source="cctv-recording",
            how_obtained="benchmark",
        )
        request = requests.request_search(self.services, searcher, form)
        requests.approve_request(self.services, supervisor, request=request.id)
        start = time.perf_counter()
        self.last = search(self.services, searcher, request=request.id)
        return elapsed + time.perf_counter() - start

    def enrol(
        self,
        manifest: Path,
        mapping: Path,
        images: Path,
        *,
        expect: int | None = None,
        progress: Callable[[int, int | None], None] = lambda done, total: None,
    ) -> int:
        """Enrol a manifest through the product and return how many photographs it enrolled."""
        from custodes.workflows.enrolment import enrol

        report = enrol(
            self.services,
            self.contexts["records-officer"],
            manifest=manifest,
            mapping=mapping,
            images=images,
            progress=progress,
        )
        if expect is not None and report.enrolled != expect:
            raise SystemExit(f"expected {expect} enrolled photographs: {report}")
        return report.enrolled

    def search(self, number: str, data: bytes) -> list[str]:
        """Search one probe through the product and return the person numbers on its list, in order."""
        from custodes.workflows import viewing

        self.time_search(number, data)
        view = viewing.view_candidates(self.services, self.contexts["searcher"], request=self.last.request)
        return [subject.person_number for subject in view.subjects]
