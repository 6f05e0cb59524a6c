"""`custodes keys rotate`: a new key in an old one's place."""

from __future__ import annotations

from datetime import timedelta

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command("rotate")
@click.argument("key", type=click.Choice(["master", "log"]))
@click.option(
    "--overlap", type=int, default=0, help="Days in which the log's old keys go on signing beside the new ones."
)
def command(key: str, overlap: int) -> None:
    """Put a new key in the place of an old one. Nothing else may run meanwhile.

    A new master key wraps every data key anew; an interrupted run is finished by the next. The log's old keys stay in
    its published list of keys, so that old checkpoints still verify.
    """
    from custodes.app import passphrases
    from custodes.app.alone import alone
    from custodes.cli.session import acting
    from custodes.workflows.keys import rotate_log, rotate_master

    with acting() as (services, context), alone(services.config):
        source = passphrases.source(services.config, key)
        if key == "master":
            done = rotate_master(services, context, passphrase=source)
            say(N_("The master key was replaced; data keys wrapped anew: %(count)d."), count=done.keys)
            say(N_("A copy of the old master key still opens a copy of the old key store: destroy both."))
            return
        # a longer time than any calendar has is refused like one that is only too long
        ring = rotate_log(services, context, passphrase=source, overlap=timedelta(days=max(-1, min(overlap, 9999))))
    say(N_("The log has new keys. Publish the new list of its keys, and tell its witnesses and readers."))
    for use in ring.uses:
        if use.until is None:
            click.echo(str(use.key))
