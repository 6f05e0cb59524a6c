"""Values that cross the boundaries between rooms, with their units and shapes.

Everything here is frozen and knows nothing of databases, users' sessions or the web.
"""

from custodes.types.booking import CorrectionState, Disposition, Ground, Offence, Pose, RecordFact, Youth
from custodes.types.casework import Authority, ProbeSource, Purpose, RequestState
from custodes.types.context import AccountState, Clock, Context, Role
from custodes.types.faces import Box, Contract, Face, Pixels, Template, Vector
from custodes.types.gallery import (
    Barrier,
    Candidate,
    CandidateList,
    Certificate,
    Collection,
    Eligibility,
    Filters,
    GalleryChange,
    GalleryRow,
    Scope,
    Sex,
)
from custodes.types.log import Entry, Facts, Phase
from custodes.types.quality import Component, Measured, Quality, Unassessed

__all__ = [
    "AccountState",
    "Authority",
    "Barrier",
    "Box",
    "Candidate",
    "CandidateList",
    "Certificate",
    "Clock",
    "Collection",
    "Component",
    "Context",
    "Contract",
    "CorrectionState",
    "Disposition",
    "Eligibility",
    "Entry",
    "Face",
    "Facts",
    "Filters",
    "GalleryChange",
    "GalleryRow",
    "Ground",
    "Measured",
    "Offence",
    "Phase",
    "Pixels",
    "Pose",
    "ProbeSource",
    "Purpose",
    "Quality",
    "RecordFact",
    "RequestState",
    "Role",
    "Scope",
    "Sex",
    "Template",
    "Unassessed",
    "Vector",
    "Youth",
]
