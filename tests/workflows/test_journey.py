"""One whole journey, and then a search for what must not have been left behind (SEC-02, AUD-05, AUD-09)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from tests import postgresql
from tests.workflows.conftest import PASSWORD, World

from custodes.errors import CustodesError
from custodes.store import searches, subjects
from custodes.store.enrolment import NewPhotograph
from custodes.store.models import Account, LogEntry
from custodes.workflows import cases, people, requests, viewing
from custodes.workflows.search import search

_TEXTS = {
    "authority_reference": "Warrant 4711 of Justice Okonkwo",
    "necessity": "The till camera shows one face and no other lead",
    "how_obtained": "Handed over by Mx. Tremblay of the corner shop",
}
_REASON = "Sound and proportionate, said Sgt. Leblanc"
_FILE_NAME = "still of Jean Tremblay.png"


@pytest.fixture
def journey(committed: None, world: World) -> tuple[World, NewPhotograph]:
    """Enrolled, refused, asked, approved, searched, looked at, signed in and out, closed."""
    services = world.services
    enrolled = world.enrol(1, person_number="PERSON-0815", booking_number="BOOKING-0815")
    world.enrol(2, agency="LKS")
    case = world.case("CASE-0815")
    probe = world.probe(case.id, 1, 2)
    with pytest.raises(CustodesError):
        cases.add_probe(services, world.as_("searcher"), case=case.id, data=b"junk", name=_FILE_NAME)
    with pytest.raises(CustodesError):
        requests.request_search(services, world.as_("searcher"), world.form(case.id, probe, purpose="vengeance"))
    form = world.form(case.id, probe, **_TEXTS)
    made = requests.request_search(services, world.as_("searcher"), form)
    requests.approve_request(services, world.as_("supervisor"), request=made.id, reason=_REASON)
    search(services, world.as_("searcher"), request=made.id)
    viewing.view_candidates(services, world.as_("searcher"), request=made.id)
    viewing.view_record(services, world.as_("searcher"), subject=enrolled.subject_id)
    viewing.view_photograph(services, world.as_("searcher"), photograph=enrolled.photograph_id)
    viewing.view_probe(services, world.as_("searcher"), probe=probe.id)
    with pytest.raises(CustodesError):
        people.sign_in(services, world.as_("searcher"), email="nobody@nowhere.example", password="hunter2hunter2")
    people.sign_in(services, world.as_("searcher"), email=world.person("searcher").email, password=PASSWORD)
    people.sign_out(services, world.as_("searcher"))
    cases.close_case(services, world.as_("supervisor"), case=case.id)
    viewing.view_log(services, world.as_("auditor"))
    return world, enrolled


def _database_files() -> list[Path]:
    if connection.vendor == "postgresql":
        return postgresql.database_files()
    main = Path(str(connection.settings_dict["NAME"]))
    return [path for path in main.parent.iterdir() if path.name.startswith(main.name)]


def test_the_log_states_no_person_no_text_no_image_and_no_template(journey: tuple[World, NewPhotograph]) -> None:
    """AUD-05: scan of the whole log after a whole journey."""
    world, enrolled = journey
    bodies = b"\n".join(bytes(body) for body in LogEntry.objects.values_list("body", flat=True)).decode()
    assert bodies.count('"kind"') > 30
    (probe,) = [row.probe for row in viewing.my_work(world.services, world.as_("searcher")).mine]
    forbidden = {
        "an e-mail address": ["@", "nobody@nowhere.example"],
        "a name": [name for row in Account.objects.all() for name in row.full_name.split()] + ["Tremblay"],
        "a password": [PASSWORD, "hunter2"],
        "free text": [*_TEXTS.values(), _REASON, "vengeance", "MOU 7"],
        "a file name": [_FILE_NAME, ".png"],
        "a number of a person, booking or case": ["PERSON-0815", "BOOKING-0815", "CASE-0815"],
        "a hash of an image": [enrolled.sha256, probe.sha256],
        "a template": [enrolled.vector.tobytes().hex(), str(enrolled.vector[:2].tolist())[1:-1]],
    }
    found = {what: text for what, texts in forbidden.items() for text in texts if text in bodies}
    assert found == {}


def test_no_photograph_and_no_template_is_in_the_database_in_plain(journey: tuple[World, NewPhotograph]) -> None:
    """SEC-02: in the raw bytes of the database file and its write-ahead log."""
    world, enrolled = journey
    files = _database_files()
    raw = b"".join(path.read_bytes() for path in files)
    assert enrolled.photograph_id.encode() in raw, "the right file was read"
    (request,) = viewing.my_work(world.services, world.as_("searcher")).mine
    probe = subjects.original_bytes(world.services.vault, request.probe.id)
    template, _ = searches.replay_input(world.services.vault, request.search)  # type: ignore[arg-type]
    for secret in (enrolled.original, probe):
        assert secret[:64] not in raw
        assert secret[-64:] not in raw
    for magic in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"IHDR", b"IDAT", b"JFIF"):
        assert magic not in raw
    for vector in (enrolled.vector, template.vector):
        for window in range(0, 256, 64):
            assert vector[window : window + 64].tobytes() not in raw


def test_keys_are_in_another_file_than_what_they_open(journey: tuple[World, NewPhotograph]) -> None:
    """SEC-02: a backup of the database alone can be read by nobody."""
    world, _ = journey
    key_file = world.services.config.key_dir / "keys.sqlite3"
    assert key_file.exists()
    assert key_file not in _database_files()
    raw = b"".join(path.read_bytes() for path in _database_files())
    assert world.services.config.master_key_file.read_bytes() not in raw
    assert all(key not in raw for key in world.services.vault.keys.fetch(_key_ids()).values())


def _key_ids() -> list[str]:
    from custodes.store.models import SealedImage, TemplateRow

    return [row.key_uid for model in (SealedImage, TemplateRow) for row in model.objects.all()]


def test_every_search_has_a_person_a_case_and_a_purpose(journey: tuple[World, NewPhotograph]) -> None:
    """AUD-09."""
    assert LogEntry.objects.filter(kind="search").count() == 2
    assert searches.unattributed() == []


def test_every_entry_but_the_first_and_the_failed_sign_in_names_somebody(
    journey: tuple[World, NewPhotograph],
) -> None:
    nobody = set(LogEntry.objects.filter(actor="").values_list("kind", flat=True))
    assert nobody == {"installation.created", "threshold.set"}
