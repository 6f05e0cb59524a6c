"""`custodes ledger balance`: the gallery, roles and agreements against what the log says of them."""

from __future__ import annotations

import click

from custodes.cli.say import say, show_table
from custodes.text import N_


@click.command("balance")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Compare the gallery, the roles and the agreements with what the log says of them.

    Exits with 1 if they differ; then nothing is searched until they do not.
    """
    from custodes.cli.session import acting
    from custodes.workflows.gallery import check_balance

    with acting() as (services, context):
        found = check_balance(services, context)
    show_table(
        (N_("service"), N_("searchable in their time"), N_("barred")),
        ((owner, count.admitted, count.barred) for owner, count in found.counts.items()),
    )
    say(N_("Rows of the log that the database lacks: %(count)d"), count=found.hidden)
    say(N_("Rows of the database that the log never stated: %(count)d"), count=found.inserted)
    say(N_("Rows that say something else than the log stated: %(count)d"), count=found.altered)
    say(N_("Roles and agreements in one of both only: %(count)d"), count=found.powers)
    if found.thresholds:
        say(N_("The threshold is not the one that the log states. An administrator adopts it: custodes models adopt."))
    if found.segments:
        say(N_("The files that are searched hold other rows than the database. Remove them: they are built again."))
    ctx.exit(0 if found.is_even else 1)
