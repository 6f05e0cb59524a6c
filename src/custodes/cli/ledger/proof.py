"""`custodes ledger proof`: that one entry is in the log, as files that anybody can verify without this program."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command("proof")
@click.argument("entry")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to write to; the present one by default.",
)
def command(entry: str, folder: Path) -> None:
    """Write the proof that ENTRY is in the log, and the entry itself.

    Both are verified with verify.py and the log's public keys alone (AUD-07).
    """
    from custodes.cli.session import acting
    from custodes.ids import EntryId
    from custodes.ledger.proof import SUFFIX
    from custodes.workflows.log import export_proof

    wanted = EntryId.parse(entry)
    with acting() as (services, context):
        proof, body = export_proof(services, context, entry=wanted)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((f"{wanted}{SUFFIX}", bytes(proof)), (f"{wanted}.json", body)):
        (folder / name).write_bytes(data)
        say(N_("Written: %(file)s"), file=folder / name)
