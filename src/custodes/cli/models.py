"""`custodes models`: fetch and verify model packs."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import Progress, say, show_table, translator, yes_or_no
from custodes.text import N_


@click.group()
def command() -> None:
    """Fetch and verify model packs."""


@command.command("list")
def list_packs() -> None:
    """List the packs that Custodes knows, with their licences."""
    from custodes.engine import builtin_packs

    show_table(
        (N_("pack"), N_("version"), N_("dimension"), N_("operational use"), N_("licences")),
        (
            (pack.name, pack.version, pack.dimension, yes_or_no(pack.operational_use), ", ".join(pack.licences))
            for pack in builtin_packs().values()
        ),
    )


@command.command()
@click.argument("pack", required=False)
@click.option(
    "--from-folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the files from this folder instead of a network.",
)
def pull(pack: str | None, from_folder: Path | None) -> None:
    """Fetch PACK's weights and check their SHA-256 (default: the installation's pack)."""
    from custodes.config import Config
    from custodes.engine import find_pack
    from custodes.engine import pull as pull_pack

    config = Config.from_environment()
    found = find_pack(pack or config.pack)
    say(
        N_("Model pack %(pack)s %(version)s. Licences: %(licences)s."),
        pack=found.name,
        version=found.version,
        licences=", ".join(found.licences),
    )
    click.echo(f"  {translator()(found.licence_note)}")
    lines: dict[str, Progress] = {}

    def progress(name: str, done: int, total: int) -> None:
        lines.setdefault(name, Progress(name))(done, total)

    pulled = pull_pack(found, config.models_dir, folder=from_folder, progress=progress)
    for line in lines.values():
        line.end()
    here = translator()(N_("already here"))
    for file in pulled.files:
        say(N_("%(file)s: verified (%(source)s)."), file=file.path.name, source=file.source or here)


@command.command()
@click.argument("pack", required=False)
def verify(pack: str | None) -> None:
    """Check that PACK's weights on this machine are the ones its manifest names."""
    from custodes.config import Config
    from custodes.engine import find_pack
    from custodes.engine import verify as verify_pack

    config = Config.from_environment()
    here = translator()(N_("on this machine"))
    for file in verify_pack(find_pack(pack or config.pack), config.models_dir).files:
        say(N_("%(file)s: verified (%(source)s)."), file=file.path.name, source=here)
