"""AUD-05, AUD-06: every workflow is driven, and every leaf that was written searched for what must not be there.

Each kind of entry is written at least once, so that a new kind that no workflow here writes fails this file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests import networks
from tests.ledger.sealing import ORIGIN, KeyType, key
from tests.workflows.conftest import PASSWORD, World
from tests.workflows.enrol_fixtures import Export, as_csv, row
from tests.workflows.test_packs import KEY, sign_with, trust

from custodes.app import sealing
from custodes.config import Config
from custodes.engine.fake import picture
from custodes.errors import CustodesError, SetupError
from custodes.ids import KeyId
from custodes.keyfile import no_passphrase
from custodes.ledger import commitment
from custodes.ledger.events import DEEDS, EventKind, KeyName, Place, specs
from custodes.ledger.keeper import LogKeeper, Terms
from custodes.ledger.key_folder import create_log_keys, open_log_keys
from custodes.ledger.leaf import event_of, leaf_faults
from custodes.ledger.note import sign_note
from custodes.ledger.succession import Declaration, Tree
from custodes.ledger.tree import leaf_hash
from custodes.ledger.witnessing.standing import Extension
from custodes.store.log import SealedEntries
from custodes.store.models import Account, Booking, LogDetail, LogEntry, Photograph, Probe, SearchRequest, Subject
from custodes.store.vault import Sealed
from custodes.types import Filters, Role, Sex
from custodes.workflows import cases, corrections, gallery, keys, packs, people, requests, sanctions, viewing
from custodes.workflows import dispositions as disposing
from custodes.workflows import log as upkeep
from custodes.workflows import replay_sample as replay_sample_module
from custodes.workflows.disclosure import disclose
from custodes.workflows.enrolment import Scope
from custodes.workflows.enrolment import batch as enrolling
from custodes.workflows.nightly import check_the_night
from custodes.workflows.replay import replay
from custodes.workflows.replay_sample import replay_sample
from custodes.workflows.search import search
from custodes.workflows.succession import declare_successor
from custodes.workflows.threshold import adopt_threshold

_STATEMENTS = {
    "authority_reference": "Warrant 4711 of Justice Okonkwo",
    "necessity": "The till camera shows one face and no other lead",
    "how_obtained": "Handed over by Mx. Tremblay of the corner shop",
}
_REASONS = ("Sound and proportionate, said Sgt. Leblanc", "Ask the court first, said Sgt. Leblanc")
_FILE = "still of Jean Tremblay.png"
_STRANGER = "jean.tremblay@nowhere.example"
_BIRTH, _OTHER_BIRTH = "1987-06-05", "1988-07-06"


@dataclass(frozen=True)
class Corpus:
    """Every entry of the log after the journey, with what the journey gave that nobody may read in it."""

    world: World
    bodies: list[bytes]
    manifests: list[bytes]


@pytest.fixture
def config(config: Config) -> Config:
    """An installation that is there, for packs: the tests' database stands in for its file."""
    config.data_dir.mkdir(parents=True)
    config.database_file.touch()
    return config


def _person(number: int, **changes: str) -> dict[str, str]:
    named = {"person_number": f"PERSON-{number}815", "booking_number": f"BOOKING-{number}711", "birth_date": _BIRTH}
    return {**row(number), **named, **changes}


def _stopped(module: Any, name: str, run: Callable[[], object]) -> None:
    """Let a job stop in its middle, so that it is taken up again."""

    def broken(*_: object, **__: object) -> Any:
        raise OSError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, broken)
        with pytest.raises((CustodesError, OSError)):
            run()


def _add_and_remove_a_pack(world: World, config: Config, folder: Path) -> None:
    detector, embedder = networks.tiny_detector(), networks.tiny_embedder()
    networks.write_weights(detector, embedder, folder / "weights")
    manifest = folder / "tiny.toml"
    manifest.write_text(networks.tiny_manifest(detector, embedder), "utf-8")
    trust(config, KEY)
    sign_with(manifest)
    boss = world.as_("administrator")
    packs.add_pack(world.services, boss, manifest=manifest, weights=folder / "weights")
    packs.remove_pack(world.services, boss, name="tiny")


def _enrol(world: World, export: Export, manifests: list[bytes]) -> None:
    def run(*rows: dict[str, str], re_export: Scope | None = None) -> None:
        export.rows(*rows)
        manifests.append(export.manifest.read_bytes())
        export.enrol(re_export=re_export)

    export.images(6)
    good = [_person(1), _person(2), _person(3, youth="yes"), _person(4), _person(5, image="Jean Tremblay.png")]
    export.rows(*good)
    _stopped(enrolling.store, "seal_photographs", export.enrol)
    run(*good)
    run(_person(2, youth="yes"), _person(6))
    world.clock.advance(days=1)
    # one corrected, two that wait, one that vanished
    again = [_person(1, birth_date=_OTHER_BIRTH), _person(2), _person(3), _person(6)]
    scope = Scope(date(2001, 2, 3), date(2025, 12, 31))
    export.rows(*again)
    _stopped(enrolling.store, "seal_photographs", lambda: export.enrol(re_export=scope))
    run(*again, re_export=scope)
    world.clock.advance(days=1)
    run(*again[:2], _person(3, youth="yes"), again[3], re_export=Scope())
    world.clock.advance(days=1)
    run(*again, re_export=Scope())


def _decide(world: World) -> None:
    services, boss = world.services, world.as_("supervisor")
    found: list[Any] = []
    corrections.list_waiting(services, boss, show=found.append)
    corrections.list_vanished(services, world.as_("records officer"), show=lambda _: None)
    corrections.list_history(services, world.as_("records officer"), person_number="PERSON-1815")
    one, other = found[:2]
    corrections.confirm_correction(services, boss, correction=one.id)
    corrections.decline_correction(services, boss, correction=other.id, reason=_REASONS[1])


def _dispose(world: World, export: Export, manifests: list[bytes]) -> None:
    ends = {"offence_code": "CC 344", "disposition": "convicted", "disposition_date": "2025-09-01"}
    rows = [{"booking_number": "BOOKING-1711", "offence_date": "", "appeal_end": "2025-10-01", **ends}]
    export.write(as_csv(rows), "ends of Jean Tremblay.csv")
    manifests.append(export.manifest.read_bytes())
    officer = world.as_("records officer")

    def update() -> object:
        return disposing.update_dispositions(world.services, officer, file=export.manifest)

    _stopped(disposing, "write_corrections", update)
    update()


def _work_a_case(world: World) -> None:
    services, searcher, supervisor = world.services, world.as_("searcher"), world.as_("supervisor")
    case = cases.open_case(services, searcher, number="CASE-0815")
    probe = cases.add_probe(services, searcher, case=case.id, data=picture(1, 2, variation=3), name=_FILE)
    filters = Filters(sex=Sex.MALE, age_from=31, age_to=47, taken_from=date(2011, 3, 9))
    for wrong in ({"purpose": "vengeance of Tremblay"}, {"necessity": ""}, {"offence_code": "theft by Tremblay"}):
        with pytest.raises(CustodesError):
            requests.request_search(services, searcher, world.form(case.id, probe, **{**_STATEMENTS, **wrong}))
    for data in (b"junk", b""):
        with pytest.raises(CustodesError):
            cases.add_probe(services, searcher, case=case.id, data=data, name=_FILE)
    made, declined = (
        requests.request_search(services, searcher, world.form(case.id, probe, filters=filters, **_STATEMENTS))
        for _ in range(2)
    )
    requests.approve_request(services, supervisor, request=made.id, reason=_REASONS[0])
    requests.decline_request(services, supervisor, request=declined.id, reason=_REASONS[1])
    found = search(services, searcher, request=made.id)
    assert found.candidates
    viewing.my_work(services, searcher)
    viewing.view_request(services, searcher, request=made.id)
    viewing.view_candidates(services, searcher, request=made.id)
    viewing.view_record(services, searcher, subject=found.candidates[0].subject)
    viewing.view_photograph(services, searcher, photograph=found.candidates[0].photographs[0])
    viewing.view_probe(services, searcher, probe=probe.id)
    cases.view_case(services, searcher, case=case.id)
    replay(services, world.as_("auditor"), request=made.id)
    cases.close_case(services, supervisor, case=case.id)
    with pytest.raises(CustodesError):
        cases.case_by_number(services, searcher, number="CASE-of-Tremblay")
    with pytest.raises(CustodesError):
        viewing.subject_by_number(services, world.as_("records officer"), person_number="PERSON-of-Tremblay")


def _come_and_go(world: World) -> None:
    services, searcher = world.services, world.as_("searcher")
    for email in (_STRANGER, world.person("searcher").email):
        with pytest.raises(CustodesError):
            people.sign_in(services, searcher, email=email, password="hunter2hunter2")
    people.sign_in(services, searcher, email=world.person("searcher").email, password=PASSWORD)
    people.sign_out(services, searcher)
    with pytest.raises(CustodesError):
        people.grant_role(services, searcher, account=world.person("searcher").id, role=Role.AUDITOR)
    viewing.view_log(services, world.as_("auditor"))
    boss = world.as_("administrator")
    left = people.create_account(
        services,
        boss,
        agency_code="NRP",
        email="marc.tremblay@nrp.example",
        full_name="Marc Tremblay",
        personnel_number="PERSONNEL-815",
        password=PASSWORD,
    ).id
    people.grant_role(services, boss, account=left, role=Role.REVIEWER)
    sanctions.suspend(services, boss, account=left, reason=_REASONS[0])
    sanctions.reinstate(services, boss, account=left, reason=_REASONS[1])
    sanctions.end(services, boss, account=left, reason=_REASONS[0])


def _keep_the_log(world: World, config: Config) -> None:
    """Seal, verify, prove, put back; replace keys; come short of witnesses; set the clock back."""
    services, auditor, boss = world.services, world.as_("auditor"), world.as_("administrator")
    keyring = create_log_keys(config.log_key_dir, ORIGIN, os.urandom)
    overseers = [key(f"overseer{n}", KeyType.ED25519) for n in range(2)]
    terms = Terms(None, 60, tuple(one.verifier for one in overseers))
    keeper = LogKeeper(config.log_dir, SealedEntries(), lambda: open_log_keys(config.log_key_dir), terms=terms)
    services.keeper = keeper
    at = int(world.clock.now().timestamp())
    assert keeper.seal(at)
    gallery.check_balance(services, auditor)
    upkeep.log_status(services, auditor)
    assert upkeep.verify_log(services, auditor).is_sound
    adopt_threshold(services, boss)
    check_the_night(services, replace(auditor, actor=None, agency=None, role=None), sample=1)
    (entry, *_) = services.entries.of_kind(EventKind.CASE_OPENED)
    upkeep.export_proof(services, auditor, entry=entry.id)
    (asked, *_) = services.entries.of_kind(EventKind.REQUEST_MADE)
    assert asked.request
    assert keeper.seal(at)
    disclose(services, auditor, request=asked.request, opened=True)
    note = bytes(sign_note(str(Extension(keyring.origin, at, at + 60)), overseers, at))
    upkeep.extend_quorum(services, auditor, note=note)
    upkeep.restore_log(services, auditor, source=config.log_dir)
    world.clock.advance(days=-1)
    sealing.note_clock(services, keeper, world.clock.now())
    world.clock.advance(days=1)
    _stopped(replay_sample_module, "replay_search", lambda: replay_sample(services, auditor, count=1))
    replay_sample(services, auditor, count=1)
    keys.protect_key(services, boss, key=KeyName.LOG, passphrase=no_passphrase, new_passphrase=None)
    keys.rotate_log(services, boss, passphrase=no_passphrase)
    assert keeper.seal(at)
    newest = keeper.checkpoint()
    assert newest
    lost = Declaration(keyring.origin, Tree(newest.size + 5, bytes(32)), Tree.of(newest), at)
    declared = bytes(sign_note(str(lost), overseers, at))
    declare_successor(services, auditor, note=declared, passphrase=no_passphrase)


@pytest.fixture
def corpus(committed: None, world: World, config: Config, tmp_path: Path) -> Corpus:
    manifests: list[bytes] = []
    _add_and_remove_a_pack(world, config, tmp_path)
    export = Export(world, tmp_path / "export")
    world.services.__dict__.pop("engine", None)
    export.image("Jean Tremblay.png", 5)
    _enrol(world, export, manifests)
    _decide(world)
    _dispose(world, export, manifests)
    _work_a_case(world)
    _come_and_go(world)
    _keep_the_log(world, config)
    bodies = [bytes(body) for body in LogEntry.objects.order_by("pk").values_list("body", flat=True)]
    return Corpus(world, bodies, manifests)


def _secrets(corpus: Corpus) -> dict[str, set[str]]:
    """What nobody may read in a leaf, by what it is: from the database, so that nothing the journey made is missed."""
    services, world = corpus.world.services, corpus.world
    accounts, asked = list(Account.objects.all()), list(SearchRequest.objects.all())
    probes, photographs = list(Probe.objects.all()), list(Photograph.objects.all())
    images = [original(services, row.uid) for row in (*probes, *photographs)]
    numbers = {f"{word}-{n}{rest}" for n in range(1, 7) for word, rest in (("PERSON", "815"), ("BOOKING", "711"))}
    assert len(images) > 6
    assert {*Subject.objects.values_list("person_number", flat=True)} <= numbers
    assert {*Booking.objects.values_list("booking_number", flat=True)} <= numbers
    return {
        "an e-mail address": {"@", _STRANGER, *(row.email for row in accounts)},
        "a name": {"Tremblay", "Leblanc", "Okonkwo", *(n for row in accounts for n in row.full_name.split())},
        "the name of a service": {"Northridge", "Lakeshore", "NRP", "LKS", "MOU 7"},
        "the name of a pack": {"tiny"},
        "a password": {PASSWORD, "hunter2"},
        "free text": {*_STATEMENTS.values(), *_REASONS, "vengeance", *(row.necessity for row in asked)},
        "a file name": {_FILE, ".png", ".csv", ".toml"},
        "a number of a person, booking or case": {*numbers, "CASE-", "PERSON-", "BOOKING-", "0815", "4711"},
        "a birth date": {_BIRTH, _OTHER_BIRTH, "1987", "1988"},
        "a date of a photograph or an offence": {"2025-06-0", "2025-05-01", "2025-09-01", "2001-02-03", "2011-03-09"},
        "a hash of an image": {hashlib.sha256(image).hexdigest() for image in images},
        "a hash of people's data": {hashlib.sha256(manifest).hexdigest() for manifest in corpus.manifests},
        "a certificate": {row.search.certificate for row in asked if hasattr(row, "search")},
        "an image": {form for image in images for form in _forms(image)},
        "a group": {'"M"', '"F"', "youth", "YOUTH", "AGE_UNKNOWN", '"sex":', '"age_from":', "31,", "47,"},
        "a template": {form for vector in _vectors(world) for form in _forms(vector)},
    }


def original(services: Any, uid: str) -> bytes:
    from custodes.store import subjects

    return subjects.original_bytes(services.vault, uid)


def _vectors(world: World) -> list[bytes]:
    from custodes.store.models import TemplateRow

    sealed = [(row.uid, Sealed(KeyId(row.key_uid), bytes(row.ciphertext))) for row in TemplateRow.objects.all()]
    return [plain for _, plain in world.services.vault.open_all(sealed)]


def _forms(data: bytes) -> Iterator[str]:
    """Pieces of bytes as text can carry them."""
    for piece in (data[:24], data[-24:]):
        yield piece.hex()
        yield base64.b64encode(piece).decode()
    yield hashlib.sha256(data).hexdigest()


# --- the corpus -------------------------------------------------------------------------------------


def test_no_leaf_names_anybody_or_holds_a_text_an_image_a_template_or_a_group(corpus: Corpus) -> None:
    """AUD-05: scan of the leaf corpus after every workflow there is."""
    text = b"\n".join(corpus.bodies).decode()
    # ids and hashes are random digits, in which a short word may stand by chance
    said = re.sub(r'"[a-z]{3}_[0-9a-z]{26}"|"[0-9a-f]{64}"|"(?:at|id)":"[^"]*"', '"…"', text)
    secrets = _secrets(corpus)
    assert all(secrets.values())
    found = {
        what: sorted(form for form in forms if form in (text if len(form) > 12 else said))
        for what, forms in secrets.items()
    }
    assert {what: forms for what, forms in found.items() if forms} == {}


def test_every_leaf_is_one_that_its_class_writes_and_every_kind_is_written(corpus: Corpus) -> None:
    """AUD-05, AUD-01: canonical JSON, known kind, known fields, values of their shapes."""
    assert [(body, faults) for body in corpus.bodies if (faults := leaf_faults(body))] == []
    assert {event_of(body).kind for body in corpus.bodies} == set(EventKind)


def test_the_scan_would_see_a_leak(corpus: Corpus) -> None:
    """The scan itself: each private field of each kind, put into the clear, is found as a fault."""
    for body in corpus.bodies:
        leaf = event_of(body)
        stated = json.loads(body)
        for spec in specs(DEEDS[leaf.kind]):
            if spec.place is Place.PRIVATE:
                leaked = {**stated, "facts": {**stated["facts"], spec.name: "Jean Tremblay"}}
                assert leaf_faults(json.dumps(leaked, sort_keys=True, separators=(",", ":")).encode())


# --- what is private --------------------------------------------------------------------------------


def _opened(world: World, row: LogDetail) -> tuple[bytes, bytes]:
    plain = world.services.vault.open(row.entry, Sealed(KeyId(row.key_uid), bytes(row.ciphertext)))
    return plain[:16], plain[16:]


def test_every_private_part_opens_to_its_commitment_and_says_only_what_its_class_lists(corpus: Corpus) -> None:
    """AUD-05."""
    details = {row.entry: row for row in LogDetail.objects.all()}
    salts, written = set(), set()
    for body in corpus.bodies:
        leaf = event_of(body)
        assert (leaf.commitment is not None) == (leaf.id in details)
        if leaf.commitment is None:
            continue
        salt, private = _opened(corpus.world, details[leaf.id])
        assert commitment(salt, private) == leaf.commitment
        whole = event_of(body, private)
        written |= {(leaf.kind, name) for part in (whole.deed, whole.result) if part for name in part.private}
        salts.add(salt)
    assert len(salts) == len(details), "no salt is used twice"
    listed = {
        (kind, spec.name)
        for kind, deed in DEEDS.items()
        for stated in (deed, deed.outcome)
        for spec in (specs(stated) if stated else ())
        if spec.place is Place.PRIVATE
    }
    # a correction that is withdrawn or decided names no row, one that is withdrawn no facts
    unused = {(kind, name) for kind, name in listed - written if name not in ("row", "fields")}
    assert unused == set()


def test_a_guess_of_a_private_text_cannot_be_held_to_its_commitment_without_the_salt(corpus: Corpus) -> None:
    """Attack: the number of a rejected row, the sex of who is sought: few possibilities, and each can be hashed."""
    leaves = [event_of(body) for body in corpus.bodies]
    commitments = {leaf.commitment for leaf in leaves if leaf.kind is EventKind.PHOTOGRAPH_NOT_ENROLLED}
    assert commitments
    guesses = [json.dumps({"row": str(number)}, separators=(",", ":")).encode() for number in range(2000)]
    assert commitments.isdisjoint(hashlib.sha256(guess).hexdigest() for guess in guesses)
    assert commitments.isdisjoint(commitment(bytes(16), guess) for guess in guesses)


def test_aud_06_a_commitment_whose_salt_is_destroyed_opens_to_nothing_and_the_log_is_whole(corpus: Corpus) -> None:
    """AUD-05, AUD-06: the key goes; entry, leaf and leaf hash stay as they were."""
    keys = corpus.world.services.vault.keys
    before = [leaf_hash(body) for body in corpus.bodies]
    for detail in LogDetail.objects.all():
        salt, private = _opened(corpus.world, detail)
        keys.destroy([KeyId(detail.key_uid)])
        with pytest.raises(SetupError, match=r"vault\.key-gone"):
            _opened(corpus.world, detail)
        assert salt not in bytes(detail.ciphertext)
        assert private not in bytes(detail.ciphertext)
    after = [bytes(body) for body in LogEntry.objects.order_by("pk").values_list("body", flat=True)]
    assert [leaf_hash(body) for body in after] == before
    assert [leaf_faults(body) for body in after if leaf_faults(body)] == []
    assert all(event_of(body).deed.private == {} for body in after)


def test_aud_06_destroying_one_salt_leaves_every_other_private_part_readable(corpus: Corpus) -> None:
    first, *others = LogDetail.objects.order_by("pk")
    corpus.world.services.vault.keys.destroy([KeyId(first.key_uid)])
    assert all(_opened(corpus.world, row)[1] for row in others)


def test_a_replaced_private_part_does_not_open_the_commitment(corpus: Corpus) -> None:
    """Attack: write another reason beside the entry, under a fresh salt and key."""
    row = LogDetail.objects.order_by("pk")[0]
    vault = corpus.world.services.vault
    forged = vault.seal(row.entry, bytes(16) + b'{"reason":"all was well"}')
    LogDetail.objects.filter(pk=row.pk).update(key_uid=forged.key, ciphertext=forged.ciphertext)
    row.refresh_from_db()
    body = next(body for body in corpus.bodies if event_of(body).id == row.entry)
    assert commitment(*_opened(corpus.world, row)) != event_of(body).commitment
    assert replace(event_of(body), commitment=None) != event_of(body)
