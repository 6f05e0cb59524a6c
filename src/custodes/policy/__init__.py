"""May it happen? Pure decisions with their reasons, from values alone."""

from custodes.policy.actions import CONFLICTING, ROLES, Action
from custodes.policy.casework import missing_fields
from custodes.policy.decision import Decision
from custodes.policy.gate import decide, decide_beyond, named_person

__all__ = ["CONFLICTING", "ROLES", "Action", "Decision", "decide", "decide_beyond", "missing_fields", "named_person"]
