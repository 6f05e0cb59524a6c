"""`custodes ledger pack`: what the log says of one request, in one file that anybody can verify."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say
from custodes.errors import InputError
from custodes.text import N_


@click.command("pack")
@click.argument("request")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write; must be new."
)
@click.option("--open", "opened", is_flag=True, help="With the private parts that the entries commit to.")
def command(request: str, out: Path, opened: bool) -> None:
    """Write the disclosure pack of REQUEST: every entry about it, each with its proof.

    It is verified with “verify.py pack” and the log’s public keys alone.
    """
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows.disclosure import disclose

    wanted = RequestId.parse(request)
    with acting() as (services, context):
        found = disclose(services, context, request=wanted, opened=opened)
    try:
        with out.open("xb") as file:
            file.write(found.data)
    except OSError as error:
        raise InputError(
            "disclosure.not-written",
            N_("The file %(name)s could not be written (%(reason)s)."),
            hint=N_("Name a new file in a folder that you may write. The log says that a pack was made."),
            name=out.name,
            reason=error.strerror or type(error).__name__,
        ) from error
    say(N_("Entries: %(entries)d; opened: %(opened)d."), entries=found.stated.entries, opened=found.stated.openings)
    if found.stated.lacking:
        say(N_("Private parts that do not exist any more: %(count)d."), count=found.stated.lacking)
    say(N_("Written: %(file)s"), file=out)
