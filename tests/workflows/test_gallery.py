"""The gallery's balance: what was changed behind the product's back is found from the log alone, and stops searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row

from custodes.errors import Refused
from custodes.ranking.segments.file import SegmentWriter
from custodes.store.database import GALLERY, raise_generation, transaction_of_its_own
from custodes.store.fence import reading_gallery
from custodes.store.models import (
    Account,
    Agreement,
    GalleryEntry,
    LogEntry,
    Photograph,
    RoleGrant,
    Subject,
    TemplateRow,
)
from custodes.types import Role
from custodes.workflows import gallery, search
from custodes.workflows.services import Services


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    return Export(world, tmp_path / "export")


def weighed(world: World) -> tuple[int, int, int]:
    """How many rows are hidden, inserted, altered."""
    found = gallery.weigh(world.services)
    return found.hidden, found.inserted, found.altered


def test_what_was_enrolled_corrected_and_barred_through_the_product_is_even(world: World) -> None:
    for number in range(1, 4):
        world.enrol(number)
    world.enrol(9, agency="LKS")
    found = gallery.weigh(world.services)
    assert found.is_even
    agencies = {world.person("searcher").agency.id: 3, world.person("partner records officer").agency.id: 1}
    assert {owner: count.admitted for owner, count in found.counts.items()} == agencies


def test_the_counts_come_from_the_log_alone(world: World) -> None:
    world.enrol(1)
    world.enrol(2, taken_on=None)
    bodies = [json.loads(entry.body) for entry in world.services.entries.of_kind("gallery.changed")]
    log = gallery.LogsGallery()
    for body in reversed(bodies):
        log.take(body)
    assert list(log.counts().values()) == [gallery.Count(admitted=1, barred=1)]


def hide(world: World) -> None:
    GalleryEntry.objects.filter(pk=GalleryEntry.objects.order_by("pk")[0].pk).update(died=2)


def remove(world: World) -> None:
    GalleryEntry.objects.order_by("pk")[0].delete()


def insert(world: World) -> None:
    row = GalleryEntry.objects.order_by("pk")[0]
    row.pk, row.born = None, 2
    GalleryEntry.objects.filter(born=2).update(born=7)
    row.save(force_insert=True)


def open_a_barred_one(world: World) -> None:
    GalleryEntry.objects.exclude(barriers=0).update(barriers=0)


def bar(world: World) -> None:
    GalleryEntry.objects.filter(barriers=0).update(barriers=1)


def lengthen(world: World) -> None:
    GalleryEntry.objects.update(searchable_until=world.clock.now() + timedelta(days=36500))


def bring_forward(world: World) -> None:
    GalleryEntry.objects.update(searchable_from=world.clock.now() - timedelta(days=36500))


def relabel(world: World) -> None:
    """Another person's name for the same face."""
    one, other = Subject.objects.order_by("pk")[:2]
    GalleryEntry.objects.filter(subject=one).update(subject=other)


def make_older(world: World) -> None:
    GalleryEntry.objects.update(birth_date=date(1950, 1, 1))


def exchange_templates(world: World) -> None:
    one, other = GalleryEntry.objects.order_by("pk")[:2]
    first, second = one.template, other.template
    GalleryEntry.objects.filter(pk=one.pk).update(template=second)
    GalleryEntry.objects.filter(pk=other.pk).update(template=first)


def exchange_ciphertext(world: World) -> None:
    one, other = TemplateRow.objects.order_by("pk")[:2]
    TemplateRow.objects.filter(pk=one.pk).update(ciphertext=other.ciphertext, key_uid=other.key_uid)


def exchange_photographs(world: World) -> None:
    one, other = Photograph.objects.order_by("pk")[:2]
    for photograph, uid in ((one, "pho_meanwhile"), (other, one.uid), (one, other.uid)):
        Photograph.objects.filter(pk=photograph.pk).update(uid=uid)


def take_anothers_commitment(world: World) -> None:
    one, other = GalleryEntry.objects.order_by("pk")[:2]
    GalleryEntry.objects.filter(pk=one.pk).update(commitment=other.commitment)


def raise_the_dead(world: World) -> None:
    GalleryEntry.objects.exclude(died=None).update(died=None)


ATTACKS = [
    hide,
    remove,
    insert,
    open_a_barred_one,
    bar,
    lengthen,
    bring_forward,
    relabel,
    make_older,
    exchange_templates,
    exchange_ciphertext,
    exchange_photographs,
    take_anothers_commitment,
    raise_the_dead,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_row_changed_behind_the_products_back_is_found(world: World, attack: Callable[[World], None]) -> None:
    """SEC-07: with full write access to the database, but to no data key."""
    for number in range(1, 4):
        world.enrol(number)
    world.enrol(4, taken_on=None)
    ended = world.enrol(5)
    with world.changing():
        GalleryEntry.objects.filter(template__uid=ended.template_id).update(died=raise_generation())
    assert weighed(world) == (0, 0, 0)
    with reading_gallery():
        attack(world)
    assert sum(weighed(world)) > 0


def test_a_role_granted_behind_the_products_back_is_found(world: World) -> None:
    account = Account.objects.get(uid=world.person("searcher").id)
    RoleGrant.objects.create(account=account, role=Role.SUPERVISOR, granted_at=world.clock.now())
    assert gallery.weigh(world.services).powers == 1


def test_a_role_taken_away_behind_the_products_back_is_found(world: World) -> None:
    RoleGrant.objects.filter(role=Role.SUPERVISOR)[0].delete()
    assert gallery.weigh(world.services).powers == 1


def test_an_agreement_made_longer_behind_the_products_back_is_found(world: World) -> None:
    Agreement.objects.update(ends_on=date(2099, 1, 1))
    assert gallery.weigh(world.services).powers == 2 * Agreement.objects.count() > 0


def test_searches_stop_until_the_gallery_is_even_again(world: World) -> None:
    world.enrol(1)
    request = world.approved(1)
    before = GalleryEntry.objects.get().searchable_until
    GalleryEntry.objects.update(searchable_until=world.clock.now() + timedelta(days=9999))
    assert not gallery.check_balance(world.services, world.as_("auditor")).is_even
    with pytest.raises(Refused) as refusal:
        search.search(world.services, world.as_("searcher"), request=request)
    assert refusal.value.code == "gate.gallery-uneven"
    GalleryEntry.objects.update(searchable_until=before)
    assert gallery.check_balance(world.services, world.as_("auditor")).is_even
    assert search.search(world.services, world.as_("searcher"), request=request).compared == 1


def test_who_audits_may_compare_and_nobody_else(world: World) -> None:
    for name in ("searcher", "supervisor", "administrator", "records officer"):
        with pytest.raises(Refused):
            gallery.check_balance(world.services, world.as_(name))


def test_a_comparison_leaves_its_counts_in_the_log(world: World) -> None:
    world.enrol(1)
    gallery.check_balance(world.services, world.as_("auditor"))
    (body,) = world.log()
    assert body["kind"] == "gallery.balanced"
    assert body["facts"] == {
        "even": True,
        "hidden": 0,
        "inserted": 0,
        "altered": 0,
        "powers": 0,
        "thresholds": 0,
        "segments": 0,
        "admitted": 1,
        "barred": 0,
    }


def test_a_row_that_was_hidden_in_the_files_that_are_searched_is_found_and_stops_searches(world: World) -> None:
    """AUD-13: the generation of a death is in no checksum, since it changes in place; the balance looks at it."""
    world.enrol(1)
    world.enrol(2)
    services = world.services
    services.gallery.catch_up()
    assert gallery.weigh(services).segments == 0
    (path,) = services.config.segment_dir.rglob("*.seg")
    with SegmentWriter.open(path, services.gallery._folder.layout) as writer:
        writer.bury(0, services.gallery.generation)
    assert gallery.weigh(services).segments == 1
    found = gallery.check_balance(services, world.as_("auditor"))
    assert (found.is_even, found.hidden, found.altered) == (False, 0, 0)
    assert not gallery.last_balance_is_even(services)
    services.gallery.rebuild()
    assert gallery.check_balance(services, world.as_("auditor")).is_even


def test_what_somebody_changed_while_it_was_compared_is_compared_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol(1)
    seen = []
    weigh = gallery.weigh

    def disturbed(services: Services) -> gallery.Balance:
        seen.append(1)
        return replace(weigh(services), inserted=1 if len(seen) < 3 else 0)

    monkeypatch.setattr(gallery, "weigh", disturbed)
    assert gallery.compare_and_log(world.services, world.as_("auditor")).is_even
    assert len(seen) == 3


@pytest.mark.usefixtures("committed")
def test_a_change_that_the_log_does_not_state_cannot_be_committed(world: World) -> None:
    """AUD-01: even if a workflow forgets its entry."""
    world.enrol(1)
    with pytest.raises(RuntimeError, match="without an entry"), transaction_of_its_own(GALLERY):
        GalleryEntry.objects.update(died=raise_generation())
    assert GalleryEntry.objects.get().died is None


def test_a_destroyed_key_leaves_a_commitment_that_opens_to_nothing(world: World) -> None:
    """AUD-06."""
    new = world.enrol(1)
    row = TemplateRow.objects.get(uid=new.template_id)
    world.services.vault.keys.destroy([row.key_uid])  # type: ignore[list-item]
    assert weighed(world) == (0, 0, 1)
    assert GalleryEntry.objects.get().commitment in LogEntry.objects.get(kind="gallery.changed").body.decode()


def test_an_enrolment_through_the_workflow_is_even_row_by_row(export: Export) -> None:
    export.images(6)
    export.rows(*[row(number) for number in range(1, 7)])
    export.enrol()
    found = gallery.weigh(export.world.services)
    assert found.is_even
    assert sum(count.admitted + count.barred for count in found.counts.values()) == 6


def test_many_rows_are_stated_in_entries_that_fit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_AT_ONCE", 2)
    for number in range(1, 4):
        world.enrol(number)
    with world.changing():
        GalleryEntry.objects.update(died=raise_generation())
    assert [entry.kind for entry in world.services.entries.newest(2)] == ["gallery.changed"] * 2
    assert weighed(world) == (0, 0, 0)
