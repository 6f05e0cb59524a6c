"""Commands, and click itself, in the operator's language.

Docstrings and option texts stay plain English in the source; a command is copied with its words translated just before
it is used, and ``tools/messages.py`` walks the same way to collect them.  click asks gettext for its own sentences in
the language of the system; `speak` makes it ask our catalogue in the operator's.
"""

from __future__ import annotations

import copy
import gettext
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.termui
import click.types

Translate = Callable[[str], str]
P = TypeVar("P", bound=click.Parameter)

CLICK = (
    click.core,
    click.decorators,
    click.exceptions,
    click.formatting,
    click.parser,
    click.termui,
    click.types,
)
"""The modules of click that have sentences of their own, each under the names ``_`` or ``ngettext``."""

_LOCALE = Path(__file__).resolve().parent.parent / "locale"


def catalogue(language: str) -> gettext.NullTranslations:
    """Return the messages of one language; English, and whatever is not translated, is what the source says."""
    return gettext.translation("django", localedir=_LOCALE, languages=[language], fallback=True)


def speak(messages: gettext.NullTranslations) -> None:
    """Let click say its own sentences (headings, usage errors) with these messages."""
    for module in CLICK:
        for name, function in (("_", messages.gettext), ("ngettext", messages.ngettext)):
            if hasattr(module, name):
                setattr(module, name, function)


def in_words(command: click.Command, translate: Translate) -> click.Command:
    """Return a copy of a command, its parameters and its subcommands with every text translated."""
    twin = copy.copy(command)
    twin.help = paragraphs(command.help or "", translate) or None
    twin.short_help = paragraphs(command.short_help or "", translate) or None
    twin.options_metavar = translate(command.options_metavar) if command.options_metavar else None
    twin.params = [_parameter(parameter, translate) for parameter in command.params]
    twin._help_option = None  # noqa: SLF001 - click keeps the help option it once made, in whatever language that was
    if isinstance(twin, click.Group):
        twin.subcommand_metavar = translate(twin.subcommand_metavar)
        twin.commands = {name: in_words(child, translate) for name, child in twin.commands.items()}
    return twin


def paragraphs(text: str, translate: Translate) -> str:
    """Translate a docstring paragraph by paragraph: a message has no line breaks, which click sets anew anyway."""
    return "\n\n".join(translate(" ".join(part.split())) for part in text.split("\n\n") if part.strip())


def _parameter(parameter: P, translate: Translate) -> P:
    twin = copy.copy(parameter)
    if isinstance(twin, click.Option):
        twin.help = translate(twin.help) if twin.help else None
        twin.prompt = translate(twin.prompt) if twin.prompt else None
        if twin.is_flag:
            return twin
    if isinstance(twin.type, click.Choice):
        return twin
    twin.type = copy.copy(twin.type)
    twin.type.name = translate(_kind(twin.type))
    if isinstance(twin, click.Argument):
        words = translate(str(twin.name).upper())
        twin.metavar = words if twin.required else f"[{words}]"
    return twin


def _kind(asked: Any) -> str:
    # click names a path once, when its module is imported, in whatever language that was
    if isinstance(asked, click.Path):
        return "path" if asked.file_okay and asked.dir_okay else "file" if asked.file_okay else "directory"
    return str(asked.name)
