"""How the command line speaks: in the operator's language, errors as what, why and what to do."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterable, Sequence
from gettext import NullTranslations
from typing import TYPE_CHECKING

import click

from custodes.cli.words import catalogue
from custodes.config import Config
from custodes.errors import CustodesError, SetupError
from custodes.text import N_, Text

if TYPE_CHECKING:
    from custodes.types import Quality


def operators_catalogue() -> NullTranslations:
    """Return the messages of the operator's language; plain English where the settings cannot be read."""
    try:
        return catalogue(Config.from_environment().language)
    except SetupError:
        return NullTranslations()


def translator() -> Callable[[str], str]:
    """Return gettext for the operator's language; plain English where the settings cannot be read."""
    return operators_catalogue().gettext


def label(member: enum.StrEnum) -> str:
    """Return a member of a closed list in words, in the operator's language."""
    from custodes.workflows.labels import member_words

    return translator()(member_words(member))


def yes_or_no(answer: bool) -> str:
    """Return the answer in the operator's language."""
    return translator()(N_("yes") if answer else N_("no"))


def say(template: str, **values: object) -> None:
    """Print one translated sentence."""
    text = translator()(template)
    click.echo(text % values if values else text)


def show_error(error: CustodesError) -> None:
    """Print an error on standard error: code, what, why, what to do."""
    from custodes.workflows.labels import values_in_words

    translate = translator()
    what, why, hint = (
        Text(text.template, values_in_words(error.values, translate)).render(translate)
        for text in (error.what, error.why, error.hint)
    )
    click.secho(f"{what}  [{error.code}]", fg="red", err=True)
    for sentence in (why, hint):
        if sentence:
            click.echo(f"  {sentence}", err=True)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table whose columns are as wide as they need to be; headings are marked messages, cells are final."""
    translate = translator()
    headings = [translate(heading) for heading in headings]
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [headings, *cells]) for i in range(len(headings))]
    for line in [headings, ["─" * width for width in widths], *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_quality(quality: Quality | None, heading: str) -> None:
    """Print a face's summary out of 100 and the advice on it, after a heading that is final."""
    from custodes.workflows.quality import advice_on

    translate = translator()
    if quality is None or quality.summary is None:
        summary = translate(N_("quality not assessed."))
    else:
        summary = translate(N_("quality %(summary)d of 100.")) % {"summary": quality.summary}
    click.echo(f"{heading} {summary}")
    for advice in advice_on(quality):
        click.echo(f"  {advice.sentence.render(translate)} {advice.remedy.render(translate)}")


class Progress:
    """A line of progress on standard error, for work that may take over two seconds."""

    def __init__(self, label: str, total: int | None = None) -> None:
        self._label = label
        self._total = total
        self._shown = 0
        self._wide = sys.stderr.isatty()

    def __call__(self, done: int, total: int | None = None) -> None:
        total = total or self._total
        # A terminal sees every change; a log file sees about ten lines.
        step = 1 if self._wide else max(1, (total or 1000) // 10)
        if done - self._shown < step and done != total:
            return
        self._shown = done
        amount = f"{_grouped(done)} / {_grouped(total)}" if total else _grouped(done)
        click.echo(
            f"\r{self._label} {amount}" if self._wide else f"{self._label} {amount}", err=True, nl=not self._wide
        )

    def end(self) -> None:
        """Finish the line."""
        if self._wide and self._shown:
            click.echo(err=True)


def _grouped(number: int) -> str:
    # groups of three as the SI writes them: a comma would be a decimal sign in French
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
