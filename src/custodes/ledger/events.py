"""What can be written in the log: the closed list of kinds, and the frozen value one event is.

An event states ids, counts and codes openly (``facts``).  Sentences, names, e-mail addresses and file
names go into ``private``, of which the log's permanent part holds only a salted commitment (AUD-05).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from custodes.ids import Id
from custodes.types import Context, Facts


class EventKind(enum.StrEnum):
    """Every kind of entry. ``docs/log-events.md`` explains each; a test keeps the two together."""

    INSTALLATION_CREATED = "installation.created"
    AGENCY_CREATED = "agency.created"
    AGREEMENT_REGISTERED = "agreement.registered"
    ACCOUNT_CREATED = "account.created"
    ROLE_GRANTED = "role.granted"
    PACK_ADDED = "pack.added"
    PACK_REMOVED = "pack.removed"
    SIGNED_IN = "sign-in.succeeded"
    SIGN_IN_FAILED = "sign-in.failed"
    SIGNED_OUT = "sign-out"
    ACTION_REFUSED = "action.refused"
    INPUT_REJECTED = "input.rejected"
    ENROLMENT_STARTED = "enrolment.started"
    ENROLMENT_RESUMED = "enrolment.resumed"
    ENROLMENT_FINISHED = "enrolment.finished"
    PHOTOGRAPH_ENROLLED = "photograph.enrolled"
    PHOTOGRAPH_NOT_ENROLLED = "photograph.not-enrolled"
    RECORD_QUARANTINED = "record.quarantined"
    RECORD_CORRECTED = "record.corrected"
    RECORD_VANISHED = "record.vanished"
    CORRECTION_WAITING = "correction.waiting"
    CORRECTION_CONFIRMED = "correction.confirmed"
    CORRECTION_DECLINED = "correction.declined"
    CORRECTION_WITHDRAWN = "correction.withdrawn"
    DISPOSITIONS_STARTED = "dispositions.started"
    DISPOSITIONS_RESUMED = "dispositions.resumed"
    DISPOSITIONS_FINISHED = "dispositions.finished"
    GALLERY_CHANGED = "gallery.changed"
    GALLERY_BALANCED = "gallery.balanced"
    RECORDS_LISTED = "records.listed"
    CASE_OPENED = "case.opened"
    CASE_CLOSED = "case.closed"
    PROBE_ADDED = "probe.added"
    REQUEST_MADE = "request.made"
    REQUEST_APPROVED = "request.approved"
    REQUEST_DECLINED = "request.declined"
    SEARCH = "search"
    CANDIDATES_VIEWED = "candidates.viewed"
    RECORD_VIEWED = "record.viewed"
    IMAGE_VIEWED = "image.viewed"
    CASE_VIEWED = "case.viewed"
    WORK_VIEWED = "work.viewed"
    SEARCH_REPLAYED = "search.replayed"
    LOG_VIEWED = "log.viewed"
    LOG_VERIFIED = "log.verified"
    LOG_RESTORED = "log.restored"
    CLOCK_WENT_BACK = "clock.went-back"
    PROOF_EXPORTED = "proof.exported"
    TIME_EXTENDED = "quorum.extended"
    REPLAY_STARTED = "replay.started"
    REPLAY_RESUMED = "replay.resumed"
    REPLAY_FINISHED = "replay.finished"
    KEY_ROTATED = "key.rotated"
    KEY_PROTECTED = "key.protected"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, is about to happen, or was refused.

    ``facts``: opaque ids, counts and codes only.  ``private``: anything a person wrote or is called by.
    """

    kind: EventKind
    context: Context
    targets: tuple[Id, ...] = ()
    facts: Facts = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)

    def adding(self, **facts: str | int | float | bool | None | list[str]) -> Event:
        """Return this event with more facts: what an outside effect came to."""
        return replace(self, facts={**self.facts, **facts})
