"""`custodes ledger verify`: the whole log, by the stand-alone verifier, and the database against it."""

from __future__ import annotations

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command("verify")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Verify the whole log, and hold every entry of the database to what was sealed.

    Exits with 1 if anything differs. Without this program, on another machine, the file verify.py does the same for
    the log alone.
    """
    from custodes.cli.session import acting
    from custodes.workflows.log import verify_log

    with acting() as (services, context):
        found = verify_log(services, context)
    click.echo(found.said)
    if found.differing is not None:
        say(N_("Entries of the database that are not what was sealed: %(count)d"), count=found.differing)
    ctx.exit(0 if found.is_sound else 1)
