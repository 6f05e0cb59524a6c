"""`custodes log`: the newest entries of the log, for an auditor."""

from __future__ import annotations

import click

from custodes.cli.say import show_table


@click.command()
@click.option("--account", help="Only what this account (its id) did.")
@click.option("--case", help="Only what belongs to this case (its id).")
def command(account: str | None, case: str | None) -> None:
    """Show the newest entries of the log."""
    from custodes.cli.session import acting
    from custodes.ids import AccountId, CaseId
    from custodes.workflows import viewing

    with acting() as (services, context):
        lines = viewing.view_log(
            services,
            context,
            actor=AccountId.parse(account) if account else None,
            case=CaseId.parse(case) if case else None,
        )
    show_table(
        ("position", "at (UTC)", "kind", "phase", "who", "entry"),
        (
            (x.entry.position, f"{x.entry.at:%Y-%m-%d %H:%M:%S}", x.entry.kind, x.entry.phase, x.actor_name, x.entry.id)
            for x in lines
        ),
    )
