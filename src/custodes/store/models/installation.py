"""What an installation is for, and the model packs that its administrators added to it."""

from __future__ import annotations

from django.db import models


class Installation(models.Model):
    """One row, written when the installation is made and never changed: evaluation or casework, never both."""

    for_evaluation = models.BooleanField()


class AddedPack(models.Model):
    """An own model pack that an administrator added; what lies in the models folder alone is not used.

    ``signed_by``: SHA-256 of the trusted key that signed the manifest, empty if the administrator trusted it unsigned.
    """

    name = models.CharField(max_length=64, unique=True)
    manifest_sha256 = models.CharField(max_length=64)
    contract = models.CharField(max_length=80)
    signed_by = models.CharField(max_length=64, blank=True)
    added_at = models.DateTimeField()
