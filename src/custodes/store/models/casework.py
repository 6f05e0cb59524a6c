"""Cases, probes, requests, approvals, searches and their candidate lists."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from custodes.store.models.accounts import Account, Agency
from custodes.store.models.fields import choices, uid
from custodes.store.models.gallery import ContractRow, SealedImage, Subject
from custodes.types import Authority, ProbeSource, Purpose, RequestState


class Case(models.Model):
    """An investigation of one agency."""

    uid = uid()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    number = models.CharField(max_length=60)
    opened_by = models.ForeignKey(Account, on_delete=models.PROTECT)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "number"], name="one_case_per_number"),
            models.CheckConstraint(condition=~models.Q(number=""), name="case_has_number"),
        ]


class Probe(models.Model):
    """An image of a case: original bytes sealed, its hash, and where the detector saw faces (PRB-01, PRB-13)."""

    uid = uid()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="probes")
    image = models.OneToOneField(SealedImage, on_delete=models.PROTECT)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=10)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    faces = models.JSONField()
    notes = models.JSONField(default=list)
    """What was done to the stored pixels, as texts."""
    added_by = models.ForeignKey(Account, on_delete=models.PROTECT)
    added_at = models.DateTimeField()


class AlignedFaces(models.Model):
    """A probe's faces as a contract's alignment cuts them out, sealed; no template of any of them (PRB-13)."""

    probe = models.OneToOneField(Probe, on_delete=models.PROTECT, related_name="aligned")
    contract = models.ForeignKey(ContractRow, on_delete=models.PROTECT)
    key_uid = models.CharField(max_length=30)
    ciphertext = models.BinaryField()


class SearchRequest(models.Model):
    """Everything LAW-01 asks for before a search."""

    uid = uid()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="requests")
    requester = models.ForeignKey(Account, on_delete=models.PROTECT)
    probe = models.ForeignKey(Probe, on_delete=models.PROTECT)
    face = models.PositiveSmallIntegerField()
    offence_code = models.CharField(max_length=60)
    purpose = choices(Purpose)
    authority = choices(Authority)
    authority_reference = models.CharField(max_length=200)
    necessity = models.TextField()
    source = choices(ProbeSource)
    how_obtained = models.TextField()
    filters = models.JSONField(default=dict)
    state = choices(RequestState, default=RequestState.AWAITING)
    made_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~(
                    models.Q(offence_code="")
                    | models.Q(purpose="")
                    | models.Q(authority="")
                    | models.Q(authority_reference="")
                    | models.Q(necessity="")
                    | models.Q(source="")
                    | models.Q(how_obtained="")
                ),
                name="request_is_complete",
            )
        ]


class Approval(models.Model):
    """A second person's decision on a request (LAW-09)."""

    request = models.OneToOneField(SearchRequest, on_delete=models.PROTECT, related_name="approval")
    approver = models.ForeignKey(Account, on_delete=models.PROTECT)
    approved = models.BooleanField()
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField()


class Search(models.Model):
    """One search that was run: against what, with which threshold, and how many rows it compared (SRCH-06)."""

    uid = uid()
    request = models.OneToOneField(SearchRequest, on_delete=models.PROTECT, related_name="search")
    contract = models.ForeignKey(ContractRow, on_delete=models.PROTECT)
    generation = models.PositiveBigIntegerField()
    moment = models.DateTimeField()
    scope = models.JSONField()
    threshold = models.FloatField()
    threshold_is_provisional = models.BooleanField()
    limit = models.PositiveSmallIntegerField()
    figures = models.JSONField()
    certificate = models.CharField(max_length=64)
    template_key_uid = models.CharField(max_length=30)
    template_ciphertext = models.BinaryField()
    log_entry = models.CharField(max_length=30)


class CandidateRow(models.Model):
    """One candidate. ``score`` orders the list and replays it; nothing ever shows it."""

    search = models.ForeignKey(Search, on_delete=models.PROTECT, related_name="candidates")
    rank = models.PositiveSmallIntegerField()
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT)
    photographs = models.JSONField()
    score = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["search", "rank"], name="one_candidate_per_rank"),
            models.UniqueConstraint(fields=["search", "subject"], name="one_candidate_per_subject"),
        ]
