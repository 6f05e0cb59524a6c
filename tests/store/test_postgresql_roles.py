"""An installation set up as docs/postgresql.md says: the page's own SQL, its three roles, what each may and may not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests import postgresql
from tools.private_postgresql import installed_binaries

pytestmark = pytest.mark.postgresql

SECRET = "s3cret-w0rd"
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "postgresql.md"
_COMMAND = "from custodes.cli.main import main; main()"
_ADMINISTRATOR = (
    *("--agency-code", "NRP", "--agency-name", "Northridge Police", "--email", "ada.moreau@nrp.example"),
    *("--full-name", "Ada Moreau", "--personnel-number", "1"),
)


@dataclass
class Installation:
    """One installation on a database of its own; ``run`` is a command line of its host."""

    folder: Path
    name: str

    def url(self, role: str) -> str:
        return postgresql.url(role if role == "postgres" else f"{self.name}_{role}", self.name)

    def run(self, role: str, *arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "CUSTODES_DATA_DIR": str(self.folder / "data"),
            "CUSTODES_PASSWORD": "a passphrase for tests",
            "CUSTODES_LANGUAGE": "en",
            "DATABASE_URL": url or self.url(role),
        }
        command = [sys.executable, "-c", _COMMAND, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    def sql(self, role: str, *statements: str) -> list[tuple[object, ...]]:
        return postgresql.admin(*statements, url=self.url(role))


def _documented_sql(name: str) -> tuple[list[str], list[str]]:
    """Return the statements of the page, before and after it connects to the database, with roles of our own."""
    (block,) = re.findall(r"```sql\n(.*?)```", _PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    block = re.sub(r"\bcustodes(_\w+)?\b", lambda found: f"{name}{found.group(1) or ''}", block)
    server, connect, database = block.partition(f"\\connect {name}\n")
    assert connect
    return [s for s in server.split(";\n") if s.strip()], [s for s in database.split(";\n") if s.strip()]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Installation]:
    """Set up by the page, and founded by the owner."""
    made = Installation(tmp_path_factory.mktemp("installation"), f"documented_{worker_id}")
    server, database = _documented_sql(made.name)
    postgresql.admin(*server, url=postgresql.url("postgres", "postgres"))
    made.sql("postgres", *database)
    result = made.run("owner", "init", *_ADMINISTRATOR)
    assert result.returncode == 0, result.stderr
    yield made
    postgresql.admin(f"DROP DATABASE {made.name} WITH (FORCE)", url=postgresql.url("postgres", "postgres"))


def test_the_page_grants_what_the_product_needs_and_doctor_finds_the_server_well(installation: Installation) -> None:
    signed_in = installation.run("app", "sign-in", "ada.moreau@nrp.example")
    assert signed_in.returncode == 0, signed_in.stderr
    for arguments in (
        ("agency", "add", "LKS", "Lakeshore Police"),
        (
            "agency",
            "agree",
            "--owner",
            "LKS",
            "--searcher",
            "NRP",
            "--reference",
            "MOU 7",
            "--from",
            "2026-01-01",
            "--to",
            "2036-01-01",
        ),
    ):
        result = installation.run("app", *arguments)
        assert result.returncode == 0, (arguments, result.stderr)
    doctor = installation.run("app", "doctor").stdout
    assert f"✓ Database server: The role “{installation.name}_app” is bound by row-level security." in doctor
    assert "✓ Database: Changes of its structure that are waiting: 0." in doctor
    assert "✓ Key store" in doctor
    assert "✓ Log" in doctor
    assert "DATABASE_URL=postgresql://…" in doctor


@pytest.mark.parametrize("role", ["owner", "postgres"])
def test_doctor_warns_of_a_role_that_can_lift_what_the_tables_refuse(role: str, installation: Installation) -> None:
    doctor = installation.run(role, "doctor")
    assert doctor.returncode == 1
    assert "✗ Database server" in doctor.stdout
    assert "docs/postgresql.md" in doctor.stdout


def test_doctor_warns_of_a_role_that_row_level_security_does_not_bind(installation: Installation) -> None:
    installation.sql("postgres", f"ALTER ROLE {installation.name}_app BYPASSRLS")
    try:
        assert "✗ Database server" in installation.run("app", "doctor").stdout
    finally:
        installation.sql("postgres", f"ALTER ROLE {installation.name}_app NOBYPASSRLS")


def test_doctor_warns_of_a_table_whose_fence_was_taken_down(installation: Installation) -> None:
    installation.sql("owner", "ALTER TABLE store_case DISABLE ROW LEVEL SECURITY")
    try:
        doctor = installation.run("app", "doctor").stdout
        assert "✗ Database server" in doctor
        assert "store_case" in doctor
    finally:
        installation.sql("owner", "ALTER TABLE store_case ENABLE ROW LEVEL SECURITY")


_NOT_FOR_THE_APPLICATION = {
    "change the log": "UPDATE store_logentry SET actor = ''",
    "remove from the log": "DELETE FROM store_logentry",
    "empty the log": "TRUNCATE store_logentry",
    "lift the trigger": "ALTER TABLE store_logentry DISABLE TRIGGER ALL",
    "drop the trigger": "DROP TRIGGER log_entries_are_never_changed ON store_logentry",
    "drop what it calls": "DROP FUNCTION custodes_refuse_log_change() CASCADE",
    "put another in its place": "CREATE OR REPLACE FUNCTION custodes_refuse_log_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "act as a replica": "SET session_replication_role = replica",
    "drop the log": "DROP TABLE store_logentry",
    "take the fence down": "ALTER TABLE store_case DISABLE ROW LEVEL SECURITY",
    "open the fence": "CREATE POLICY mine ON store_case USING (true)",
    "loosen the fence": "ALTER POLICY fence_read ON store_case USING (true)",
    "step over the fence": "SET ROLE postgres",
    "become the owner": "SET ROLE {name}_owner",
    "empty a table": "TRUNCATE store_case CASCADE",
    "make a table": "CREATE TABLE public.mine (x int)",
    "make a function": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "read the server's files": "SELECT pg_read_file('PG_VERSION')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
}


@pytest.mark.parametrize("attack", _NOT_FOR_THE_APPLICATION)
def test_the_application_s_role_can_lift_nothing(attack: str, installation: Installation) -> None:
    """Whatever is sent over the product's own connection, and whatever it states there."""
    statement = _NOT_FOR_THE_APPLICATION[attack].format(name=installation.name)
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName)):
        installation.sql("app", "SELECT set_config('custodes.scope', 'gallery', false)", statement)


def test_row_security_off_is_an_error_and_not_a_way_around(installation: Installation) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        installation.sql("app", "SET row_security = off", "SELECT count(*) FROM store_case")


def test_the_log_refuses_its_owner_and_the_superuser_too_until_they_lift_it(installation: Installation) -> None:
    """In every replication role; that an owner can lift it is said in the documentation."""
    for role in ("owner", "postgres"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
            installation.sql(role, "DELETE FROM store_logentry")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
        installation.sql("postgres", "SET session_replication_role = replica", "DELETE FROM store_logentry")


def test_the_application_cannot_migrate_and_says_who_can(installation: Installation) -> None:
    installation.sql("owner", "DELETE FROM django_migrations WHERE app = 'sessions'", "DROP TABLE django_session")
    try:
        refused = installation.run("app", "migrate")
        assert refused.returncode == 78
        assert "database.not-allowed" in refused.stderr + refused.stdout
        assert "Traceback" not in refused.stderr
        assert "✗ Database: Changes of its structure that are waiting: 1." in installation.run("app", "doctor").stdout
    finally:
        done = installation.run("owner", "migrate")
    assert done.returncode == 0, done.stderr
    assert "1 changes" in done.stdout
    assert installation.run("app", "whoami").returncode in (0, 77), "what the owner made, the application may use"


def test_a_dump_by_the_backup_role_is_whole_and_comes_back(installation: Installation) -> None:
    dump = installation.folder / "custodes.dump"
    tools = installed_binaries()

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([tools / name, *arguments], capture_output=True, text=True)

    assert "row-level security" in run("pg_dump", f"--file={dump}", installation.url("owner")).stderr
    made = run("pg_dump", "--format=custom", f"--file={dump}", installation.url("backup"))
    assert made.returncode == 0, made.stderr
    copy = f"{installation.name}_copy"
    postgresql.admin(
        f"DROP DATABASE IF EXISTS {copy}",
        f"CREATE DATABASE {copy} OWNER {installation.name}_owner TEMPLATE template0",
        url=postgresql.url("postgres", "postgres"),
    )
    target = postgresql.url("postgres", copy)
    restored = run("pg_restore", "--no-owner", f"--role={installation.name}_owner", f"--dbname={target}", str(dump))
    assert restored.returncode == 0, restored.stderr
    for table in ("store_logentry", "store_agency", "store_account"):
        count = f"SELECT count(*) FROM {table}"
        assert postgresql.admin(count, url=target) == installation.sql("postgres", count)
    address = postgresql.url(f"{installation.name}_app", copy)
    assert "✓ Database server" in installation.run("app", "doctor", url=address).stdout
    postgresql.admin(f"DROP DATABASE {copy} WITH (FORCE)", url=postgresql.url("postgres", "postgres"))


def test_a_database_that_was_never_founded_is_no_installation(installation: Installation) -> None:
    name = f"{installation.name}_empty"
    admin = postgresql.url("postgres", "postgres")
    postgresql.admin(f"CREATE DATABASE {name} OWNER {installation.name}_owner TEMPLATE template0", url=admin)
    try:
        for arguments in (("whoami",), ("migrate",)):
            result = installation.run("app", *arguments, url=postgresql.url(f"{installation.name}_app", name))
            assert (result.returncode, "installation.none" in result.stderr + result.stdout) == (78, True)
    finally:
        postgresql.admin(f"DROP DATABASE {name} WITH (FORCE)", url=admin)


def test_a_server_database_without_its_master_key_gets_no_new_one(installation: Installation, tmp_path: Path) -> None:
    """Another data folder by mistake: new keys would look like a repair."""
    elsewhere = Installation(tmp_path, installation.name)
    result = elsewhere.run("owner", "init", *_ADMINISTRATOR)
    assert result.returncode == 78
    assert "keys.no-master-key" in result.stderr + result.stdout
    assert not (tmp_path / "data-keys").exists()


def test_the_demonstration_does_not_move_into_a_service_s_database(installation: Installation) -> None:
    result = installation.run("app", "demo")
    assert result.returncode == 78
    assert "demo.not-a-demo" in result.stderr + result.stdout


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("doctor", "127.0.0.1:1/custodes"),
        ("whoami", "/custodes?host=%2Fnowhere"),
        ("serve", "/unheard-of?host={socket}"),
    ],
)
def test_a_server_that_cannot_be_reached_is_explained_without_password_or_traceback(
    command: str, place: str, installation: Installation
) -> None:
    """SEC-07."""
    socket = installation.url("app").partition("host=")[2]
    address = f"postgresql://somebody:{SECRET}@{place.format(socket=socket)}"
    result = installation.run("app", command, url=address)
    said = result.stdout + result.stderr
    assert result.returncode == (1 if command == "doctor" else 78), said
    assert "The database server cannot be reached" in said
    assert "Traceback" not in said
    assert SECRET not in said


def test_an_address_that_cannot_be_used_is_explained_without_repeating_it(installation: Installation) -> None:
    """SEC-07."""
    for address, code in (
        (f"mysql://somebody:{SECRET}@h/d", "config.malformed"),
        (f"postgresql://somebody:{SECRET}%zz@h/d", "database.address"),
    ):
        result = installation.run("app", "doctor", url=address)
        said = result.stdout + result.stderr
        assert (result.returncode, code in said, SECRET in said, "Traceback" in said) == (78, True, False, False), said
