"""A statement whose SQL was written once answers as Django's own query does, whatever it is asked for."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from tests.workflows.conftest import World

from custodes.store.models import Agency, Agreement, Case, SearchRequest
from custodes.store.statements import Statement
from custodes.workflows.search import search

HOSTILE = ("", "value 0", "value 1", "%s", "' OR '1'='1", "é")


def state(row: Model) -> dict[str, object]:
    """Everything a row holds, those it refers to included."""
    held: dict[str, object] = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    for name, other in row._state.fields_cache.items():
        held[name] = state(other) if isinstance(other, Model) and name != "request" else str(type(other))
    return held


def test_columns_are_those_of_the_query(world: World) -> None:
    statement = Statement(lambda code, uid: Agency.objects.filter(code=code, uid=uid).values_list("pk", "created_at"))
    for agency in Agency.objects.all():
        assert statement.first(agency.code, agency.uid) == (agency.pk, agency.created_at)
        assert statement.first(agency.uid, agency.code) is None
    for hostile in HOSTILE:
        assert statement.first(hostile, hostile) is None


def test_dates_are_dates(world: World) -> None:
    statement = Statement(lambda: Agreement.objects.order_by("pk").values_list("starts_on", "owner__uid"))
    rows = list(statement.all())
    assert rows == list(Agreement.objects.order_by("pk").values_list("starts_on", "owner__uid"))
    assert all(type(starts) is date for starts, _ in rows)


@pytest.mark.parametrize("searched", [False, True])
def test_models_and_those_they_refer_to_are_those_of_the_query(world: World, searched: bool) -> None:
    request = world.approved(1)
    if searched:
        search(world.services, world.as_("searcher"), request=request)

    def made(uid: str) -> QuerySet[SearchRequest]:
        related = ("case__agency", "case__opened_by", "requester", "probe__case", "approval__approver", "search")
        return SearchRequest.objects.select_related(*related).filter(uid=uid)

    statement = Statement(made)
    for _ in range(2):
        found = statement.first(request)
        assert found is not None
        assert state(found) == state(made(request).get())
        with CaptureQueriesContext(connection) as asked:
            assert hasattr(found, "search") is searched
            assert found.approval.approver.full_name
        assert not asked.captured_queries


def test_what_was_changed_since_is_seen(world: World) -> None:
    statement = Statement(lambda number: Case.objects.filter(number=number).values_list("number", "closed_at"))
    assert statement.first("NEW") is None
    Case.objects.filter(uid=world.case().id).update(number="NEW")
    assert statement.first("NEW") == ("NEW", None)
