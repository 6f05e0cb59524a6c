"""`custodes keys unprotect`: take the passphrase off a key."""

from __future__ import annotations

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command("unprotect")
@click.argument("key", type=click.Choice(["master", "log"]))
def command(key: str) -> None:
    """Take the passphrase off a key: whoever can read its file has it then. Nothing else may run meanwhile."""
    change(key, None)
    say(N_("No passphrase protects the key any more."))


def change(key: str, new_passphrase: bytes | None) -> None:
    """Put ``key`` under another passphrase, or under none."""
    from custodes.app import passphrases
    from custodes.app.alone import alone
    from custodes.cli.session import acting
    from custodes.ledger.events import KeyName
    from custodes.workflows.keys import protect_key

    with acting() as (services, context), alone(services.config):
        source = passphrases.source(services.config, key)
        protect_key(services, context, key=KeyName(key), passphrase=source, new_passphrase=new_passphrase)
