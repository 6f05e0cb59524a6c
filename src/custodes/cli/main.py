"""The `custodes` command. Each command is a module of its own, imported only when it is used: help must be instant."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from custodes import __version__
from custodes.cli.say import operators_catalogue, show_error, translator
from custodes.cli.words import in_words, speak
from custodes.errors import CustodesError
from custodes.text import N_

COMMANDS = {
    "init": "init",
    "sign-in": "sign_in:sign_in",
    "sign-out": "sign_in:sign_out",
    "whoami": "sign_in:whoami",
    "agency": "agency",
    "account": "account",
    "models": "models",
    "quality": "quality",
    "enrol": "enrol",
    "case": "case",
    "probe": "probe",
    "request": "request",
    "search": "search",
    "record": "record",
    "records": "records",
    "log": "log",
    "witness": "witness",
    "ledger": "ledger",
    "keys": "keys",
    "demo": "demo",
    "doctor": "doctor",
    "migrate": "migrate",
    "serve": "serve",
}
"""Command → ``module[:attribute]`` under `custodes.cli`; the attribute is ``command`` unless said otherwise."""

SUMMARIES = {
    "init": N_("Create an installation, its first service and administrator."),
    "sign-in": N_("Sign in as yourself; every other command acts as you."),
    "sign-out": N_("End your session."),
    "whoami": N_("Say who is signed in, and in which role."),
    "agency": N_("Register police services and agreements between them."),
    "account": N_("Create accounts of named people and grant roles."),
    "quality": N_("Compare our quality measures with those of OFIQ."),
    "models": N_("Fetch and verify model packs."),
    "enrol": N_("Enrol booking photographs from a manifest, or check it first."),
    "case": N_("Open, list, show and close cases."),
    "probe": N_("Put an image into a case."),
    "request": N_("Ask for a search; approve or decline one."),
    "search": N_("Run the search that an approved request allows."),
    "record": N_("Show one gallery record."),
    "records": N_("Decide on corrections, see what vanished, update dispositions."),
    "log": N_("Show the newest entries of the log."),
    "witness": N_("Be a witness to somebody's log; needs no installation."),
    "ledger": N_("Check the log, and what it says happened."),
    "keys": N_("Show, protect and replace the keys of the installation."),
    "demo": N_("Build a demonstration with people who do not exist, and search it."),
    "doctor": N_("Check the installation and explain each problem."),
    "migrate": N_("Bring the database to the structure that this version needs."),
    "serve": N_("Open the pages on this machine."),
}

STANDALONE = {"witness"}
"""Commands that run where Custodes is not installed: no settings of Django's, no database, nothing to log into."""


def load(name: str) -> click.Command:
    """Import one command, in the source's own English."""
    module, _, attribute = COMMANDS[name].partition(":")
    found: click.Command = getattr(importlib.import_module(f"custodes.cli.{module}"), attribute or "command")
    found.name = name
    return found


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries without importing them, and the operator's language."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        speak(operators_catalogue())
        twin = in_words(self, translator())
        # the copy has our own `main` too: the inherited one is meant
        return super(LazyGroup, twin).main(*args, **kwargs)  # type: ignore[misc]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return in_words(load(cmd_name), translator()) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        translate = translator()
        with formatter.section(translate(N_("Commands"))):
            formatter.write_dl([(name, translate(SUMMARIES[name])) for name in COMMANDS])

    def invoke(self, ctx: click.Context) -> object:
        if {*ctx._protected_args} & STANDALONE:  # noqa: SLF001 - click says which command only once it is running
            return self._invoke_alone(ctx)
        from custodes.app import passphrases, readable_database, sealed_at_the_end, set_up_django
        from custodes.cli.asked import passphrase

        # a service without a terminal has its passphrase from a setting, or does not start
        passphrases.ask_with(passphrase if sys.stdin.isatty() else None)
        try:
            set_up_django()
            with readable_database(), sealed_at_the_end():
                return super().invoke(ctx)
        except CustodesError as error:
            from custodes.cli.session import note_error

            note_error(error, ctx.invoked_subcommand or "")
            show_error(error)
            ctx.exit(error.exit_code)

    def _invoke_alone(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CustodesError as error:
            show_error(error)
            ctx.exit(error.exit_code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="custodes", message="%(prog)s %(version)s")
def command() -> None:
    """Custodes: investigative face search that answers for itself.

    A search needs a case, a lawful reason and another person's approval; what comes out is at most an investigative
    lead, not an identification; everything is logged.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    command.main(args=list(arguments) if arguments is not None else None, prog_name="custodes")
