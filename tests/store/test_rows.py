"""Rows are written and asked for as Django would have done it, only faster."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from tests.workflows.conftest import World

from custodes.store.models import Account, Agency, Booking, JobRow, LogDetail, Subject
from custodes.store.rows import insert, key_of, one

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _subjects(agency: Agency, *numbers: str) -> list[Subject]:
    return [
        Subject(uid=f"sub_{n}", agency=agency, person_number=n, birth_date=date(1980, 2, 29), created_at=NOW)
        for n in numbers
    ]


def test_inserted_rows_are_what_a_query_gives_back(world: World) -> None:
    agency = Agency.objects.get(code="NRP")
    written = insert(_subjects(agency, "1", "2", "é'\"%s"))
    for row in written:
        kept = Subject.objects.get(pk=row.pk)
        for field in Subject._meta.concrete_fields:
            assert getattr(kept, field.attname) == getattr(row, field.attname), field.name


def test_json_and_bytes_survive(world: World) -> None:
    agency = Agency.objects.get(code="NRP")
    job = JobRow(
        uid="job_1",
        kind="k",
        key="k",
        agency=agency,
        started_by=Account.objects.filter(agency=agency)[0],
        counts={"é": [1, None, "%"]},
        started_at=NOW,
    )
    insert([job])
    assert JobRow.objects.get(uid="job_1").counts == {"é": [1, None, "%"]}
    insert([LogDetail(entry="ent_1", key_uid="key_1", ciphertext=b"\x00\xff%s")])
    assert bytes(LogDetail.objects.get(entry="ent_1").ciphertext) == b"\x00\xff%s"


def test_many_rows_keep_their_order_and_their_own_keys(world: World) -> None:
    agency = Agency.objects.get(code="NRP")
    numbers = [str(number) for number in range(1201)]
    written = insert(_subjects(agency, *numbers))
    kept = dict(Subject.objects.values_list("pk", "person_number"))
    assert [kept[row.pk] for row in written] == numbers


def test_a_written_row_can_be_changed_like_any_other(world: World) -> None:
    (row,) = insert(_subjects(Agency.objects.get(code="NRP"), "1"))
    row.person_number = "2"
    row.save()
    assert Subject.objects.filter(uid="sub_1").values_list("person_number", flat=True).get() == "2"
    assert Subject.objects.filter(uid="sub_1").count() == 1


def test_the_databases_constraints_hold(world: World) -> None:
    agency = Agency.objects.get(code="NRP")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(_subjects(agency, "1", "1"))
    assert not Subject.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        _orphan(agency)


def _orphan(agency: Agency) -> None:
    insert([Booking(uid="bkg_1", agency=agency, subject_id=999_999, booking_number="1", created_at=NOW)])
    connection.check_constraints()


def test_no_rows_are_no_statement(world: World) -> None:
    assert insert([]) == []


def test_one_row_none_and_its_key(world: World) -> None:
    found = one(Agency.objects.filter(code="NRP"))
    assert found is not None
    assert key_of(Agency, found.uid) == found.pk
    assert one(Agency.objects.filter(code="none")) is None
    with pytest.raises(ObjectDoesNotExist):
        key_of(Agency, "none")
