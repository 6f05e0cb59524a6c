"""`custodes ledger receipt`: the log's signed promise that a request is in it."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command("receipt")
@click.argument("request")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file instead.")
def command(request: str, file: Path | None) -> None:
    """Print the log's signed promise that REQUEST is in it, or will be within a minute."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows.log import promise

    with acting() as (services, context):
        note = promise(services, context, request=RequestId.parse(request))
    if file is None:
        click.echo(note.decode(), nl=False)
        return
    file.write_bytes(note)
    say(N_("Written: %(file)s"), file=file)
