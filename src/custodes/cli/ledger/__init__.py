"""`custodes ledger`: check the log, and what it says happened. One module per command."""

from __future__ import annotations

import click

from custodes.cli.ledger import replay


@click.group()
def command() -> None:
    """Check the log, and what it says happened."""


command.add_command(replay.command)
