"""Enrolling booking photographs: read a manifest, screen its rows, prepare its images, commit in batches.

`enrol` and `check_enrolment` are the workflows; the rest of this package is their parts.
"""

from custodes.store.vanished import Scope
from custodes.workflows.enrolment.coverage import Coverage, check_enrolment
from custodes.workflows.enrolment.job import enrol
from custodes.workflows.enrolment.report import EnrolmentReport

__all__ = ["Coverage", "EnrolmentReport", "Scope", "check_enrolment", "enrol"]
