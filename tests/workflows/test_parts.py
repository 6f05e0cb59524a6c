"""A deed on more photographs than one entry can name is as many entries, and no error (AUD-01)."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workflows.conftest import World
from tests.workflows.enrol_fixtures import Export, row
from tests.workflows.test_re_export import WHOLE, enrolled, entries, re_exported

from custodes.ids import PhotographId
from custodes.ledger.tiles import MAX_ENTRY_BYTES
from custodes.store.models import LogEntry, Photograph
from custodes.workflows import corrections
from custodes.workflows.enrolment import Scope
from custodes.workflows.parts import AT_ONCE, in_parts

MANY = 5000


@pytest.fixture
def export(world: World, tmp_path: Path) -> Export:
    export = Export(world, tmp_path / "export")
    export.images(3)
    return export


def _give_photographs(count: int) -> set[str]:
    """Give the first booking ``count`` photographs in all; what is beyond its first has no template."""
    first = Photograph.objects.order_by("pk").first()
    assert first is not None
    values = {field.attname: getattr(first, field.attname) for field in Photograph._meta.concrete_fields}
    del values["id"]
    made = [
        Photograph(**{**values, "uid": PhotographId.new(os.urandom), "sha256": os.urandom(32).hex()})
        for _ in range(count - 1)
    ]
    Photograph.objects.bulk_create(made, batch_size=500)
    return set(Photograph.objects.filter(booking=first.booking_id).values_list("uid", flat=True))


def _named(found: list[dict[str, Any]]) -> list[str]:
    return [target for entry in found for target in entry["targets"] if target.startswith("pho")]


def _longest() -> int:
    return max(len(bytes(body)) for body in LogEntry.objects.values_list("body", flat=True))


@given(st.integers(0, 3 * AT_ONCE + 1))
def test_parts_hold_everything_once_in_order_and_none_is_too_long(count: int) -> None:
    ids = [PhotographId(str(number)) for number in range(count)]
    parts = list(in_parts(ids))
    assert [each for part in parts for each in part] == ids
    assert all(len(part) <= AT_ONCE for part in parts)
    assert len(parts) == max(1, -(-count // AT_ONCE))


def test_a_row_that_bars_a_booking_of_5000_photographs_names_them_all(export: Export) -> None:
    enrolled(export, row(1))
    concerned = _give_photographs(MANY)
    export.rows(row(1, image="2.png", youth="yes"))
    export.enrol()
    found = entries(export, "record.quarantined")
    assert len(found) == MANY // AT_ONCE
    named = _named(found)
    assert (set(named), len(named)) == (concerned, MANY)
    assert _longest() < MAX_ENTRY_BYTES


def test_a_correction_of_a_booking_of_5000_photographs_names_them_all(export: Export) -> None:
    enrolled(export, row(1))
    concerned = _give_photographs(MANY)
    export.world.clock.advance(days=1)
    export.rows(row(1, youth="yes"))
    barred = export.enrol(re_export=Scope(taken_from=date(2030, 1, 1)))
    assert barred.corrected == 1
    found = entries(export, "record.corrected")
    assert len({entry["targets"][0] for entry in found}) == 1
    assert set(_named(found)) == concerned
    assert _longest() < MAX_ENTRY_BYTES


def test_5000_photographs_that_a_re_export_does_not_name_are_all_in_the_log(export: Export) -> None:
    enrolled(export, row(1), row(2))
    concerned = _give_photographs(MANY)
    report = re_exported(export, row(2))
    assert (report.vanished, report.vanished_barred) == (MANY, MANY)
    named = _named(entries(export, "record.vanished"))
    assert (set(named), len(named)) == (concerned, MANY)
    assert _longest() < MAX_ENTRY_BYTES


def test_what_came_back_is_confirmed_with_as_many_entries_as_it_takes(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custodes.workflows.parts.AT_ONCE", 2)
    enrolled(export, row(1, youth="yes"), row(1, image="2.png", youth="yes"), row(1, image="3.png", youth="yes"))
    report = re_exported(export, *(row(1, image=f"{number}.png") for number in (1, 2, 3)))
    assert report.waiting == 1
    world = export.world
    assert corrections.confirm_all(world.services, world.as_("supervisor"), job=report.job).confirmed == 1
    found = entries(export, "correction.confirmed")
    assert sorted(len(_named([entry])) for entry in found) == [1, 2]
    assert len({entry["targets"][0] for entry in found}) == 1
    assert export.enrol(re_export=WHOLE).corrected == 0
