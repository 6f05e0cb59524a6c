"""`custodes sign-in`, `sign-out`, `whoami`."""

from __future__ import annotations

import click

from custodes.cli.say import label, say
from custodes.text import N_


@click.command()
@click.argument("email")
@click.option("--role", help="The role to act in, if you hold several.")
@click.option("--password", prompt=True, hide_input=True, envvar="CUSTODES_PASSWORD", help="Asked for when left out.")
def sign_in(email: str, role: str | None, password: str) -> None:
    """Sign in as yourself; every other command acts as you."""
    from custodes.app import new_context, open_services
    from custodes.cli import session
    from custodes.config import Config
    from custodes.workflows import people

    config = Config.from_environment()
    person = people.sign_in(open_services(config), new_context(), email=email, password=password)
    acting_role = session.choose_role(person, role)
    session.save(config.session_file, person, acting_role)
    say(
        N_("Signed in: %(name)s, %(agency)s, as %(role)s."),
        name=person.full_name,
        agency=person.agency.name,
        role=label(acting_role),
    )


@click.command()
def sign_out() -> None:
    """End your session."""
    from custodes.cli import session
    from custodes.config import Config
    from custodes.workflows import people

    with session.acting() as (services, context):
        people.sign_out(services, context)
        session.end(Config.from_environment().session_file)
    say(N_("Signed out."))


@click.command()
def whoami() -> None:
    """Say who is signed in, and in which role."""
    from custodes.app import open_services
    from custodes.cli import session
    from custodes.config import Config

    config = Config.from_environment()
    open_services(config)
    person, role = session.load(config.session_file)
    say(
        N_("%(name)s <%(email)s>, %(agency)s, as %(role)s."),
        name=person.full_name,
        email=person.email,
        agency=person.agency.name,
        role=label(role),
    )
