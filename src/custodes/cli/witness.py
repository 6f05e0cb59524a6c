"""`custodes witness`: be a witness to somebody's log. Needs no installation, no database and no sign-in."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from custodes.cli.say import say, show_table, translator
from custodes.errors import InputError, SetupError
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.ledger.keys import VerifierKey
    from custodes.ledger.witnessing.state import KnownLog, WitnessFolder
    from custodes.ledger.witnessing.witness import Witness

F = TypeVar("F", bound=Callable[..., Any])
_MAX_NOTE_BYTES = 1_000_000


def _folder(function: F) -> F:
    option = click.option(
        "--folder",
        required=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="The witness's own folder: its keys, and what it cosigned last.",
    )
    marked: F = option(function)
    return marked


@click.group()
def command() -> None:
    """Be a witness to somebody's log: cosign what continues what you saw, and nothing else."""


@command.command()
@_folder
@click.option("--name", required=True, help="The witness's name, as in witness.example/w1.")
def init(folder: Path, name: str) -> None:
    """Make a witness with keys of its own, and print the public ones.

    Who runs the log puts one of them into its policy.
    """
    from custodes.app import new_context
    from custodes.ledger.witnessing.state import WitnessFolder

    with WitnessFolder.create(folder, name, new_context().entropy) as made:
        _show_keys(made)


@command.command("add-log")
@_folder
@click.argument("keys", nargs=-1, required=True)
def add_log(folder: Path, keys: tuple[str, ...]) -> None:
    """Begin to cosign for the log with these verifier KEYS, or give a known log these in place of its old ones."""
    with _opened(folder) as opened:
        log = _witness(opened).add_log(_parsed(keys))
    say(N_("This witness cosigns for “%(origin)s” (keys: %(count)d)."), origin=log.origin, count=len(log.keys))


@command.command("accept-successor")
@_folder
@click.option(
    "--follows",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The signed checkpoint of the old log that the new one says it follows.",
)
@click.option("--gap", type=click.IntRange(min=0), help="Agree, without being asked, to give up so many entries.")
@click.argument("keys", nargs=-1, required=True)
def accept_successor(folder: Path, follows: Path, gap: int | None, keys: tuple[str, ...]) -> None:
    """Accept the log with these verifier KEYS as the successor of another one, which is then not cosigned any more.

    Do this only after its operators told you, in a way that you trust, why the old log could not go on.
    """
    with follows.open("rb") as file:
        declared = file.read(_MAX_NOTE_BYTES + 1)
    with _opened(folder) as opened:
        witness, parsed = _witness(opened), _parsed(keys)
        following = witness.following(declared)
        for heading, one in ((N_("This witness cosigned last:"), following.seen),
                             (N_("The successor names:"), following.named)):  # fmt: skip
            say(heading)
            # not its other lines, which may hold anything
            click.echo(f"    {one.origin}\n    {one.size}\n    {one.root.hex()}")
        say(N_("Entries given up: %(gap)d."), gap=following.gap)
        if gap is None:
            click.confirm(translator()(N_("Accept the successor?")), abort=True)
        log = witness.accept_successor(parsed, declared, gap=following.gap if gap is None else gap)
    say(N_("This witness cosigns for “%(origin)s” (keys: %(count)d)."), origin=log.origin, count=len(log.keys))


@command.command()
@_folder
def show(folder: Path) -> None:
    """Show the witness's public keys, the logs it knows, and what it cosigned last of each."""
    with _opened(folder, is_writer=False) as opened:
        _show_keys(opened)
        logs = sorted(opened.logs.values(), key=lambda log: log.origin)
        succeeded = {log.follows.named.origin: log.origin for log in logs if log.follows}
        show_table(
            (N_("log"), N_("entries"), N_("root"), N_("cosigned at (UTC)"), N_("succeeds"), N_("succeeded by")),
            (_row(log, succeeded.get(log.origin, "–")) for log in logs),
        )
        if count := opened.evidence():
            say(N_("Contradicting checkpoints signed by a log, kept in “evidence”: %(count)d."), count=count)


@command.command()
@_folder
@click.option("--listen", default="127.0.0.1:8090", show_default=True, help="Address and port to serve on.")
def serve(folder: Path, listen: str) -> None:
    """Answer logs that ask for a cosignature, until stopped (Ctrl-C or SIGTERM).

    Put a reverse proxy with TLS before it if it is to be reached from elsewhere.
    """
    from custodes.ledger.witnessing.serving import WitnessServer

    address = _address(listen)
    with _opened(folder) as opened:
        try:
            server = WitnessServer(address, _witness(opened).add_checkpoint)
        except OSError as error:
            raise SetupError(
                "ledger.witness-address",
                N_("The witness cannot be served on %(address)s."),
                why=N_("The operating system says: %(reason)s."),
                hint=N_("Choose another address or port with --listen."),
                address=listen,
                reason=error.strerror or "",
            ) from error

        def stop(*_: object) -> None:
            # it waits for the loop to end, which runs in this very thread
            threading.Thread(target=server.shutdown).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        host, port = address[0], server.server_port
        say(N_("The witness answers at http://%(host)s:%(port)d — stop with Ctrl-C."), host=host, port=port)
        with server:
            server.serve_forever(poll_interval=0.1)


def _opened(folder: Path, *, is_writer: bool = True) -> AbstractContextManager[WitnessFolder]:
    from custodes.ledger.witnessing.state import WitnessFolder

    return WitnessFolder(folder, is_writer=is_writer)


def _witness(opened: WitnessFolder) -> Witness:
    from custodes.app import new_context
    from custodes.ledger.witnessing.witness import Witness

    clock = new_context().clock
    return Witness(opened, lambda: int(clock.now().timestamp()))


def _parsed(keys: Sequence[str]) -> tuple[VerifierKey, ...]:
    from custodes.ledger.keys import VerifierKey

    return tuple(map(VerifierKey.parse, keys))


def _show_keys(opened: WitnessFolder) -> None:
    say(N_("Verifier keys of this witness, Ed25519 and ML-DSA-44:"))
    for key in opened.verifiers:
        click.echo(f"    {key}")


def _row(log: KnownLog, successor: str) -> tuple[object, ...]:
    last = log.checkpoint
    if last is None:
        return (log.origin, "–", "–", "–", log.follows.named.origin if log.follows else "–", successor)
    at = datetime.fromtimestamp(log.cosigned_at, UTC)
    before = log.follows.named.origin if log.follows else "–"
    return (log.origin, last.size, last.root.hex(), f"{at:%Y-%m-%d %H:%M:%S}", before, successor)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError(
            "ledger.witness-listen",
            N_("“%(listen)s” is not an address and a port."),
            hint=N_("Write it as in 127.0.0.1:8090."),
            listen=listen,
        )
    return host.strip("[]"), int(port)
