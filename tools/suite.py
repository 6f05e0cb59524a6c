"""Run the whole suite on SQLite, then what touches a database once more on PostgreSQL, and end with both closing lines.

Arguments are pytest's. The second pass is skipped with a reason where no server can be had (`tests.postgresql`), and
fails there under ``CUSTODES_REQUIRE_ALL=1``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

_PASSES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_NOTHING_COLLECTED = 5


def run(database: str, arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest on one database, showing what it says; return its exit status and its closing line."""
    environment = {**os.environ, "CUSTODES_TEST_DATABASE": database}
    color = "yes" if sys.stdout.isatty() else "auto"
    command = [sys.executable, "-m", "pytest", f"--color={color}", *arguments]
    closing = ""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            closing = line.strip() or closing
    return process.returncode, closing


def main(arguments: Sequence[str]) -> int:
    """Run both passes, the second even if the first failed; return the first status that is not 0."""
    outcomes = {}
    for database, name in _PASSES.items():
        print(f"\n== {name}", flush=True)
        outcomes[name] = run(database, arguments)
    print()
    for name, (_, closing) in outcomes.items():
        print(f"{name + ':':12} {closing}")
    first, second = (status for status, _ in outcomes.values())
    # whoever asks for tests without a database has all their answers after the first pass
    return first or (0 if second == _NOTHING_COLLECTED else second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
