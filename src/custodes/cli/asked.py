"""What several commands ask for: a day, and a new password. click's own ways use words that Custodes does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import click

from custodes.cli.say import say, translator
from custodes.text import N_

F = TypeVar("F", bound=Callable[..., Any])


class _Day(click.ParamType[date]):
    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            text = translator()(N_("“%(value)s” is not a day; write it as 2026-03-31.")) % {"value": value}
            self.fail(text, param, ctx)


DAY = _Day()
"""A calendar day as ISO 8601 writes it."""


def new_password(envvar: str) -> Callable[[F], F]:
    """Return the option of a new password: from the environment, or asked for twice without being shown."""
    return click.option("--password", callback=_asked_twice, envvar=envvar, help="Asked for when left out.")


def passphrase(key: str) -> str:
    """Ask for the passphrase of a key, ``master`` or ``log``, without showing it."""
    words = {"master": N_("Passphrase of the master key"), "log": N_("Passphrase of the log's keys")}
    return str(click.prompt(translator()(words[key]), hide_input=True, err=True))


def new_passphrase(key: str) -> str:
    """Ask for a new one twice."""
    words = {"master": N_("New passphrase of the master key"), "log": N_("New passphrase of the log's keys")}
    translate = translator()
    while True:
        first = str(click.prompt(translate(words[key]), hide_input=True, err=True))
        if first == click.prompt(translate(N_("The same again")), hide_input=True, err=True):
            return first
        say(N_("The two differ. Try again."))


def _asked_twice(ctx: click.Context, _param: click.Parameter, given: str | None) -> str:
    if given is not None or ctx.resilient_parsing:
        return given or ""
    translate = translator()
    while True:
        first = str(click.prompt(translate(N_("Password")), hide_input=True))
        if first == click.prompt(translate(N_("Password again")), hide_input=True):
            return first
        say(N_("The two differ. Try again."))
