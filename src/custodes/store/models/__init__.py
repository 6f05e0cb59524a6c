"""The tables. Photographs, probes and templates are in them only as ciphertext (SEC-02)."""

from custodes.store.models.accounts import Account, Agency, Agreement, RoleGrant
from custodes.store.models.casework import Approval, CandidateRow, Case, Probe, Search, SearchRequest
from custodes.store.models.gallery import (
    Booking,
    Charge,
    ContractRow,
    GalleryEntry,
    Generation,
    Photograph,
    SealedImage,
    Subject,
    TemplateRow,
)
from custodes.store.models.jobs import JobRow, RowFailure
from custodes.store.models.log import LogDetail, LogEntry, LogHead

__all__ = [
    "Account",
    "Agency",
    "Agreement",
    "Approval",
    "Booking",
    "CandidateRow",
    "Case",
    "Charge",
    "ContractRow",
    "GalleryEntry",
    "Generation",
    "JobRow",
    "LogDetail",
    "LogEntry",
    "LogHead",
    "Photograph",
    "Probe",
    "RoleGrant",
    "RowFailure",
    "SealedImage",
    "Search",
    "SearchRequest",
    "Subject",
    "TemplateRow",
]
