"""An entry of the log as a row that an auditor can read."""

from __future__ import annotations

import json

from custodes.workflows.viewing import LogLine


class LogRow:
    """One entry: when, who, in which role, what, about which things, with which facts."""

    def __init__(self, line: LogLine) -> None:
        body = json.loads(line.entry.body)
        self.at = line.entry.at
        self.position = line.entry.position
        self.kind = line.entry.kind
        self.phase = line.entry.phase
        self.actor = line.actor_name
        self.role: str = body.get("role", "")
        self.targets: list[str] = body.get("targets", [])
        self.case = line.entry.case
        self.facts: dict[str, object] = body.get("facts", {})
        self.trace: str = body.get("trace", "")
