"""The tables. Photographs, probes and templates are in them only as ciphertext (SEC-02)."""

from custodes.store.models.accounts import Account, Agency, Agreement, RoleGrant
from custodes.store.models.casework import AlignedFaces, Approval, CandidateRow, Case, Probe, Search, SearchRequest
from custodes.store.models.corrections import CorrectedFact, Correction, VanishedPhotograph
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
from custodes.store.models.installation import AddedPack, Installation
from custodes.store.models.jobs import JobRow, RowFailure
from custodes.store.models.log import LogDetail, LogEntry

__all__ = [
    "Account",
    "AddedPack",
    "Agency",
    "Agreement",
    "AlignedFaces",
    "Approval",
    "Booking",
    "CandidateRow",
    "Case",
    "Charge",
    "ContractRow",
    "CorrectedFact",
    "Correction",
    "GalleryEntry",
    "Generation",
    "Installation",
    "JobRow",
    "LogDetail",
    "LogEntry",
    "Photograph",
    "Probe",
    "RoleGrant",
    "RowFailure",
    "SealedImage",
    "Search",
    "SearchRequest",
    "Subject",
    "TemplateRow",
    "VanishedPhotograph",
]
