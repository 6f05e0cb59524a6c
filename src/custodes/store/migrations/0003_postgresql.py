"""What a PostgreSQL server holds by itself: the log only grows, and no service's rows are read or written for another.

The log: triggers refuse to change, remove or empty its entries, as those of 0002 do on SQLite, and whoever was given
rights to its table keeps only those to read, to add, and to give an entry its position, which the trigger allows once.

The fence: row-level security on every table that says something of a person or a case.  `store.fence` states with each
connection for which service it acts (``custodes.agency``), whose records that service may see under agreements in
force (``custodes.agencies``), or under which named scope the product itself reads (``custodes.scope``).  Where nothing
is stated, nothing is seen and nothing is written.  FORCE makes it hold for the owner of the tables too; a superuser
passes through any fence, which is why the product must not connect as one.

On SQLite none of this exists but the log's triggers.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LOG = """
CREATE FUNCTION custodes_refuse_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'log entries are appended, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION custodes_allow_position() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before store_logentry;
BEGIN
    before := OLD;
    before.position := NEW.position;
    IF OLD.position IS NOT NULL OR NEW.position IS NULL OR NEW IS DISTINCT FROM before THEN
        RAISE EXCEPTION 'log entries are appended, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_entries_are_never_removed BEFORE DELETE OR TRUNCATE ON store_logentry
    FOR EACH STATEMENT EXECUTE FUNCTION custodes_refuse_log_change();
CREATE TRIGGER log_entries_are_never_changed BEFORE UPDATE ON store_logentry
    FOR EACH ROW EXECUTE FUNCTION custodes_allow_position();
-- they fire in every session_replication_role
ALTER TABLE store_logentry ENABLE ALWAYS TRIGGER log_entries_are_never_removed;
ALTER TABLE store_logentry ENABLE ALWAYS TRIGGER log_entries_are_never_changed;
REVOKE UPDATE, DELETE, TRUNCATE ON store_logentry FROM PUBLIC;
DO $$
DECLARE holder record;
BEGIN
    FOR holder IN
        SELECT DISTINCT grantee FROM pg_class, aclexplode(relacl)
        WHERE pg_class.oid = 'store_logentry'::regclass AND grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON store_logentry FROM %I', pg_get_userbyid(holder.grantee));
        IF has_table_privilege(holder.grantee, 'store_logentry', 'INSERT') THEN
            EXECUTE format('GRANT UPDATE (position) ON store_logentry TO %I', pg_get_userbyid(holder.grantee));
        END IF;
    END LOOP;
END $$;
"""
LOG_BACK = """
DROP TRIGGER log_entries_are_never_changed ON store_logentry;
DROP TRIGGER log_entries_are_never_removed ON store_logentry;
DROP FUNCTION custodes_allow_position();
DROP FUNCTION custodes_refuse_log_change();
"""
CANDIDATE = """
CREATE FUNCTION custodes_was_candidate(subject bigint) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT 1 FROM store_candidaterow WHERE subject_id = subject);
"""
# sub-selects that hang on no row: each is computed once for a whole statement
OWN = "(SELECT id FROM store_agency WHERE uid = current_setting('custodes.agency', true))"
SEEN = (
    "ANY (ARRAY(SELECT id FROM store_agency"
    " WHERE uid = ANY (string_to_array(current_setting('custodes.agencies', true), ','))))"
)
SCOPE = "(SELECT current_setting('custodes.scope', true))"

# table → column that leads to whose it is, and the table it leads to ("" for the service itself)
PARENTS = {
    "store_subject": ("agency_id", ""),
    "store_booking": ("agency_id", ""),
    "store_charge": ("booking_id", "store_booking"),
    "store_photograph": ("booking_id", "store_booking"),
    "store_sealedimage": ("agency_id", ""),
    "store_templaterow": ("photograph_id", "store_photograph"),
    "store_galleryentry": ("agency_id", ""),
    "store_correction": ("booking_id", "store_booking"),
    "store_correctedfact": ("correction_id", "store_correction"),
    "store_vanishedphotograph": ("photograph_id", "store_photograph"),
    "store_case": ("agency_id", ""),
    "store_probe": ("case_id", "store_case"),
    "store_alignedfaces": ("probe_id", "store_probe"),
    "store_searchrequest": ("case_id", "store_case"),
    "store_approval": ("request_id", "store_searchrequest"),
    "store_search": ("request_id", "store_searchrequest"),
    "store_candidaterow": ("search_id", "store_search"),
}
# what a partner may read while an agreement is in force
SHARED = {
    "store_subject": f"agency_id = {SEEN}",
    "store_booking": f"agency_id = {SEEN}",
    "store_charge": "EXISTS (SELECT 1 FROM store_booking b WHERE b.id = booking_id)",
    "store_photograph": "EXISTS (SELECT 1 FROM store_booking b WHERE b.id = booking_id)",
    "store_sealedimage": f"agency_id = {SEEN} AND EXISTS (SELECT 1 FROM store_photograph p WHERE p.uid = store_sealedimage.uid)",
    "store_templaterow": "EXISTS (SELECT 1 FROM store_photograph p WHERE p.id = photograph_id)",
    "store_galleryentry": f"agency_id = {SEEN}",
}
# the named scopes in which the product itself reads past the fence, and the little that each shows
SCOPES = {
    "gallery": ("store_galleryentry", "store_templaterow", "store_photograph", "store_subject"),
    "examination": (
        "store_sealedimage",
        "store_templaterow",
        "store_alignedfaces",
        "store_search",
        "store_searchrequest",
    ),
    "ownership": (
        "store_subject",
        "store_booking",
        "store_photograph",
        "store_case",
        "store_probe",
        "store_searchrequest",
        "store_correction",
    ),
}


def own(table: str) -> str:
    """Return the condition that a row of ``table`` belongs to the service for which the connection acts."""
    column, parent = PARENTS[table]
    if not parent:
        return f"{column} = {OWN}"
    joins, (above, further) = "", PARENTS[parent]
    last = parent
    while further:
        joins += f" JOIN {further} ON {further}.id = {last}.{above}"
        last, (above, further) = further, PARENTS[further]
    return f"EXISTS (SELECT 1 FROM {parent}{joins} WHERE {parent}.id = {table}.{column} AND {last}.{above} = {OWN})"


def readable(table: str) -> str:
    """Return the condition for reading: a named scope first, because it costs least, then own rows, then shared."""
    conditions = [f"{SCOPE} = '{scope}'" for scope, tables in SCOPES.items() if table in tables]
    conditions += [own(table)] if table not in SHARED or table == "store_sealedimage" else []
    conditions += [SHARED[table]] if table in SHARED else []
    if table == "store_subject":
        # whoever stands on one's own candidate list stays known when the agreement ends; what is held on them does not
        conditions.append("custodes_was_candidate(id)")
    return " OR ".join(f"({condition})" for condition in conditions)


def writable(table: str) -> str:
    """Return the condition for a row that is written."""
    if table == "store_candidaterow":
        return f"{own(table)} AND EXISTS (SELECT 1 FROM store_subject s WHERE s.id = subject_id)"
    if table == "store_galleryentry":
        return f"{own(table)} AND EXISTS (SELECT 1 FROM store_templaterow t WHERE t.id = template_id)"
    return own(table)


def fence(table: str) -> Iterator[str]:
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY fence_read ON {table} FOR SELECT USING ({readable(table)})"
    yield f"CREATE POLICY fence_add ON {table} FOR INSERT WITH CHECK ({writable(table)})"
    yield f"CREATE POLICY fence_change ON {table} FOR UPDATE USING ({own(table)}) WITH CHECK ({writable(table)})"
    yield f"CREATE POLICY fence_remove ON {table} FOR DELETE USING ({own(table)})"


def put_up(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(LOG, params=None)
    schema_editor.execute(CANDIDATE, params=None)
    for table in PARENTS:
        for statement in fence(table):
            schema_editor.execute(statement, params=None)


def take_down(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in PARENTS:
        for policy in ("read", "add", "change", "remove"):
            schema_editor.execute(f"DROP POLICY fence_{policy} ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    schema_editor.execute("DROP FUNCTION custodes_was_candidate(bigint)")
    schema_editor.execute(LOG_BACK, params=None)


class Migration(migrations.Migration):
    dependencies = [("store", "0002_append_only_log")]
    operations = [migrations.RunPython(put_up, take_down)]
