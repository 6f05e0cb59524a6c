"""Reading an export of a records system: a manifest (CSV or JSON Lines) under a mapping file that explains it.

Values only: nothing here opens an image or knows a database.  ``docs/enrolment.md`` is the format for its users.
"""

from custodes.workflows.enrolment.manifest.dispositions import DISPOSITIONS, DispositionRow, disposition_rows
from custodes.workflows.enrolment.manifest.mapping import Mapping, load_mapping
from custodes.workflows.enrolment.manifest.reader import Manifest, Shape, open_manifest
from custodes.workflows.enrolment.manifest.rows import Problem, Row

__all__ = [
    "DISPOSITIONS",
    "DispositionRow",
    "Manifest",
    "Mapping",
    "Problem",
    "Row",
    "Shape",
    "disposition_rows",
    "load_mapping",
    "open_manifest",
]
