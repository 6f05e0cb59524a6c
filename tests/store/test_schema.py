"""What the tables hold, and what the database itself refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from tests.postgresql import WANTED

from custodes.store.models import Booking, Charge, LogEntry, Photograph, SealedImage, Search, Subject, TemplateRow

_SEALED = {"key_uid", "ciphertext"}


def _columns(model: type[models.Model]) -> set[str]:
    return {field.name for field in model._meta.get_fields() if not field.auto_created}


def test_a_record_keeps_what_the_law_asks_of_it() -> None:
    """ENR-02: agency, booking id, photo date, offence, ground, disposition, its date, appeal end, youth, designated."""
    assert {"agency", "booking_number", "youth", "birth_date"} <= _columns(Booking)
    assert {"code", "ground", "designated", "committed_on", "disposition", "disposition_date", "appeal_end"} <= (
        _columns(Charge)
    )
    assert {"taken_on", "sha256"} <= _columns(Photograph)
    assert {"agency", "person_number", "birth_date", "sex"} <= _columns(Subject)


def test_nobody_in_the_gallery_has_a_name_or_a_race() -> None:
    for model in (Subject, Booking, Charge, Photograph):
        assert not [name for name in _columns(model) if "race" in name or "ethnic" in name or name.endswith("name")]


def test_every_template_names_the_contract_that_made_it() -> None:
    """ENG-01."""
    assert not TemplateRow._meta.get_field("contract").null
    assert not Search._meta.get_field("contract").null


def test_a_template_cannot_outlive_its_photograph() -> None:
    """SEC-03: a template is personal information with its photograph's retention."""
    photograph = TemplateRow._meta.get_field("photograph")
    assert not photograph.null
    assert photograph.remote_field.on_delete is models.PROTECT


def test_bytes_are_in_the_tables_only_as_ciphertext_or_log_bodies() -> None:
    """SEC-02."""
    binary = {
        (model.__name__, field.name)
        for model in apps.get_app_config("store").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField)
    }
    assert binary == {
        ("SealedImage", "ciphertext"),
        ("AlignedFaces", "ciphertext"),
        ("TemplateRow", "ciphertext"),
        ("LogDetail", "ciphertext"),
        ("Search", "template_ciphertext"),
        ("LogEntry", "body"),
    }
    assert _columns(SealedImage) >= _SEALED
    assert _columns(TemplateRow) >= _SEALED
    assert not [
        f
        for model in apps.get_app_config("store").get_models()
        for f in model._meta.get_fields()
        if isinstance(f, models.FileField)
    ]


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# --- the log cannot be changed ----------------------------------------------------------------------

_BYTES = "'\\x00'" if WANTED else "x'00'"
_NEW = """store_logentry (position, uid, at, kind, phase, intent, actor, agency, "case", request, body)
 VALUES ({}, '{}', '2026-01-01', 'k', 'alone', '', '', '', '', '', """
_NEW += f"{_BYTES})"
_SQLITE_ATTACKS = {
    "replace by position": "INSERT OR REPLACE INTO " + _NEW.format(1, "ent_x"),
    "replace by id": "REPLACE INTO " + _NEW.format(99, "ent_1"),
    "change or replace": "UPDATE OR REPLACE store_logentry SET position = 0 WHERE position = 1",
}
_POSTGRESQL_ATTACKS = {
    "empty": "TRUNCATE store_logentry",
    "empty with whatever hangs on it": "TRUNCATE store_logentry RESTART IDENTITY CASCADE",
    "merge": "MERGE INTO store_logentry USING (SELECT 1 AS x) AS other ON position = x WHEN MATCHED THEN DELETE",
}
_ATTACKS = {
    "change": "UPDATE store_logentry SET actor = ''",
    "change one column of one row": f"UPDATE store_logentry SET body = {_BYTES} WHERE position = 1",
    "remove": "DELETE FROM store_logentry WHERE position = 1",
    "remove all": "DELETE FROM store_logentry",
    "upsert": "INSERT INTO " + _NEW.format(1, "ent_x") + f" ON CONFLICT (position) DO UPDATE SET body = {_BYTES}",
    **(_POSTGRESQL_ATTACKS if WANTED else _SQLITE_ATTACKS),
}


def _append(position: int, **changes: str) -> None:
    values = {"kind": "case.opened", "phase": "alone", "body": b"{}", **changes}
    LogEntry.objects.create(position=position, uid=f"ent_{position}", at=timezone.now(), **values)


@pytest.mark.django_db
@pytest.mark.parametrize("attack", _ATTACKS)
def test_the_database_refuses_to_touch_a_log_entry(attack: str) -> None:
    for position in range(3):
        _append(position)
    before = list(LogEntry.objects.order_by("pk").values())
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ATTACKS[attack])
    assert list(LogEntry.objects.order_by("pk").values()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "touch",
    [
        lambda: LogEntry.objects.update(actor="acc_somebody_else"),
        lambda: LogEntry.objects.all().delete(),
        lambda: LogEntry.objects.get().delete(),
        lambda: LogEntry.objects.get().save(),
    ],
    ids=["update", "bulk delete", "delete", "save"],
)
def test_our_own_code_cannot_touch_a_log_entry_by_mistake(touch: Callable[[], object]) -> None:
    _append(0)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        touch()


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["actor", "case", "request"])
def test_the_database_refuses_a_search_in_the_log_that_nobody_made(missing: str) -> None:
    """AUD-09."""
    whole = {"actor": "acc_1", "case": "cas_1", "request": "req_1"}
    _append(0, kind="search", **whole)
    with pytest.raises(IntegrityError, match="search_is_attributed"), transaction.atomic():
        _append(1, kind="search", **{**whole, missing: ""})


@pytest.mark.django_db
def test_two_entries_cannot_have_one_position() -> None:
    _append(0)
    with pytest.raises(IntegrityError), transaction.atomic():
        _append(0)
