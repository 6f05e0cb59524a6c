"""`custodes account`: accounts of named people, and their roles."""

from __future__ import annotations

import click

from custodes.cli.asked import new_password
from custodes.cli.say import label, say
from custodes.text import N_
from custodes.types import Role


@click.group()
def command() -> None:
    """Create accounts of named people and grant roles."""


@command.command()
@click.option("--agency", required=True, help="Code of the person's service.")
@click.option("--email", required=True, help="The person's own e-mail address.")
@click.option("--full-name", required=True, help="The person's full name.")
@click.option("--personnel-number", required=True, help="The person's personnel number.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="A role to grant; may be given several times.",
)
@new_password("CUSTODES_NEW_PASSWORD")
def add(agency: str, email: str, full_name: str, personnel_number: str, roles: tuple[str, ...], password: str) -> None:
    """Create a named person's account, with the roles given."""
    from custodes.cli.session import acting
    from custodes.workflows import people

    with acting() as (services, context):
        person = people.create_account(
            services,
            context,
            agency_code=agency,
            email=email,
            full_name=full_name,
            personnel_number=personnel_number,
            password=password,
        )
        for role in roles:
            person = people.grant_role(services, context, account=person.id, role=Role(role))
    say(N_("Account created: %(id)s, roles: %(roles)s."), id=person.id, roles=_words(person.roles))


@command.command()
@click.argument("account")
@click.argument("role", type=click.Choice([role.value for role in Role]))
def grant(account: str, role: str) -> None:
    """Grant a role to an account (its id)."""
    from custodes.cli.session import acting
    from custodes.ids import AccountId
    from custodes.workflows import people

    with acting() as (services, context):
        person = people.grant_role(services, context, account=AccountId.parse(account), role=Role(role))
    say(N_("%(id)s now holds: %(roles)s."), id=person.id, roles=_words(person.roles))


def _words(roles: tuple[Role, ...]) -> str:
    return ", ".join(label(role) for role in roles) or "—"
