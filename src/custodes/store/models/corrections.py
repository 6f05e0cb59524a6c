"""The history of records: what was corrected, by whom, from what to what; and what an export no longer named.

Old and new values are personal information like the columns they come from: in plain text, in the database only (the
log names the facts and never their values), and gone with the booking they belong to.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from custodes.store.models.accounts import Account
from custodes.store.models.fields import choices, uid
from custodes.store.models.gallery import Booking, Photograph
from custodes.store.models.jobs import JobRow
from custodes.types import CorrectionState, RecordFact


class Correction(models.Model):
    """One correction of a booking, or of one of its photographs: made at once, or waiting for a second person."""

    uid = uid()
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="corrections")
    photograph = models.ForeignKey(Photograph, null=True, on_delete=models.CASCADE, related_name="corrections")
    state = choices(CorrectionState, db_index=True)
    job = models.ForeignKey(JobRow, on_delete=models.PROTECT, related_name="corrections")
    row = models.PositiveBigIntegerField()
    """The row of the job's file that stated it; 0 where none did."""
    proposed_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=models.Q(state="waiting", photograph__isnull=True),
                name="one_correction_waits_per_booking",
            ),
            models.UniqueConstraint(
                fields=["photograph"], condition=models.Q(state="waiting"), name="one_correction_waits_per_photograph"
            ),
        ]


class CorrectedFact(models.Model):
    """One fact of a correction: what it was and what it became, in the wording of `store.corrections`."""

    correction = models.ForeignKey(Correction, on_delete=models.CASCADE, related_name="facts")
    fact = choices(RecordFact)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["correction", "fact"], name="each_fact_once")]


class VanishedPhotograph(models.Model):
    """A photograph within the scope of a re-export that did not name it. ``barred``: it was barred for that."""

    job = models.ForeignKey(JobRow, on_delete=models.PROTECT, related_name="vanished")
    photograph = models.ForeignKey(Photograph, on_delete=models.CASCADE, related_name="missed")
    barred = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "photograph"], name="missed_once_per_re_export")
        ]
