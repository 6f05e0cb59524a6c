"""What pages and commands need to know that is nobody's deed: the closed lists, and the values that workflows return.

Nothing here decides, changes or logs anything.
"""

from __future__ import annotations

from custodes.policy.actions import Action
from custodes.policy.offences import SeriousOffence, serious_offences
from custodes.store.records import (
    AccountRecord,
    AgencyRecord,
    BookingRecord,
    CaseRecord,
    PhotographRecord,
    ProbeRecord,
    RequestRecord,
    SearchRecord,
    SubjectRecord,
)

__all__ = [
    "AccountRecord",
    "Action",
    "AgencyRecord",
    "BookingRecord",
    "CaseRecord",
    "PhotographRecord",
    "ProbeRecord",
    "RequestRecord",
    "SearchRecord",
    "SeriousOffence",
    "SubjectRecord",
    "serious_offences",
]
