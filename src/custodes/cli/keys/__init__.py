"""`custodes keys`: which keys there are, their passphrases, and new ones in their place. One module per command."""

from __future__ import annotations

import click

from custodes.cli.keys import protect, rotate, show, unprotect


@click.group()
def command() -> None:
    """Show, protect and replace the keys of the installation."""


for _part in (show, protect, unprotect, rotate):
    command.add_command(_part.command)
