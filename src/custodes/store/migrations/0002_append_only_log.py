"""The database itself refuses to change or remove an entry of the log.

This stops the product and its operators' slips, not somebody who can write the file: that is what the tree is for.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQLITE = """
CREATE TRIGGER log_entries_are_never_{verb_past} BEFORE {verb} ON store_logentry
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
        for verb, verb_past in (("UPDATE", "changed"), ("DELETE", "removed")):
            schema_editor.execute(SQLITE.format(verb=verb, verb_past=verb_past))
        schema_editor.execute(SQLITE_REPLACE)


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for verb_past in ("changed", "removed", "replaced"):
            schema_editor.execute(f"DROP TRIGGER log_entries_are_never_{verb_past}")


class Migration(migrations.Migration):
    dependencies = [("store", "0001_first_light")]
    operations = [migrations.RunPython(forbid, allow)]
