"""`custodes ledger restore`: the log's end, put back into a database that was put back from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say, show_table
from custodes.text import N_


@click.command("restore")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the sealed log; its own folder by default.",
)
def command(source: Path | None) -> None:
    """Put back the entries that the sealed log has beyond the database, and list what they say was done.

    For a database that was put back from a backup. What the entries did is not done again.
    """
    from custodes.cli.session import acting
    from custodes.workflows.log import restore_log

    with acting() as (services, context):
        found = restore_log(services, context, source=source or services.config.log_dir)
    say(
        N_("Entries that the database lacked: %(count)d, from position %(first)d on."),
        count=found.lacking,
        first=found.first,
    )
    show_table((N_("kind"), N_("entries")), sorted(found.kinds.items()))
    for target in found.targets:
        click.echo(f"  {target}")
    say(N_("What these entries did is to be done again, or to be declared lost: docs/ledger.md."))
