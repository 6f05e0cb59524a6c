"""Long work that survives a kill: where each job stands, and the rows it could not do."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from custodes.store.models.accounts import Account, Agency
from custodes.store.models.fields import uid


class JobRow(models.Model):
    """A job. ``key`` names the work, so that starting the same work again resumes it; ``cursor`` is how far it is."""

    uid = uid()
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=64)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    started_by = models.ForeignKey(Account, on_delete=models.PROTECT)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    cursor = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "agency", "key"], name="one_job_per_work")]


class RowFailure(models.Model):
    """One row that a job could not do, and why; never dropped in silence (ENR-04)."""

    job = models.ForeignKey(JobRow, on_delete=models.CASCADE, related_name="failures")
    row = models.PositiveBigIntegerField()
    code = models.CharField(max_length=60)
    texts = models.JSONField(default=list)
    """What, why and what to do, as templates and their values: they are read in the reader's language."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "row"], name="one_failure_per_row")]
