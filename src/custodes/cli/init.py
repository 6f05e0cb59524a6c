"""`custodes init`: a new installation with its keys, its first service and its first administrator."""

from __future__ import annotations

import click

from custodes.cli.asked import new_password
from custodes.cli.say import say
from custodes.text import N_


@click.command()
@click.option("--agency-code", required=True, help="The service's code in its records system.")
@click.option("--agency-name", required=True, help="The service's name.")
@click.option("--email", required=True, help="The administrator's own e-mail address.")
@click.option("--full-name", required=True, help="The administrator's full name.")
@click.option("--personnel-number", required=True, help="The administrator's personnel number.")
@new_password("CUSTODES_PASSWORD")
def command(
    agency_code: str, agency_name: str, email: str, full_name: str, personnel_number: str, password: str
) -> None:
    """Create an installation, its first service and administrator.

    Run it once. The data folder is CUSTODES_DATA_DIR; the master key is made there and must be kept apart from backups.
    """
    from custodes.app import lay_foundation, new_context, open_services
    from custodes.config import Config
    from custodes.workflows import people

    config = Config.from_environment()
    lay_foundation(config)
    person = people.create_installation(
        open_services(config),
        new_context(),
        agency_code=agency_code,
        agency_name=agency_name,
        email=email,
        full_name=full_name,
        personnel_number=personnel_number,
        password=password,
    )
    say(N_("Installation created in %(place)s."), place=config.data_dir)
    if config.evaluation:
        say(N_("It is for evaluation only: it can never serve casework."))
    say(N_("Administrator: %(name)s. Sign in with “custodes sign-in”."), name=person.full_name)
    say(
        N_("Keep %(key)s apart from backups: whoever has it and the key store can read every photograph."),
        key=config.master_key_file,
    )
