"""`custodes ledger extend`: the overseers' leave to search on while witnesses are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from custodes.cli.say import say
from custodes.text import N_

_MAX_NOTE_BYTES = 100_000


@click.command("extend")
@click.argument("note", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(note: Path) -> None:
    """Let searches go on without a quorum of the witnesses, as the signed NOTE of two overseers allows."""
    from custodes.cli.session import acting
    from custodes.workflows.log import extend_quorum

    with note.open("rb") as file:
        data = file.read(_MAX_NOTE_BYTES)
    with acting() as (services, context):
        extension = extend_quorum(services, context, note=data)
    until = datetime.fromtimestamp(extension.until, UTC)
    say(N_("Searches go on without a quorum until %(until)s (UTC)."), until=f"{until:%Y-%m-%d %H:%M:%S}")
