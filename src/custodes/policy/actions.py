"""Everything a person can do, and which roles may try it (IAM-02). What is not listed is refused."""

from __future__ import annotations

import enum

from custodes.types import Role


class Action(enum.StrEnum):
    """One member per workflow that a signed-in person can start."""

    CREATE_AGENCY = "create-agency"
    REGISTER_AGREEMENT = "register-agreement"
    CREATE_ACCOUNT = "create-account"
    GRANT_ROLE = "grant-role"
    WITHDRAW_ROLE = "withdraw-role"
    SUSPEND_ACCOUNT = "suspend-account"
    REINSTATE_ACCOUNT = "reinstate-account"
    END_ACCOUNT = "end-account"
    ADD_PACK = "add-pack"
    REMOVE_PACK = "remove-pack"
    ENROL = "enrol"
    CHECK_ENROLMENT = "check-enrolment"
    UPDATE_DISPOSITIONS = "update-dispositions"
    CHECK_DISPOSITIONS = "check-dispositions"
    VIEW_CORRECTIONS = "view-corrections"
    CONFIRM_CORRECTION = "confirm-correction"
    DECLINE_CORRECTION = "decline-correction"
    VIEW_RECORD = "view-record"
    OPEN_CASE = "open-case"
    CLOSE_CASE = "close-case"
    VIEW_CASE = "view-case"
    ADD_PROBE = "add-probe"
    REQUEST_SEARCH = "request-search"
    APPROVE_SEARCH = "approve-search"
    DECLINE_SEARCH = "decline-search"
    SEARCH = "search"
    VIEW_CANDIDATES = "view-candidates"
    REPLAY_SEARCH = "replay-search"
    VIEW_WORK = "view-work"
    VIEW_LOG = "view-log"
    CHECK_GALLERY = "check-gallery"
    VERIFY_LOG = "verify-log"
    ADOPT_THRESHOLD = "adopt-threshold"
    EXPORT_PROOF = "export-proof"
    DISCLOSE = "disclose"
    EXTEND_QUORUM = "extend-quorum"
    RESTORE_LOG = "restore-log"
    DECLARE_SUCCESSOR = "declare-successor"
    VIEW_KEYS = "view-keys"
    PROTECT_KEY = "protect-key"
    ROTATE_KEY = "rotate-key"


_EVERYONE = frozenset(Role)
_RECORDS = frozenset({Role.RECORDS_OFFICER, Role.SUPERVISOR})
_CASEWORK = frozenset({Role.SEARCHER, Role.SUPERVISOR})

ROLES: dict[Action, frozenset[Role]] = {
    Action.CREATE_AGENCY: frozenset({Role.ADMINISTRATOR}),
    Action.REGISTER_AGREEMENT: frozenset({Role.ADMINISTRATOR}),
    Action.CREATE_ACCOUNT: frozenset({Role.ADMINISTRATOR}),
    Action.GRANT_ROLE: frozenset({Role.ADMINISTRATOR}),
    Action.WITHDRAW_ROLE: frozenset({Role.ADMINISTRATOR}),
    Action.SUSPEND_ACCOUNT: frozenset({Role.ADMINISTRATOR}),
    Action.REINSTATE_ACCOUNT: frozenset({Role.ADMINISTRATOR}),
    Action.END_ACCOUNT: frozenset({Role.ADMINISTRATOR}),
    Action.ADD_PACK: frozenset({Role.ADMINISTRATOR}),
    Action.REMOVE_PACK: frozenset({Role.ADMINISTRATOR}),
    Action.ENROL: frozenset({Role.RECORDS_OFFICER}),
    Action.CHECK_ENROLMENT: frozenset({Role.RECORDS_OFFICER}),
    Action.UPDATE_DISPOSITIONS: frozenset({Role.RECORDS_OFFICER}),
    Action.CHECK_DISPOSITIONS: frozenset({Role.RECORDS_OFFICER}),
    Action.VIEW_CORRECTIONS: _RECORDS,
    Action.CONFIRM_CORRECTION: _RECORDS,
    Action.DECLINE_CORRECTION: _RECORDS,
    Action.VIEW_RECORD: frozenset({Role.RECORDS_OFFICER, Role.SEARCHER, Role.SUPERVISOR}),
    Action.OPEN_CASE: _CASEWORK,
    Action.CLOSE_CASE: _CASEWORK,
    Action.VIEW_CASE: _CASEWORK,
    Action.ADD_PROBE: frozenset({Role.SEARCHER}),
    Action.REQUEST_SEARCH: frozenset({Role.SEARCHER}),
    Action.APPROVE_SEARCH: frozenset({Role.SUPERVISOR}),
    Action.DECLINE_SEARCH: frozenset({Role.SUPERVISOR}),
    Action.SEARCH: frozenset({Role.SEARCHER}),
    Action.VIEW_CANDIDATES: _CASEWORK,
    Action.REPLAY_SEARCH: frozenset({Role.SUPERVISOR, Role.AUDITOR}),
    Action.VIEW_WORK: _EVERYONE,
    Action.VIEW_LOG: frozenset({Role.AUDITOR}),
    Action.CHECK_GALLERY: frozenset({Role.AUDITOR}),
    Action.VERIFY_LOG: frozenset({Role.AUDITOR}),
    Action.ADOPT_THRESHOLD: frozenset({Role.ADMINISTRATOR}),
    Action.EXPORT_PROOF: frozenset({Role.AUDITOR}),
    Action.DISCLOSE: frozenset({Role.AUDITOR}),
    Action.EXTEND_QUORUM: frozenset({Role.AUDITOR}),
    Action.RESTORE_LOG: frozenset({Role.AUDITOR}),
    Action.DECLARE_SUCCESSOR: frozenset({Role.AUDITOR}),
    Action.VIEW_KEYS: frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    Action.PROTECT_KEY: frozenset({Role.ADMINISTRATOR}),
    Action.ROTATE_KEY: frozenset({Role.ADMINISTRATOR}),
}
"""IAM-05: administrators appear nowhere near an image, a case or the log."""

CONFLICTING: frozenset[frozenset[Role]] = frozenset(
    frozenset({apart, other}) for apart in (Role.ADMINISTRATOR, Role.AUDITOR) for other in Role if other is not apart
)
"""Pairs of roles that one person may not hold together: whoever grants roles or audits does nothing else."""
