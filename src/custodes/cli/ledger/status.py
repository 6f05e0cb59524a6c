"""`custodes ledger status`: what is sealed, who witnesses it, and who is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from custodes.cli.say import say, show_table
from custodes.text import N_


@click.command("status")
def command() -> None:
    """Say how the log stands: what is sealed, who witnesses it, who is missing since when."""
    from custodes.cli.session import acting
    from custodes.workflows.log import log_status

    with acting() as (services, context):
        found = log_status(services, context)
    if found.checkpoint is None:
        say(N_("Nothing has been sealed yet."))
    else:
        say(N_("Log: %(origin)s"), origin=found.checkpoint.origin)
        say(
            N_("Sealed entries: %(size)d; root: %(root)s"), size=found.checkpoint.size, root=found.checkpoint.root.hex()
        )
    say(N_("Entries that wait to be sealed: %(count)d"), count=found.waiting)
    for key in found.keys:
        # its name and id; “custodes keys show” prints all of it, which takes 1,750 characters with ML-DSA
        click.echo("  " + "+".join(key.split("+")[:2]))
    standing = found.standing
    if standing is None or found.cosigned is None:
        say(N_("No witnesses are named: nobody outside this installation vouches for the log."))
        return
    say(N_("Entries that a quorum of the witnesses has cosigned: %(size)d"), size=found.cosigned)
    say(N_("Seconds for which the oldest other entry has waited: %(seconds)d"), seconds=standing.uncosigned_s)
    if not standing.may_search:
        say(N_("Searches are stopped: the witnesses of the log have been missing for too long."))
    show_table(
        (N_("missing witness"), N_("cosigned last (UTC)")),
        (
            (one.name, f"{datetime.fromtimestamp(one.since, UTC):%Y-%m-%d %H:%M:%S}" if one.since else "—")
            for one in standing.missing
        ),
    )
