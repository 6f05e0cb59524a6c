"""The `custodes` command. Each command is a module of its own, imported only when it is used: help must be instant."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

from custodes import __version__

COMMANDS = {
    "init": "init",
    "sign-in": "sign_in:sign_in",
    "sign-out": "sign_in:sign_out",
    "whoami": "sign_in:whoami",
    "agency": "agency",
    "account": "account",
    "models": "models",
    "enrol": "enrol",
    "case": "case",
    "probe": "probe",
    "request": "request",
    "search": "search",
    "record": "record",
    "log": "log",
    "demo": "demo",
    "doctor": "doctor",
    "serve": "serve",
}
"""Command → ``module[:attribute]`` under `custodes.cli`; the attribute is ``command`` unless said otherwise."""

SUMMARIES = {
    "init": "Create an installation, its first service and administrator.",
    "sign-in": "Sign in as yourself; every other command acts as you.",
    "sign-out": "End your session.",
    "whoami": "Say who is signed in, and in which role.",
    "agency": "Register police services and agreements between them.",
    "account": "Create accounts of named people and grant roles.",
    "models": "Fetch and verify model packs.",
    "enrol": "Enrol booking photographs from a manifest, or check it first.",
    "case": "Open, list, show and close cases.",
    "probe": "Put an image into a case.",
    "request": "Ask for a search; approve or decline one.",
    "search": "Run the search that an approved request allows.",
    "record": "Show one gallery record.",
    "log": "Show the newest entries of the log.",
    "demo": "Build a demonstration with people who do not exist, and search it.",
    "doctor": "Check the installation and explain each problem.",
    "serve": "Open the pages on this machine.",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(f"custodes.cli.{module}"), attribute or "command")
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])

    def invoke(self, ctx: click.Context) -> object:
        from custodes.app import set_up_django
        from custodes.errors import CustodesError

        try:
            set_up_django()
            return super().invoke(ctx)
        except CustodesError as error:
            from custodes.cli.say import show_error

            show_error(error)
            ctx.exit(error.exit_code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="custodes")
def command() -> None:
    """Custodes: investigative face search that answers for itself.

    A search needs a case, a lawful reason and another person's approval; what comes out is at most an investigative
    lead, not an identification; everything is logged.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    command.main(args=list(arguments) if arguments is not None else None, prog_name="custodes")
