"""`custodes keys protect`: set or change the passphrase of a key."""

from __future__ import annotations

import click

from custodes.cli.asked import new_passphrase
from custodes.cli.say import say
from custodes.text import N_


@click.command("protect")
@click.argument("key", type=click.Choice(["master", "log"]))
@click.option(
    "--new-file", type=click.Path(dir_okay=False), help="Read the new passphrase from here; else it is asked."
)
def command(key: str, new_file: str | None) -> None:
    """Set the passphrase of a key, or change it. Nothing else may run meanwhile.

    Whoever starts Custodes needs it from then on. Without it the key is lost, and with it all that it protects.
    """
    from custodes.cli.keys.unprotect import change

    change(key, _new(key, new_file))
    say(N_("A passphrase protects the key now. Keep a copy of it apart from the key's."))


def _new(key: str, new_file: str | None) -> bytes | None:
    from pathlib import Path

    from custodes.keyfile import passphrase_bytes, passphrase_file

    return passphrase_file(Path(new_file))() if new_file else passphrase_bytes(new_passphrase(key))
