"""`custodes ledger`: the log as a whole, and what it says happened. One module per command."""

from __future__ import annotations

import click

from custodes.cli.ledger import balance, extend, pack, proof, receipt, replay, restore, status, succeed, verify


@click.group()
def command() -> None:
    """Check the log, and what it says happened."""


for each in (status, verify, balance, proof, pack, receipt, replay, extend, restore, succeed):
    command.add_command(each.command)
