"""`custodes keys show`: which keys there are, and whether a passphrase protects them."""

from __future__ import annotations

import click

from custodes.cli.say import say, show_table, translator, yes_or_no
from custodes.text import N_


@click.command("show")
def command() -> None:
    """Show which keys there are: public parts, sizes of use, and whether a passphrase protects each."""
    from custodes.cli.session import acting
    from custodes.workflows.keys import keys

    with acting() as (services, context):
        found = keys(services, context)
    translate = translator()
    gone = translate(N_("destroyed"))
    show_table(
        (N_("key"), N_("from size"), N_("to size"), N_("passphrase")),
        (
            (
                key.use.key.key_id.hex() if key.use else key.name,
                key.use.since if key.use else "",
                "" if key.use is None or key.use.until is None else key.use.until,
                gone if key.protected is None else yes_or_no(key.protected),
            )
            for key in found
        ),
    )
    for key in found:
        if key.use is not None:
            click.echo(str(key.use.key))
        if key.unfinished:
            say(N_("A replacement of the master key was interrupted; finish it: custodes keys rotate master."))
