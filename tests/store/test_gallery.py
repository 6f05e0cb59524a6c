"""The store's side of the gallery: rows with their generations, visible only once committed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError
from tests.ranking.galleries import open_gallery
from tests.workflows.conftest import World

from custodes.engine.fake import FAKE_CONTRACT
from custodes.errors import Conflict, ContractMismatch, SetupError
from custodes.store import bookings, enrolment
from custodes.store.database import (
    GALLERY,
    in_transaction,
    present_generation,
    raise_generation,
    transaction_of_its_own,
)
from custodes.store.gallery import DatabaseTemplateSource
from custodes.store.models import GalleryEntry, Photograph, SealedImage, Subject, TemplateRow
from custodes.types import Barrier, Ground, Sex, Youth

_PHOTOGRAPH: dict[str, Any] = {
    "person_number": "P1",
    "booking_number": "B1",
    "agency": "NRP",
    "youth": Youth.NO,
    "ground": Ground.INDICTABLE,
    "sex": Sex.UNKNOWN,
    "birth_date": date(1990, 1, 1),
    "taken_on": date(2025, 6, 1),
    "until": None,
    "variation": 0,
}


def _source(world: World) -> DatabaseTemplateSource:
    return DatabaseTemplateSource(world.services.vault)


def test_an_empty_gallery_is_of_generation_zero(world: World) -> None:
    assert _source(world).generation() == 0
    assert list(_source(world).born(FAKE_CONTRACT, -1, 0)) == []


def test_a_row_comes_back_as_it_was_enrolled(world: World) -> None:
    new = world.enrol(1)
    (row,) = _source(world).born(FAKE_CONTRACT, 0, 1)
    assert (row.template_id, row.photograph) == (new.template_id, new.photograph_id)
    assert row.vector.tobytes() == new.vector.tobytes()
    assert row.eligibility == new.eligibility
    assert (row.sex, row.birth_date, row.taken_on) == (new.sex, new.birth_date, new.taken_on)
    assert (row.born, row.died) == (1, None)


def test_generations_are_asked_for_as_half_open_spans(world: World) -> None:
    first, second = world.enrol(1), world.enrol(2)
    source = _source(world)
    assert [row.template_id for row in source.born(FAKE_CONTRACT, 0, 1)] == [first.template_id]
    assert [row.template_id for row in source.born(FAKE_CONTRACT, 1, 2)] == [second.template_id]
    assert list(source.born(FAKE_CONTRACT, 2, 9)) == []


def test_templates_of_another_contract_are_never_handed_out(world: World) -> None:
    """ENG-01."""
    world.enrol(1)
    assert list(_source(world).born(replace(FAKE_CONTRACT, id="another"), 0, 9)) == []


def test_the_dead_are_handed_out_with_the_generation_of_their_death(world: World) -> None:
    new = world.enrol(1)
    with world.changing():
        GalleryEntry.objects.update(died=raise_generation())
    source = _source(world)
    assert list(source.died(FAKE_CONTRACT, 1, 2)) == [(new.template_id, 1, 2)]
    assert [row.died for row in source.born(FAKE_CONTRACT, 0, 2)] == [2]


def _lose_key(world: World, template: str) -> None:
    key = TemplateRow.objects.get(uid=template).key_uid
    world.services.vault.keys.destroy([key])  # type: ignore[list-item]


def test_a_living_row_whose_key_is_gone_stops_the_load_instead_of_vanishing(world: World) -> None:
    """Attack: hide a person from every search by destroying one key."""
    gone, _ = world.enrol(1), world.enrol(2)
    _lose_key(world, gone.template_id)
    with pytest.raises(SetupError, match=r"vault\.key-gone"):
        list(_source(world).born(FAKE_CONTRACT, 0, 2))


def test_a_dead_row_whose_key_is_gone_is_passed_over(world: World) -> None:
    gone, kept = world.enrol(1), world.enrol(2)
    with world.changing():
        GalleryEntry.objects.filter(template__uid=gone.template_id).update(died=raise_generation())
    _lose_key(world, gone.template_id)
    assert [row.template_id for row in _source(world).born(FAKE_CONTRACT, 0, 3)] == [kept.template_id]


@pytest.mark.parametrize("dead", [False, True])
def test_an_altered_template_stops_the_load_whether_its_row_lives_or_not(world: World, dead: bool) -> None:
    new = world.enrol(1)
    row = TemplateRow.objects.get(uid=new.template_id)
    sealed = bytes(row.ciphertext)
    TemplateRow.objects.update(ciphertext=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    if dead:
        with world.changing():
            GalleryEntry.objects.update(died=raise_generation())
    with pytest.raises(SetupError, match=r"vault\.altered"):
        list(_source(world).born(FAKE_CONTRACT, 0, 2))


def test_living_rows_are_counted_as_of_any_generation(world: World) -> None:
    first = world.enrol(1)
    world.enrol(2)
    with world.changing():
        GalleryEntry.objects.filter(template__uid=first.template_id).update(died=raise_generation())
    source = _source(world)
    assert [source.living(FAKE_CONTRACT, generation) for generation in range(5)] == [0, 1, 2, 1, 1]
    assert source.living(replace(FAKE_CONTRACT, id="another"), 3) == 0


def test_a_quarantined_booking_is_born_again_with_its_barriers_and_keeps_those_it_had(world: World) -> None:
    new = world.enrol(1, taken_on=None)
    with world.changing():
        barred = bookings.quarantine_booking(new.agency, new.booking_number, Barrier.YOUTH)
    assert barred == [new.photograph_id]
    before, after = _source(world).born(FAKE_CONTRACT, 0, 2)
    assert (before.eligibility.barriers, before.born, before.died) == (Barrier.NO_DATE, 1, 2)
    assert (after.eligibility.barriers, after.born, after.died) == (Barrier.NO_DATE | Barrier.YOUTH, 2, None)
    assert replace(after.eligibility, barriers=Barrier.NO_DATE) == before.eligibility
    kept = bookings.kept_bookings(new.agency, [new.booking_number])[new.booking_number]
    assert (kept.disputed, kept.barred) == (Barrier.YOUTH, Barrier.NO_DATE | Barrier.YOUTH)
    with world.changing():
        again = bookings.quarantine_booking(new.agency, new.booking_number, Barrier.YOUTH)
    assert again == []


def test_photographs_of_one_person_are_one_subject_and_one_booking(world: World) -> None:
    one = world.enrol(1, booking_number="B")
    other = world.enrol(1, booking_number="B", variation=2)
    rows = list(_source(world).born(FAKE_CONTRACT, 0, 2))
    assert {row.subject for row in rows} == {one.subject_id}
    assert {row.photograph for row in rows} == {one.photograph_id, other.photograph_id}


def test_a_person_number_means_another_person_at_another_service(world: World) -> None:
    world.enrol(1, person_number="P", agency="NRP")
    world.enrol(1, person_number="P", agency="LKS")
    assert Subject.objects.count() == 2


def test_a_booking_of_one_person_takes_no_photograph_of_another(world: World) -> None:
    """Attack or slip: a face enrolled under somebody else's booking would answer for the wrong person."""
    world.enrol(1, person_number="P1", booking_number="B")
    with pytest.raises(Conflict, match=r"booking\.of-another-person"):
        world.enrol(2, person_number="P2", booking_number="B")
    assert (Photograph.objects.count(), SealedImage.objects.count(), Subject.objects.count()) == (1, 1, 1)
    assert present_generation() == 1


def test_what_is_known_is_found_by_booking_and_content(world: World) -> None:
    new = world.enrol(1)
    keys = [(new.booking_number, new.sha256), (new.booking_number, "0" * 64), ("other", new.sha256)]
    assert bookings.known_photographs(new.agency, keys) == {keys[0]: new.taken_on}
    kept = bookings.kept_bookings(new.agency, [new.booking_number, "other"])
    stated = bookings.StatedBooking(new.person_number, new.youth, new.birth_date, tuple(new.offences))
    assert list(kept) == [new.booking_number]
    booking = kept[new.booking_number]
    assert (booking.id, booking.stated, booking.sex) == (new.booking_id, stated, new.sex)
    assert (booking.disputed, booking.barred) == (Barrier.NONE, Barrier.NONE)
    assert list(booking.photographs) == [new.sha256]


@pytest.mark.parametrize(
    ("changes", "barrier"),
    [
        ({"youth": Youth.YES}, Barrier.YOUTH),
        ({"youth": Youth.UNKNOWN, "birth_date": None}, Barrier.AGE_UNKNOWN),
        ({"ground": None}, Barrier.NO_GROUND),
        ({"taken_on": None}, Barrier.NO_DATE),
    ],
)
def test_why_a_row_is_quarantined_is_kept(changes: dict[str, object], barrier: Barrier, world: World) -> None:
    world.enrol(1, **changes)  # type: ignore[arg-type]
    (row,) = _source(world).born(FAKE_CONTRACT, 0, 1)
    assert row.eligibility.barriers == barrier


def test_every_ground_fits_its_column(world: World) -> None:
    for identity, ground in enumerate(Ground):
        world.enrol(identity, ground=ground, until=world.clock.now() + timedelta(days=1))
    assert GalleryEntry.objects.filter(barriers=0, searchable_until__isnull=False).count() == len(Ground)


@pytest.mark.usefixtures("committed")
def test_nothing_half_enrolled_is_ever_seen(world: World, tmp_path: Path) -> None:
    """A transaction that breaks leaves no row, no generation and no image; a gallery sees only what was committed."""
    watched = open_gallery(_source(world), FAKE_CONTRACT, tmp_path)
    new = world.enrol(1)
    assert watched.catch_up() == 1
    broken = replace(new, template_id=type(new.template_id)("tpl_2"))
    sealed = enrolment.seal_photographs(world.services.vault, [broken])
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction_of_its_own(GALLERY):
        enrolment.add_photographs(
            [(broken, sealed[0])], FAKE_CONTRACT, generation=raise_generation(), at=world.clock.now()
        )
    assert not in_transaction()
    assert present_generation() == watched.catch_up() == 1
    assert (TemplateRow.objects.count(), GalleryEntry.objects.count(), SealedImage.objects.count()) == (1, 1, 1)


@pytest.mark.usefixtures("committed")
def test_a_workflows_transaction_cannot_be_part_of_another(world: World) -> None:
    """Otherwise an outer rollback could take back what a person was already shown."""
    with transaction_of_its_own(GALLERY), pytest.raises(RuntimeError, match="durable"), transaction_of_its_own(GALLERY):
        pass


@pytest.mark.usefixtures("committed")
def test_a_row_effect_outside_a_transaction_is_a_programming_error(world: World) -> None:
    from custodes.ledger import Event
    from custodes.ledger.events import SignedIn, SignedOut

    with pytest.raises(RuntimeError, match="inside the transaction"):
        world.services.ledger.with_rows(Event(world.as_("searcher"), SignedIn(account=world.person("searcher").id)))
    with transaction_of_its_own(GALLERY), pytest.raises(RuntimeError, match="durable"):
        world.services.ledger.alone(Event(world.as_("searcher"), SignedOut()))


def test_eng_01_a_template_of_another_length_is_never_stored(world: World) -> None:
    new = world.photograph(1, **_PHOTOGRAPH)
    for vector in (new.vector[:128], np.tile(new.vector, 2), new.vector.astype(np.float64), new.vector.reshape(1, -1)):
        _refused(world, replace(new, vector=vector))
    assert not Photograph.objects.exists()


def _refused(world: World, new: enrolment.NewPhotograph) -> None:
    sealed = enrolment.seal_photographs(world.services.vault, [new])
    with pytest.raises(ContractMismatch, match=r"contract\.dimension"), transaction_of_its_own(GALLERY):
        enrolment.add_photographs(
            [(new, sealed[0])], FAKE_CONTRACT, generation=raise_generation(), at=world.clock.now()
        )


def test_eng_01_one_contract_cannot_have_two_lengths(world: World) -> None:
    world.enrol(1)
    with pytest.raises(ContractMismatch, match=r"contract\.dimension"):
        enrolment.contract_of(replace(FAKE_CONTRACT, dimension=512))


def test_eng_01_a_row_that_claims_another_contract_than_its_template_stops_the_load(world: World) -> None:
    """Attack: move a row of the gallery under the contract that is searched."""
    world.enrol(1)
    other = replace(FAKE_CONTRACT, id="another", dimension=128)
    with world.changing():
        GalleryEntry.objects.update(contract=enrolment.contract_of(other))
    with pytest.raises(SetupError, match=r"gallery\.row-of-another-contract"):
        list(_source(world).born(other, 0, 1))


def test_eng_01_nor_does_exchanging_both_help(world: World) -> None:
    """Attack: relabel row and template alike; the template is still of another length."""
    world.enrol(1)
    other = replace(FAKE_CONTRACT, id="another", dimension=128)
    with transaction_of_its_own(GALLERY):
        row = enrolment.contract_of(other)
        TemplateRow.objects.update(contract=row)
        GalleryEntry.objects.update(contract=row)
    with pytest.raises(SetupError, match=r"gallery\.row-of-another-contract"):
        list(_source(world).born(other, 0, 1))
