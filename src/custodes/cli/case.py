"""`custodes case`: open, list, show and close cases."""

from __future__ import annotations

import click

from custodes.cli.say import label, say, show_table, translator
from custodes.text import N_


@click.group()
def command() -> None:
    """Open, list, show and close cases."""


@command.command("open")
@click.argument("number")
def open_(number: str) -> None:
    """Open a case under its number."""
    from custodes.cli.session import acting
    from custodes.workflows import cases

    with acting() as (services, context):
        record = cases.open_case(services, context, number=number)
    say(N_("Case %(number)s is open."), number=record.number)


@command.command()
@click.argument("number")
def close(number: str) -> None:
    """Close a case; nothing can be added or searched in it afterwards."""
    from custodes.cli.session import acting
    from custodes.workflows import cases

    with acting() as (services, context):
        cases.close_case(services, context, case=cases.case_by_number(services, context, number=number).id)
    say(N_("Case %(number)s is closed."), number=number)


@command.command("list")
def list_cases() -> None:
    """List your service's cases."""
    from custodes.cli.session import acting
    from custodes.workflows import viewing

    with acting() as (services, context):
        work = viewing.my_work(services, context)
    translate = translator()
    states = {True: translate(N_("open")), False: translate(N_("closed"))}
    show_table(
        (N_("case"), N_("opened on"), N_("opened by"), N_("state")),
        ((c.number, f"{c.opened_at:%Y-%m-%d}", c.opened_by, states[c.is_open]) for c in work.cases),
    )


@command.command()
@click.argument("number")
def show(number: str) -> None:
    """Show a case's probes and requests."""
    from custodes.cli.session import acting
    from custodes.workflows import cases

    with acting() as (services, context):
        file = cases.view_case(services, context, case=cases.case_by_number(services, context, number=number).id)
    show_table((N_("probe"), N_("faces"), "SHA-256"), ((p.id, len(p.faces), p.sha256[:16]) for p in file.probes))
    click.echo()
    show_table(
        (N_("request"), N_("asked by"), N_("state")), ((r.id, r.requester_name, label(r.state)) for r in file.requests)
    )
