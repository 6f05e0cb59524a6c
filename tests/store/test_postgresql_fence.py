"""The second fence, by raw SQL over the product's own connection: what the database shows and takes, and from whom."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import Error, IntegrityError, connection, transaction
from tests.postgresql import as_the_product
from tests.workflows.conftest import World

from custodes.errors import Refused, SetupError
from custodes.ids import AgencyId, CaseId, EntryId, PhotographId
from custodes.policy import Action
from custodes.store import casework, fence
from custodes.store.database import GALLERY, transaction_of_its_own
from custodes.store.fence import FENCED, Beyond, acting_for, beyond, examining, reading_gallery
from custodes.store.models import Agreement
from custodes.types import Context
from custodes.workflows import cases, people, requests, viewing
from custodes.workflows.boundary import workflow
from custodes.workflows.search import search
from custodes.workflows.services import Services as Opened

TABLES = [model._meta.db_table for model in FENCED]
SHARED = {
    *("store_subject", "store_booking", "store_charge", "store_photograph", "store_sealedimage"),
    *("store_templaterow", "store_galleryentry"),
}
OPEN = {
    "Agency": "who takes part is known to everybody who does",
    "Agreement": "the fence itself reads it",
    "Account": "sign-in must find a person before it knows their service",
    "RoleGrant": "as Account",
    "ContractRow": "what made templates, of nobody",
    "Generation": "one number",
    "Installation": "one row: what the installation is for",
    "AddedPack": "model packs, of nobody",
    "JobRow": "counts of work",
    "RowFailure": "why a row of a manifest failed; read after the work's workflow has ended",
    "LogEntry": "auditors read the whole log; it names nobody but by opaque ids",
    "LogDetail": "sealed",
}
_OWNER = {
    "store_subject": "agency_id",
    "store_booking": "agency_id",
    "store_galleryentry": "agency_id",
    "store_sealedimage": "agency_id",
    "store_case": "agency_id",
    "store_charge": "(SELECT agency_id FROM store_booking b WHERE b.id = booking_id)",
    "store_photograph": "(SELECT agency_id FROM store_booking b WHERE b.id = booking_id)",
    "store_templaterow": (
        "(SELECT b.agency_id FROM store_photograph p JOIN store_booking b ON b.id = p.booking_id"
        " WHERE p.id = photograph_id)"
    ),
    "store_probe": "(SELECT agency_id FROM store_case c WHERE c.id = case_id)",
    "store_searchrequest": "(SELECT agency_id FROM store_case c WHERE c.id = case_id)",
}

pytestmark = pytest.mark.django_db


def sql(text: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def count(table: str, where: str = "true") -> int:
    return int(sql(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def key(agency: AgencyId) -> int:
    return int(sql("SELECT id FROM store_agency WHERE uid = %s", agency)[0][0])


@contextmanager
def refused_by_the_fence() -> Iterator[None]:
    with pytest.raises(Error, match="row-level security"), transaction.atomic():
        yield


class Services:
    """Two services with everything a service can have: NRP may search LKS, and not the reverse."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.today = world.clock.now().date()
        self.nrp = world.person("searcher").agency.id
        self.lks = world.person("partner searcher").agency.id
        world.enrol(1, variation=1)
        world.enrol(1, agency="LKS", person_number="L1", booking_number="L-B1", variation=2)
        world.enrol(2, agency="LKS", person_number="L2", booking_number="L-B2")
        self.approved = world.approved(1)
        search(world.services, world.as_("searcher"), request=self.approved)
        case = world.case("L-1", by="partner searcher")
        probe = world.probe(case.id, 1, by="partner searcher")
        self.request = requests.request_search(
            world.services, world.as_("partner searcher"), world.form(case.id, probe)
        )
        requests.approve_request(world.services, world.as_("partner supervisor"), request=self.request.id)
        search(world.services, world.as_("partner searcher"), request=self.request.id)
        self.case, self.probe = case.id, probe.id

    def acting(self, agency: AgencyId | None, day: date | None = None) -> Any:
        return acting_for(agency, day or self.today)

    def owned(self, table: str, agency: AgencyId) -> int:
        """How many rows of a table belong to a service, counted past the fence."""
        return count(table, f"{_OWNER[table]} = {key(agency)}")


@pytest.fixture
def two(world: World) -> Services:
    services = Services(world)
    assert [table for table in _OWNER if not services.owned(table, services.lks)] == []
    return services


@pytest.fixture
def product() -> Iterator[None]:
    """Raw SQL as the product would send it."""
    with as_the_product():
        yield


# --- what is fenced ---------------------------------------------------------------------------------


def test_every_table_is_fenced_or_open_for_a_stated_reason() -> None:
    models = {model.__name__ for model in apps.get_app_config("store").get_models()}
    assert models == {model.__name__ for model in FENCED} | OPEN.keys()


def test_what_the_migration_fenced_is_what_the_source_says() -> None:
    migration = importlib.import_module("custodes.store.migrations.0003_postgresql")
    assert sorted(migration.PARENTS) == sorted(TABLES)
    assert {table for tables in migration.SCOPES.values() for table in tables} <= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_row_level_security_binds_the_very_owner_of_every_table(table: str) -> None:
    ((enabled, forced, owner),) = sql(
        "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class WHERE relname = %s", table
    )
    assert (enabled, forced) == (True, True)
    assert owner == sql("SELECT current_user")[0][0], "the suite connects as the owner, and is bound all the same"
    assert sql("SELECT row_security_active(%s)", table) == [(True,)]


def test_tables_that_django_makes_beside_ours_hold_no_records() -> None:
    others = {
        name
        for (name,) in sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    }
    others -= {model._meta.db_table for model in apps.get_app_config("store").get_models()}
    assert others == {
        *("auth_group", "auth_group_permissions", "auth_permission"),
        *("django_content_type", "django_migrations", "django_session"),
    }


# --- nothing stated, nothing seen -------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_forgetting_to_say_for_whom_one_acts_shows_nothing(table: str, two: Services, product: None) -> None:
    assert count(table) == 0


def test_a_connection_of_ones_own_that_states_nothing_sees_and_writes_nothing(committed: None, world: World) -> None:
    two = Services(world)
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], user=settings["USER"], dbname=settings["NAME"], autocommit=True
    ) as bare:
        for table in TABLES:
            assert bare.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # type: ignore[call-overload]
            assert bare.execute(f"DELETE FROM {table}").rowcount == 0  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bare.execute(
                "INSERT INTO store_case (uid, agency_id, number, opened_by_id, opened_at)"
                " SELECT 'cas_x', id, 'x', (SELECT min(id) FROM store_account), now() FROM store_agency LIMIT 1"
            )
    assert count("store_case") == 2
    assert two.case


@pytest.mark.parametrize(
    "agency", [None, AgencyId("agy_unknown"), AgencyId(""), AgencyId("%"), AgencyId("agy_a,agy_b")]
)
def test_a_service_that_does_not_exist_sees_nothing(agency: AgencyId | None, two: Services, product: None) -> None:
    with two.acting(agency):
        assert [table for table in TABLES if count(table)] == []


def test_ids_strung_together_do_not_open_two_services(two: Services, product: None) -> None:
    """Attack: an agency's id that reads as a list."""
    with two.acting(AgencyId(f"{two.nrp},{two.lks}")):
        assert count("store_case") == 0
        assert sql("SELECT current_setting('custodes.agency')") == [(f"{two.nrp},{two.lks}",)]


# --- reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", _OWNER)
def test_a_service_sees_its_own_rows_and_of_others_what_an_agreement_in_force_shares(table: str, two: Services) -> None:
    """SHR-01: NRP may search LKS; LKS may not search NRP."""
    nrp, lks = two.owned(table, two.nrp), two.owned(table, two.lks)
    with as_the_product():
        with two.acting(two.lks):
            assert count(table) == lks
        with two.acting(two.nrp):
            shown = count(table)
            if table == "store_sealedimage":
                assert shown == nrp + 2, "the partner's photographs, not the image of its probe"
            else:
                assert shown == nrp + (lks if table in SHARED else 0)


@pytest.mark.parametrize("day", [-31, 31])
def test_before_and_after_an_agreement_nothing_of_the_partner_is_shown(day: int, two: Services) -> None:
    own = {table: two.owned(table, two.nrp) for table in SHARED - {"store_subject"}}
    with as_the_product(), two.acting(two.nrp, two.today + timedelta(days=day)):
        assert {table: count(table) for table in own} == own


def test_whoever_was_a_candidate_stays_known_when_the_agreement_ends_and_nobody_else(two: Services) -> None:
    with as_the_product(), two.acting(two.nrp, two.today + timedelta(days=31)):
        people = {number for (number,) in sql("SELECT person_number FROM store_subject")}
        assert people == {"P1", "L1"}
        assert sql("SELECT count(*) FROM store_booking WHERE booking_number LIKE 'L-%%'") == [(0,)]


def test_an_agreement_does_not_reach_on_to_the_partners_partners(two: Services) -> None:
    """LKS may search a third service; NRP, which may search LKS, sees nothing of it."""
    world = two.world
    people.create_agency(world.services, world.as_("administrator"), code="RAP", name="Third")
    world.enrol(3, agency="RAP", person_number="R3", booking_number="R-B3")
    people.register_agreement(
        world.services,
        world.as_("administrator"),
        owner_code="RAP",
        searcher_code="LKS",
        reference="MOU 8",
        starts_on=two.today,
        ends_on=two.today,
    )
    with as_the_product():
        with two.acting(two.lks):
            assert count("store_subject", "person_number = 'R3'") == 1
        with two.acting(two.nrp):
            assert count("store_subject", "person_number = 'R3'") == 0


def test_a_query_that_forgets_whose_joins_and_counts_its_way_to_no_other_service(two: Services) -> None:
    """Attacks by the ways around a filter: joins, unions, aggregates, sub-selects, a cursor, a view of one's own."""
    ways = [
        "SELECT s.person_number FROM store_galleryentry g JOIN store_subject s ON s.id = g.subject_id",
        "SELECT person_number FROM store_subject UNION ALL SELECT booking_number FROM store_booking",
        "SELECT string_agg(person_number, ',') FROM store_subject",
        "SELECT (SELECT max(person_number) FROM store_subject)",
        "WITH x AS MATERIALIZED (SELECT * FROM store_subject) SELECT person_number FROM x",
        "SELECT person_number FROM store_subject TABLESAMPLE SYSTEM (100)",
        "SELECT store_subject::text FROM store_subject",
        "SELECT row_to_json(b)::text FROM store_booking b",
        "CREATE TEMP VIEW seen AS SELECT * FROM store_subject; SELECT person_number FROM seen",
        "DECLARE c CURSOR FOR SELECT person_number FROM store_subject; FETCH ALL FROM c",
        "SELECT person_number FROM ONLY store_subject FOR SHARE",
    ]
    with as_the_product(), two.acting(two.lks):
        for way in ways:
            found = repr(sql(way))
            assert "P1" not in found, way
            assert "B1-1" not in found, way


def test_copy_out_shows_no_other_service(two: Services) -> None:
    copied = "COPY (SELECT person_number FROM store_subject) TO STDOUT"
    with as_the_product(), two.acting(two.lks), connection.cursor() as cursor, cursor.copy(copied) as copy:
        assert b"P1" not in b"".join(bytes(part) for part in copy)


# --- writing ----------------------------------------------------------------------------------------

_STEAL = {
    "rename a booking": "UPDATE store_booking SET booking_number = 'X' WHERE booking_number = '{booking}'",
    "take a subject over": "UPDATE store_subject SET agency_id = {mine} WHERE person_number = '{person}'",
    "lift a quarantine": "UPDATE store_galleryentry SET barriers = 0 WHERE agency_id = {theirs}",
    "reopen a case": "UPDATE store_case SET closed_at = NULL WHERE agency_id = {theirs}",
    "approve a request": "UPDATE store_searchrequest SET state = 'approved' WHERE uid = '{request}'",
    "remove a search": "DELETE FROM store_search",
    "remove the charges": "DELETE FROM store_charge",
    "remove whatever is an image": "DELETE FROM store_sealedimage WHERE agency_id = {theirs}",
    "re-key a template": "UPDATE store_templaterow SET key_uid = 'key_x'",
}


@pytest.mark.parametrize("attack", _STEAL)
def test_no_row_of_another_service_is_changed_or_removed(attack: str, two: Services) -> None:
    """SHR-01: sharing lets a partner look, never touch."""

    def everything_of(agency: AgencyId) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: sql(f"SELECT * FROM {table} WHERE {owner} = {key(agency)} ORDER BY id")
            for table, owner in _OWNER.items()
        }

    for mine, theirs, booking, person, request in (
        (two.lks, two.nrp, "B1-1", "P1", two.approved),
        (two.nrp, two.lks, "L-B1", "L1", two.request.id),
    ):
        before = everything_of(theirs)
        statement = _STEAL[attack].format(
            mine=key(mine), theirs=key(theirs), booking=booking, person=person, request=request
        )
        with as_the_product(), two.acting(mine), transaction.atomic():
            try:
                with transaction.atomic():
                    sql(statement)
                    sql("SET CONSTRAINTS ALL IMMEDIATE")
            except IntegrityError:
                pass  # one's own rows held each other; none of the other service's was reached
        assert everything_of(theirs) == before


_PLANT = {
    "a case of theirs": """INSERT INTO store_case (uid, agency_id, number, opened_by_id, opened_at)
        SELECT 'cas_x', {theirs}, 'x', min(id), now() FROM store_account""",
    "a subject of theirs": """INSERT INTO store_subject (uid, agency_id, person_number, sex, created_at)
        VALUES ('sbj_x', {theirs}, 'X', '', now())""",
    "an image of theirs": """INSERT INTO store_sealedimage (uid, agency_id, key_uid, ciphertext)
        VALUES ('pho_x', {theirs}, 'key_x', '')""",
    "a charge on their booking": """INSERT INTO store_charge (booking_id, position, code, ground, disposition)
        VALUES ({booking}, 99, 'CC 1', '', 'pending')""",
    "their template as a row of mine": """INSERT INTO store_galleryentry (template_id, contract_id, subject_id,
        agency_id, collection, barriers, searchable_from, sex, born)
        SELECT {template}, (SELECT min(id) FROM store_contractrow), {subject}, {mine}, 'booking', 0, now(), '', 99""",
    "their subject on my candidate list": """INSERT INTO store_candidaterow (search_id, rank, subject_id, photographs,
        score) SELECT id, 9, {subject}, '[]', 1 FROM store_search""",
    "an approval of their request": """INSERT INTO store_approval (request_id, approver_id, approved, reason,
        decided_at) SELECT {request}, min(id), true, '', now() FROM store_account""",
}


@pytest.mark.parametrize("attack", _PLANT)
def test_no_row_is_planted_at_another_service(attack: str, two: Services) -> None:
    """LKS, which may not search NRP, knows every database key of NRP's rows and uses them."""
    places = {
        "mine": key(two.lks),
        "theirs": key(two.nrp),
        "booking": sql("SELECT id FROM store_booking WHERE booking_number = 'B1-1'")[0][0],
        "subject": sql("SELECT id FROM store_subject WHERE person_number = 'P1'")[0][0],
        "template": sql(
            "SELECT t.id FROM store_templaterow t JOIN store_galleryentry g ON g.template_id = t.id"
            " WHERE g.agency_id = %s",
            key(two.nrp),
        )[0][0],
        "request": sql("SELECT id FROM store_searchrequest WHERE uid = %s", two.approved)[0][0],
    }
    with as_the_product(), two.acting(two.lks), refused_by_the_fence():
        sql(_PLANT[attack].format(**places))


def test_a_partners_booking_is_seen_and_still_takes_no_row_of_ones_own(two: Services) -> None:
    (booking,) = sql("SELECT id FROM store_booking WHERE booking_number = 'L-B1'")[0]
    with as_the_product(), two.acting(two.nrp):
        assert count("store_booking", f"id = {booking}") == 1
        with refused_by_the_fence():
            sql(_PLANT["a charge on their booking"].format(booking=booking))


def test_ones_own_row_is_not_given_away(two: Services) -> None:
    with as_the_product(), two.acting(two.lks), refused_by_the_fence():
        sql("UPDATE store_case SET agency_id = %s", key(two.nrp))


# --- the connection forgets -------------------------------------------------------------------------


def stated() -> list[str]:
    names = ("custodes.agency", "custodes.agencies", "custodes.scope")
    return [value or "" for (value,) in (sql("SELECT current_setting(%s, true)", name)[0] for name in names)]


def test_after_a_workflow_the_connection_states_nothing(two: Services) -> None:
    cases.view_case(two.world.services, two.world.as_("partner searcher"), case=two.case)
    assert stated() == ["", "", ""]


def test_after_a_refusal_the_connection_states_nothing(two: Services) -> None:
    with pytest.raises(Refused):
        cases.view_case(two.world.services, two.world.as_("searcher"), case=two.case)
    assert stated() == ["", "", ""]


def test_after_an_error_of_the_server_the_connection_states_nothing(two: Services) -> None:
    with pytest.raises(Error), two.acting(two.nrp), transaction.atomic():
        sql("SELECT 1 / 0")
    assert stated() == ["", "", ""]


def test_what_was_stated_before_is_stated_again(two: Services, product: None) -> None:
    with two.acting(two.nrp):
        outside = stated()
        with two.acting(two.lks):
            assert stated()[0] == two.lks
            with reading_gallery():
                assert stated() == [two.lks, two.lks, "gallery"]
            assert stated() == [two.lks, two.lks, ""]
        assert stated() == outside == [two.nrp, f"{two.nrp},{two.lks}", ""]
        with two.acting(None):
            assert stated() == ["", "", ""]


def test_a_thread_beside_an_acting_one_sees_nothing(committed: None, world: World) -> None:
    """The fence hangs on a connection, and each thread has one of its own."""
    two = Services(world)
    seen: list[int] = []

    def look() -> None:
        with as_the_product():
            seen.append(count("store_subject"))
        connection.close()

    with two.acting(two.nrp):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [0]


def test_a_connection_that_cannot_forget_is_closed(two: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(type(connection._connections[connection._alias]), "close", lambda self: closed.append(True))

    def broken(_: object) -> None:
        raise Error("gone")

    with two.acting(two.nrp):
        monkeypatch.setattr(fence, "_state", broken)
    monkeypatch.undo()
    assert closed == [True]
    sql("SELECT set_config('custodes.agency', '', false), set_config('custodes.agencies', '', false)")


# --- named scopes -----------------------------------------------------------------------------------

_SCOPES = {
    reading_gallery: {"store_galleryentry", "store_templaterow", "store_photograph", "store_subject"},
    examining: {
        *("store_sealedimage", "store_templaterow", "store_alignedfaces", "store_search", "store_searchrequest"),
    },
}


@pytest.mark.parametrize("scope", _SCOPES, ids=lambda scope: scope.__name__)
def test_a_named_scope_shows_a_few_tables_whole_and_no_other(scope: Any, two: Services) -> None:
    whole = {table: count(table) for table in TABLES}
    with as_the_product(), scope():
        assert {table for table in TABLES if count(table)} == _SCOPES[scope]
        assert {table: count(table) for table in _SCOPES[scope]} == {table: whole[table] for table in _SCOPES[scope]}


@pytest.mark.parametrize("scope", _SCOPES, ids=lambda scope: scope.__name__)
def test_nothing_is_written_in_a_named_scope(scope: Any, two: Services) -> None:
    before = {table: sql(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}
    with as_the_product(), scope():
        for table in TABLES:
            sql(f"DELETE FROM {table}")
            sql(f"UPDATE {table} SET id = id")
        with refused_by_the_fence():
            sql(_PLANT["a subject of theirs"].format(theirs=key(two.nrp)))
    assert {table: sql(f"SELECT * FROM {table} ORDER BY id") for table in TABLES} == before


@pytest.mark.parametrize("name", ["", "all", "Gallery", "gallery ", "system", "*"])
def test_no_other_scope_opens_anything(name: str, two: Services) -> None:
    with as_the_product(), transaction.atomic():
        sql("SELECT set_config('custodes.scope', %s, true)", name)
        assert [table for table in TABLES if count(table)] == []


# --- the first fence falls --------------------------------------------------------------------------


def test_a_workflow_that_forgot_to_ask_policy_shows_no_other_services_case(
    two: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SHR-04: the fence stands when the first one is gone, and the refusal is logged as one."""
    monkeypatch.setattr(cases, "permit", lambda *_: None)
    with pytest.raises(Refused) as refusal:
        cases.view_case(two.world.services, two.world.as_("searcher"), case=two.case)
    assert refusal.value.code == "gate.own-agency"
    assert two.world.log()[0]["kind"] == "action.refused"


def test_a_workflow_that_forgot_to_ask_policy_shows_no_other_services_photograph(
    two: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = PhotographId(
        sql(
            "SELECT p.uid FROM store_photograph p JOIN store_booking b ON b.id = p.booking_id"
            " WHERE booking_number = 'B1-1'"
        )[0][0]
    )
    monkeypatch.setattr(viewing, "permit", lambda *_: None)
    with pytest.raises(Refused) as refusal:
        viewing.view_photograph(two.world.services, two.world.as_("partner searcher"), photograph=photograph)
    assert refusal.value.code == "gate.no-need-to-see"


def test_a_workflow_that_forgot_everything_writes_nothing_for_another_service(two: Services) -> None:
    @workflow(Action.CLOSE_CASE)
    def careless(services: Opened, context: Context) -> None:
        with transaction_of_its_own(GALLERY):
            casework.close_case(two.case, context.now())

    @workflow(Action.OPEN_CASE)
    def forging(services: Opened, context: Context) -> None:
        with transaction_of_its_own(GALLERY):
            sql(_PLANT["a case of theirs"].format(theirs=key(two.lks)))

    careless(two.world.services, two.world.as_("searcher"))
    assert count("store_case", "closed_at IS NOT NULL") == 0
    with pytest.raises(SetupError) as refusal:
        forging(two.world.services, two.world.as_("searcher"))
    assert refusal.value.code == "database.not-allowed"


def test_whose_a_hidden_thing_is_is_told_without_showing_it(two: Services, product: None) -> None:
    with two.acting(two.nrp):
        assert beyond([two.case], two.nrp) == Beyond(two.lks, None)
        assert beyond([two.approved, two.probe], two.nrp) == Beyond(two.lks, None)
        assert beyond([two.approved], two.nrp) is None
        assert beyond([CaseId("cas_none"), EntryId("ent_x")], two.nrp) is None
        assert stated() == [two.nrp, f"{two.nrp},{two.lks}", ""]


def test_agreements_themselves_are_what_the_fence_reads(two: Services) -> None:
    Agreement.objects.all().delete()
    with as_the_product(), two.acting(two.nrp):
        assert sql("SELECT current_setting('custodes.agencies')") == [(two.nrp,)]
