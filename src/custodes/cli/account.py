"""`custodes account`: accounts of named people, their roles, and what ends them."""

from __future__ import annotations

import click

from custodes.cli.asked import new_password
from custodes.cli.say import label, say
from custodes.text import N_
from custodes.types import Role


@click.group()
def command() -> None:
    """Create accounts of named people, grant and withdraw roles, suspend and end."""


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


_REASON = click.option("--reason", required=True, help="Why; readable for auditors.")


@command.command()
@click.argument("account")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@_REASON
def withdraw(account: str, role: str, reason: str) -> None:
    """Withdraw a role from ACCOUNT (its id, or the person's e-mail address)."""
    from custodes.cli.session import acting
    from custodes.workflows import people, sanctions

    with acting() as (services, context):
        whose = people.account_named(account)
        person = sanctions.withdraw_role(services, context, account=whose, role=Role(role), reason=reason)
    say(N_("%(id)s now holds: %(roles)s."), id=person.id, roles=_words(person.roles))


@command.command()
@click.argument("account")
@_REASON
def suspend(account: str, reason: str) -> None:
    """Suspend ACCOUNT (its id, or the person's e-mail address): it can do nothing, and its sessions end at once."""
    from custodes.cli.session import acting
    from custodes.workflows import people, sanctions

    with acting() as (services, context):
        person = sanctions.suspend(services, context, account=people.account_named(account), reason=reason)
    say(N_("%(id)s is suspended. Its sessions have ended."), id=person.id)


@command.command()
@click.argument("account")
@_REASON
def reinstate(account: str, reason: str) -> None:
    """Let ACCOUNT (its id, or the person's e-mail address) be used again."""
    from custodes.cli.session import acting
    from custodes.workflows import people, sanctions

    with acting() as (services, context):
        person = sanctions.reinstate(services, context, account=people.account_named(account), reason=reason)
    say(N_("%(id)s may be used again, with the roles: %(roles)s."), id=person.id, roles=_words(person.roles))


@command.command()
@click.argument("account")
@_REASON
def end(account: str, reason: str) -> None:
    """End ACCOUNT (its id, or the person's e-mail address) of somebody who has left, and withdraw every role."""
    from custodes.cli.session import acting
    from custodes.workflows import people, sanctions

    with acting() as (services, context):
        person = sanctions.end(services, context, account=people.account_named(account), reason=reason)
    say(N_("%(id)s has ended. Its roles were withdrawn."), id=person.id)


def _words(roles: tuple[Role, ...]) -> str:
    return ", ".join(label(role) for role in roles) or "—"
