"""`custodes migrate`: bring the database to the structure that this version needs."""

from __future__ import annotations

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command()
def command() -> None:
    """Bring the database to the structure that this version needs.

    On a PostgreSQL server, run it as the owner of the tables; nothing else needs that role but “custodes init”.
    """
    from custodes.app import migrate
    from custodes.config import Config

    count = migrate(Config.from_environment())
    say(N_("%(count)d changes of the database's structure were applied."), count=count)
