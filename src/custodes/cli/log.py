"""`custodes log`: the newest entries of the log, for an auditor."""

from __future__ import annotations

import click

from custodes.cli.say import label, show_table, translator
from custodes.text import N_


@click.command()
@click.option("--account", help="Only what this account (its id) did.")
@click.option("--case", help="Only what belongs to this case (its id).")
def command(account: str | None, case: str | None) -> None:
    """Show the newest entries of the log."""
    from custodes.cli.session import acting
    from custodes.ids import AccountId, CaseId
    from custodes.workflows import viewing
    from custodes.workflows.labels import event_words

    with acting() as (services, context):
        lines = viewing.view_log(
            services,
            context,
            actor=AccountId.parse(account) if account else None,
            case=CaseId.parse(case) if case else None,
        )
    translate = translator()
    show_table(
        (N_("position"), N_("at (UTC)"), N_("event"), N_("phase"), N_("who"), N_("kind"), N_("entry")),
        (
            (
                x.entry.position,
                f"{x.entry.at:%Y-%m-%d %H:%M:%S}",
                translate(event_words(x.entry.kind)),
                label(x.entry.phase),
                translate(N_("the installation itself")) if x.is_by_installation else x.actor_name,
                x.entry.kind,
                x.entry.id,
            )
            for x in lines
        ),
    )
