"""Subjects, bookings, photographs, templates, and the rows a search can see.

`Subject`, `Booking`, `Charge` and `Photograph` are the record. `GalleryEntry` is derived from it: one row per template,
carrying what a search needs to decide eligibility, and the generations in which it was born and died.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from custodes.store.models.accounts import Agency
from custodes.store.models.fields import choices, uid
from custodes.types import Collection, Disposition, Ground, Pose, Sex, Youth


class Subject(models.Model):
    """A person booked by one agency, known by the number its records system gives; names are not held."""

    uid = uid()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    person_number = models.CharField(max_length=60)
    sex = choices(Sex, blank=True, default=Sex.UNKNOWN)
    birth_date = models.DateField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "person_number"], name="one_subject_per_person_number")
        ]


class Booking(models.Model):
    """A record of an arrest (ENR-02)."""

    uid = uid()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="bookings")
    booking_number = models.CharField(max_length=60)
    youth = choices(Youth, blank=True, default=Youth.UNKNOWN)
    birth_date = models.DateField(null=True)
    """The birth date as this booking states it."""
    sex = choices(Sex, blank=True, default=Sex.UNKNOWN)
    """As recorded at this booking."""
    disputed = models.PositiveIntegerField(default=0)
    """Barriers that a contradicting row stated; they bind every photograph until the booking is corrected."""
    named_by = models.CharField(max_length=30, blank=True, default="")
    """The re-export (a job's id) that named it last."""
    unclear_by = models.CharField(max_length=30, blank=True, default="")
    """The re-export that last had a row of it whose photograph could not be told."""
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "booking_number"], name="one_booking_per_number")
        ]


class Charge(models.Model):
    """One offence of a booking, with how it ended."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="charges")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=60)
    ground = choices(Ground, blank=True, default="")
    designated = models.BooleanField(null=True)
    committed_on = models.DateField(null=True)
    disposition = choices(Disposition, blank=True, default=Disposition.PENDING)
    disposition_date = models.DateField(null=True)
    appeal_end = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["booking", "position"], name="charges_in_order")]


class Photograph(models.Model):
    """One image of a booking. Its bytes are in :class:`SealedImage`, as ciphertext."""

    uid = uid()
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="photographs")
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=10)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    notes = models.JSONField(default=list)
    """What was done to the stored pixels, as texts."""
    quality = models.JSONField(null=True)
    """What was measured of the face at enrolment; empty where no face was looked for."""
    taken_on = models.DateField(null=True)
    pose = choices(Pose, default=Pose.FRONTAL)
    barriers = models.PositiveIntegerField(default=0)
    """Why it may not be searched, as policy judged last; its gallery entry, if it has one, says the same."""
    vanished = models.BooleanField(default=False)
    """A re-export no longer named it, and nobody has confirmed since that it is back."""
    named_by = models.CharField(max_length=30, blank=True, default="")
    """The re-export that named it last."""
    enrolled_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["booking", "sha256"], name="one_photograph_per_booking_and_content")
        ]


class SealedImage(models.Model):
    """Original bytes of a photograph or a probe under a data key of their own; useless once the key is gone."""

    uid = uid()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, db_index=False)
    """Whose it is: it hangs on no other table that says so."""
    key_uid = models.CharField(max_length=30)
    ciphertext = models.BinaryField()


class ContractRow(models.Model):
    """What made a set of templates (ENG-01)."""

    contract = models.CharField(max_length=80, unique=True)
    pack = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    dimension = models.PositiveSmallIntegerField()


class TemplateRow(models.Model):
    """A photograph's template, sealed. It is personal information and shares its photograph's retention (SEC-03)."""

    uid = uid()
    photograph = models.ForeignKey(Photograph, on_delete=models.PROTECT, related_name="templates")
    contract = models.ForeignKey(ContractRow, on_delete=models.PROTECT)
    key_uid = models.CharField(max_length=30)
    ciphertext = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["photograph", "contract"], name="one_template_per_contract")
        ]


class GalleryEntry(models.Model):
    """What a search may see of one template, in one span of generations: born <= g < died."""

    template = models.ForeignKey(TemplateRow, on_delete=models.PROTECT, related_name="entries")
    contract = models.ForeignKey(ContractRow, on_delete=models.PROTECT)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    collection = choices(Collection)
    barriers = models.PositiveIntegerField()
    searchable_from = models.DateTimeField()
    searchable_until = models.DateTimeField(null=True)
    sex = choices(Sex, blank=True)
    birth_date = models.DateField(null=True)
    taken_on = models.DateField(null=True)
    commitment = models.CharField(max_length=64, blank=True)
    """Keyed digest of this row, as the log states it (`store.balance`); empty only while it is being born."""
    born = models.PositiveBigIntegerField(db_index=True)
    died = models.PositiveBigIntegerField(null=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["template", "born"], name="one_entry_per_birth"),
            models.CheckConstraint(
                condition=models.Q(died__isnull=True) | models.Q(died__gt=models.F("born")), name="dies_after_birth"
            ),
        ]
        indexes: ClassVar = [
            # counting the living rows of a contract: this index answers by itself
            models.Index(fields=["contract", "died", "born"], name="living_of_a_contract"),
            # reading a whole gallery in its order, or counting it: without this, every template is sorted first
            models.Index(fields=["contract", "born", "commitment", "died"], name="gallery_in_its_order"),
        ]


class Generation(models.Model):
    """One row: the gallery's present generation, raised with every change of a searchable row."""

    number = models.PositiveBigIntegerField(default=0)
    stated = models.PositiveBigIntegerField(default=0)
    """The generation up to which the log states what was born and what died; the same outside a transaction."""
