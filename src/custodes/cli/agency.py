"""`custodes agency`: police services, and the agreements under which one may search another's records."""

from __future__ import annotations

from datetime import date

import click

from custodes.cli.asked import DAY
from custodes.cli.say import say, show_table
from custodes.text import N_


@click.group()
def command() -> None:
    """Register police services and agreements between them."""


@command.command()
@click.argument("code")
@click.argument("name")
def add(code: str, name: str) -> None:
    """Register a police service by its code and name."""
    from custodes.cli.session import acting
    from custodes.workflows import people

    with acting() as (services, context):
        agency = people.create_agency(services, context, code=code, name=name)
    say(N_("Registered: %(code)s, %(name)s."), code=agency.code, name=agency.name)


@command.command("list")
def list_agencies() -> None:
    """List the registered services."""
    from custodes.cli.session import acting
    from custodes.workflows import people

    with acting():
        show_table((N_("code"), N_("name")), ((agency.code, agency.name) for agency in people.agencies()))


@command.command()
@click.option("--owner", required=True, help="Code of the service whose records may be searched.")
@click.option("--searcher", required=True, help="Code of the service that may search them.")
@click.option("--reference", required=True, help="The document that says so.")
@click.option("--from", "starts", required=True, type=DAY, help="First day.")
@click.option("--to", "ends", required=True, type=DAY, help="Last day.")
def agree(owner: str, searcher: str, reference: str, starts: date, ends: date) -> None:
    """Register a sharing agreement between two services."""
    from custodes.cli.session import acting
    from custodes.workflows import people

    with acting() as (services, context):
        people.register_agreement(
            services,
            context,
            owner_code=owner,
            searcher_code=searcher,
            reference=reference,
            starts_on=starts,
            ends_on=ends,
        )
    say(N_("Agreement registered: %(searcher)s may search %(owner)s's records."), searcher=searcher, owner=owner)
