"""`custodes ledger succeed`: another log, where the end of this one is lost with every copy."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say
from custodes.text import N_

_MAX_NOTE_BYTES = 100_000


@click.command("succeed")
@click.argument("note", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--draft", is_flag=True, help="NOTE is the last checkpoint the witnesses cosigned: print what is to be signed."
)
def command(note: Path, draft: bool) -> None:
    """Begin the log that follows this one, as two overseers declared in the signed NOTE.

    For a log whose end is lost with every copy. Its witnesses accept the new one only by their operators' act.
    """
    from custodes.app import passphrases
    from custodes.cli.session import acting
    from custodes.ledger.checkpoint import Checkpoint
    from custodes.ledger.note import SignedNote
    from custodes.workflows.succession import declare_successor, draft_declaration

    with note.open("rb") as file:
        data = file.read(_MAX_NOTE_BYTES)
    if draft:
        with acting() as (services, context):
            cosigned = Checkpoint.parse(SignedNote.parse(data).text)
            click.echo(str(draft_declaration(services, context, cosigned=cosigned)), nl=False)
        return
    with acting() as (services, context):
        found = declare_successor(services, context, note=data, passphrase=passphrases.source(services.config, "log"))
    declared = found.declaration
    say(N_("Of “%(origin)s” %(size)d entries are left; %(gap)d that were cosigned are lost."),
        origin=declared.origin, size=declared.left.size, gap=declared.gap)  # fmt: skip
    say(N_("It is followed by “%(origin)s”, with these keys:"), origin=found.successor)
    for key in found.keys:
        click.echo(key)
    say(N_("Each witness accepts it by its operator’s act: custodes witness accept-successor."))
