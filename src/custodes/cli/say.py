"""How the command line speaks: in the operator's language, errors as what, why and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

import click

from custodes.config import Config
from custodes.errors import CustodesError, SetupError


def translator() -> Callable[[str], str]:
    """Return gettext for the operator's language; plain English where Django cannot be configured."""
    from custodes.app import set_up_django

    try:
        set_up_django()
        language = Config.from_environment().language
    except SetupError:
        return str
    from django.utils import translation

    translation.activate(language)
    return translation.gettext


def say(template: str, **values: object) -> None:
    """Print one translated sentence."""
    text = translator()(template)
    click.echo(text % values if values else text)


def show_error(error: CustodesError) -> None:
    """Print an error on standard error: code, what, why, what to do."""
    translate = translator()
    click.secho(f"{error.what.render(translate)}  [{error.code}]", fg="red", err=True)
    for part in (error.why, error.hint):
        sentence = part.render(translate)
        if sentence:
            click.echo(f"  {sentence}", err=True)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table whose columns are as wide as they need to be."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(headings), *cells]) for i in range(len(headings))]
    for line in [list(headings), ["─" * width for width in widths], *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


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
        amount = f"{done:,} / {total:,}" if total else f"{done:,}"
        click.echo(
            f"\r{self._label} {amount}" if self._wide else f"{self._label} {amount}", err=True, nl=not self._wide
        )

    def end(self) -> None:
        """Finish the line."""
        if self._wide and self._shown:
            click.echo(err=True)
