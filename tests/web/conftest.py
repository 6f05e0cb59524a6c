"""The small world of the workflows' tests, seen through pages; and people in the gallery who do not exist."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.client import ClientHandler
from tests.conftest import FixedClock
from tests.postgresql import as_the_product
from tests.workflows.conftest import PASSWORD, World, config, services, world

from custodes.app import SystemClock, new_context, process
from custodes.engine.fake import FakeEngine, picture
from custodes.ids import BookingId, PhotographId, RequestId, SubjectId, TemplateId
from custodes.imaging import decode
from custodes.policy.eligibility import BookingFacts, eligibility
from custodes.store import enrolment
from custodes.store.database import GALLERY, raise_generation, transaction_of_its_own
from custodes.types import Disposition, Ground, Offence, Sex, Youth
from custodes.workflows.gallery import gallery_changes
from custodes.workflows.search import search
from custodes.workflows.services import Services

__all__ = ["PASSWORD", "World", "config", "services", "world"]


@pytest.fixture(autouse=True)
def pages_see_what_the_product_sees(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page looks past the fence because a test may."""
    handle = ClientHandler.__call__

    def strictly(handler: ClientHandler, environ: dict[str, object]) -> HttpResponseBase:
        with as_the_product():
            return handle(handler, environ)

    if {"db", "transactional_db"} & set(request.fixturenames):
        monkeypatch.setattr(ClientHandler, "__call__", strictly)


@pytest.fixture(autouse=True)
def clock_of_the_pages(fixed_clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages live at the same moment as the world."""
    monkeypatch.setattr(SystemClock, "now", lambda self: fixed_clock.now())


@pytest.fixture(autouse=True)
def on_the_pages(request: pytest.FixtureRequest) -> Iterator[None]:
    """The pages work with the test's services, where a test has any."""
    if "services" in request.fixturenames:
        process.set_services(request.getfixturevalue("services"))
    yield
    process.set_services(None)


@dataclass
class Pages:
    """Signed-in browsers without a browser: one Django client per person."""

    world: World

    def __call__(self, name: str, *, language: str = "en", strict: bool = False) -> Client:
        """Sign a person of the world in through the sign-in page."""
        client = Client(headers={"accept-language": language})
        answer = client.post("/sign-in", {"email": self.world.person(name).email, "password": PASSWORD})
        assert answer.status_code == 302
        client.handler.enforce_csrf_checks = strict
        return client


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world)


@pytest.fixture
def stranger(services: Services) -> Client:
    """A browser in which nobody is signed in."""
    return Client(headers={"accept-language": "en"})


Enrol = Callable[..., enrolment.NewPhotograph]


@pytest.fixture
def enrol(world: World) -> Enrol:
    """``enrol(identity, by="records officer", **changes)`` puts one photograph into the gallery."""

    def one(
        identity: int, *, by: str = "records officer", variation: int = 0, **changes: object
    ) -> enrolment.NewPhotograph:
        services, agency, now = world.services, world.person(by).agency.id, world.clock.now()
        data = picture(identity, variation=variation)
        image = decode(data, name=None, limits=services.limits)
        engine = FakeEngine()
        template = engine.embed([(image.pixels, engine.detect(image.pixels)[0])])[0]
        offences = changes.pop(
            "offences",
            (Offence("CC 344", Ground.INDICTABLE, True, date(2024, 5, 1), Disposition.CONVICTED, date(2024, 11, 3)),),
        )
        youth, taken_on = changes.pop("youth", Youth.NO), changes.pop("taken_on", date(2024, 5, 2))
        facts = BookingFacts(agency, offences, youth, date(1990, 1, 31), taken_on)  # type: ignore[arg-type]
        new = enrolment.NewPhotograph(
            photograph_id=PhotographId.new(os.urandom),
            template_id=TemplateId.new(os.urandom),
            subject_id=SubjectId.new(os.urandom),
            booking_id=BookingId.new(os.urandom),
            agency=agency,
            person_number=str(changes.pop("person_number", f"P-{identity}")),
            booking_number=str(changes.pop("booking_number", f"B-{identity}-{variation}")),
            sex=Sex.FEMALE,
            birth_date=date(1990, 1, 31),
            youth=youth,  # type: ignore[arg-type]
            offences=offences,  # type: ignore[arg-type]
            taken_on=taken_on,  # type: ignore[arg-type]
            original=data,
            name="enrolled.png",
            sha256=hashlib.sha256(data).hexdigest(),
            format=image.format,
            width=image.width,
            height=image.height,
            vector=template.vector,
            eligibility=eligibility(facts, now),
        )
        assert not changes
        sealed = enrolment.seal_photographs(services.vault, [new])
        with transaction_of_its_own(GALLERY):
            enrolment.add_photographs([(new, sealed[0])], engine.contract, generation=raise_generation(), at=now)
            services.ledger.with_rows(*gallery_changes(services, new_context()))
        return new

    return one


def newest(world: World, count: int = 1) -> list[tuple[str, bytes]]:
    """Return kind and body of the newest entries of the log."""
    return [(entry.kind, entry.body) for entry in world.services.entries.newest(count)]


ANSWERS = {
    "face": "0",
    "offence_code": "CC 344",
    "purpose": "person-of-interest",
    "authority": "common-law",
    "authority_reference": "R. v. Example",
    "necessity": "No other lead; one face, one search.",
    "source": "cctv-recording",
    "how_obtained": "Volunteered by the shop's owner.",
}
"""A complete form for a search, as a browser sends it."""


@pytest.fixture
def searched(world: World, enrol: Enrol) -> RequestId:
    """A request that was searched: two candidates, identity 1 of one's own service and of the partner's."""
    for variation in (1, 2):
        enrol(1, variation=variation)
    enrol(1, by="partner records officer", variation=4, person_number="L-1")
    enrol(2)
    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    return request


def text(client: Client, address: str, status: int = 200) -> str:
    """Return a page's HTML, and hold it to its status."""
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content.decode()
