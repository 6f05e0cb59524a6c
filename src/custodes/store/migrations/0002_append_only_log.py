"""The database itself refuses to change or remove an entry of the log; only its position may be given, once.

This stops the product and its operators' slips, not somebody who can write the file: that is what the tree is for.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

COLUMNS = ("id", "uid", "at", "kind", "phase", "intent", "actor", "agency", "case", "request", "body")
SQLITE_CHANGE = """
CREATE TRIGGER log_entries_are_never_changed BEFORE UPDATE ON store_logentry
WHEN OLD.position IS NOT NULL OR NEW.position IS NULL OR {others}
BEGIN SELECT RAISE(ABORT, 'log entries are appended, never changed or removed'); END
""".format(others=" OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in COLUMNS))
SQLITE_REMOVE = """
CREATE TRIGGER log_entries_are_never_removed BEFORE DELETE ON store_logentry
BEGIN SELECT RAISE(ABORT, 'log entries are appended, never changed or removed'); END
"""
# INSERT OR REPLACE removes the row in its way without firing a DELETE trigger (sqlite.org/lang_conflict.html)
SQLITE_REPLACE = """
CREATE TRIGGER log_entries_are_never_replaced BEFORE INSERT ON store_logentry
WHEN EXISTS (SELECT 1 FROM store_logentry WHERE id = NEW.id OR position = NEW.position OR uid = NEW.uid)
BEGIN SELECT RAISE(ABORT, 'log entries are appended, never changed or removed'); END
"""


def forbid(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for trigger in (SQLITE_CHANGE, SQLITE_REMOVE, SQLITE_REPLACE):
            schema_editor.execute(trigger)


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for verb_past in ("changed", "removed", "replaced"):
            schema_editor.execute(f"DROP TRIGGER log_entries_are_never_{verb_past}")


class Migration(migrations.Migration):
    dependencies = [("store", "0001_first_light")]
    operations = [migrations.RunPython(forbid, allow)]
