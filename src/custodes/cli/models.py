"""`custodes models`: list, fetch and verify model packs; add, remove and sign one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custodes.cli.say import Progress, say, show_table, translator
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.engine import PulledFiles
    from custodes.workflows.packs import PackLine

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_STATES = {
    "verified": N_("verified"),
    "pack.not-pulled": N_("weights not here"),
    "pack.weights-truncated": N_("weights incomplete"),
    "pack.weights-altered": N_("weights altered"),
    "pack.manifest-altered": N_("manifest altered since it was added"),
    "pack.manifest-malformed": N_("manifest malformed"),
}
_SHOWN_OF_A_HASH = 12


@click.group()
def command() -> None:
    """Fetch and verify model packs; add, remove and sign your own."""


@command.command("list")
def list_packs() -> None:
    """List the packs that Custodes knows: what they may be used for, whether they are here, who answers for them."""
    from custodes.config import Config
    from custodes.workflows import packs

    show_table(
        (
            N_("pack"),
            N_("version"),
            N_("dimension"),
            N_("contract"),
            N_("may be used for"),
            N_("state"),
            N_("manifest"),
            N_("licences"),
        ),
        map(_cells, packs.list_packs(Config.from_environment())),
    )


@command.command()
@click.argument("pack", nargs=-1)
@click.option("--from-folder", type=_FOLDER, help="Take the files from this folder instead of a network.")
def pull(pack: tuple[str, ...], from_folder: Path | None) -> None:
    """Fetch the weights of each PACK and check their SHA-256 (default: the installation's pack)."""
    from custodes.config import Config
    from custodes.engine import find_pack
    from custodes.engine import pull as pull_pack

    config = Config.from_environment()
    for name in pack or (config.pack,):
        found = find_pack(name, config.models_dir)
        say(
            N_("Model pack %(pack)s %(version)s. Licences: %(licences)s."),
            pack=found.name,
            version=found.version,
            licences=", ".join(found.licences),
        )
        click.echo(f"  {translator()(found.licence_note)}")
        with _progress() as progress:
            pulled = pull_pack(found, config.models_dir, folder=from_folder, progress=progress)
        _say_verified(pulled, translator()(N_("already here")))


@command.command()
@click.argument("pack", nargs=-1)
def verify(pack: tuple[str, ...]) -> None:
    """Check that the weights of each PACK on this machine are the ones its manifest names."""
    from custodes.config import Config
    from custodes.workflows import packs

    config = Config.from_environment()
    for name in pack or (config.pack,):
        _say_verified(packs.verify_pack(config, name), translator()(N_("on this machine")))


@command.command()
@click.argument("manifest", type=_FILE)
@click.option("--weights", type=_FOLDER, help="Take the weights from this folder instead of the manifest's sources.")
@click.option("--trust-unsigned", is_flag=True, help="Add it without a trusted signature; the log will say so.")
def add(manifest: Path, weights: Path | None, trust_unsigned: bool) -> None:
    """Add the pack that MANIFEST (.toml) describes, once its networks have been tried. For administrators."""
    from custodes.cli.session import acting
    from custodes.workflows import packs

    with acting() as (services, context), _progress() as progress:
        added = packs.add_pack(
            services, context, manifest=manifest, weights=weights, trust_unsigned=trust_unsigned, progress=progress
        )
    say(N_("Added: %(pack)s, contract %(contract)s."), pack=added.pack.name, contract=added.pack.contract.id)
    say(
        N_("To work with it, set CUSTODES_PACK=%(pack)s. Its templates are compared with no others."),
        pack=added.pack.name,
    )


@command.command()
@click.argument("pack")
def remove(pack: str) -> None:
    """Remove PACK, which was added, with its weights. For administrators."""
    from custodes.cli.session import acting
    from custodes.workflows import packs

    with acting() as (services, context):
        packs.remove_pack(services, context, name=pack)
    say(N_("Removed: %(pack)s."), pack=pack)


@command.command()
@click.argument("manifest", type=_FILE)
@click.option("--key", required=True, type=_FILE, help="The Ed25519 private key, a PEM file.")
def sign(manifest: Path, key: Path) -> None:
    """Sign MANIFEST (.toml), for whoever makes packs; the signature is written beside it (.toml.sig)."""
    from custodes.engine import shelf, signature
    from custodes.errors import ModelPackError

    found = shelf.read_manifest(manifest)
    try:
        private = signature.read_private_key(key)
    except ModelPackError as error:
        if error.code != "pack.key-locked":
            raise
        passphrase = click.prompt(translator()(N_("Passphrase of the key")), hide_input=True, err=True)
        private = signature.read_private_key(key, passphrase)
    path = shelf.write_signature(manifest, signature.sign(found.content, private))
    say(N_("Signed: %(file)s."), file=path)
    say(
        N_("Key %(fingerprint)s. Whoever adds the pack must trust its public half."),
        fingerprint=signature.fingerprint(private.public_key()),
    )


@command.command()
def adopt() -> None:
    """State in the log that the model pack's threshold is in force; until then a changed one stops searches."""
    from custodes.cli.session import acting
    from custodes.workflows.threshold import adopt_threshold

    with acting() as (services, context):
        adopt_threshold(services, context)
    say(N_("The model pack’s threshold is in force, and the log says so."))


def _cells(line: PackLine) -> tuple[object, ...]:
    translate, pack = translator(), line.pack
    use = N_("casework") if pack and pack.operational_use else N_("research only")
    return (
        line.name,
        pack.version if pack else "",
        pack.dimension if pack else "",
        pack.contract.id[:_SHOWN_OF_A_HASH] if pack else "",
        translate(use) if pack else "",
        translate(_STATES.get(line.state, line.state)),
        _origin(line, translate),
        ", ".join(pack.licences) if pack else "",
    )


def _origin(line: PackLine, translate: Callable[[str], str]) -> str:
    if line.signature is None:
        return translate(N_("built in"))
    words = {
        "trusted": translate(N_("signed by %(key)s")) % {"key": line.signed_by},
        "none": translate(N_("unsigned")),
        "wrong": translate(N_("signature not trusted")),
    }
    added = translate(N_("added") if line.is_added else N_("not added"))
    return f"{words[line.signature.value]}, {added}"


def _say_verified(pulled: PulledFiles, otherwise: str) -> None:
    for file in pulled.files:
        say(N_("%(file)s: verified (%(source)s)."), file=file.path.name, source=file.source or otherwise)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    lines: dict[str, Progress] = {}
    yield lambda name, done, total: lines.setdefault(name, Progress(name))(done, total)
    for line in lines.values():
        line.end()
