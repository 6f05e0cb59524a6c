"""`custodes doctor`: check the installation and explain each problem."""

from __future__ import annotations

import click

from custodes.cli.say import operators_catalogue, say
from custodes.text import N_


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Check the installation and explain each problem. Changes nothing; exits with 1 if something is wrong."""
    from custodes.app import new_context
    from custodes.config import Config
    from custodes.workflows.health import examine

    catalogue = operators_catalogue()
    translate = catalogue.gettext
    config = Config.from_environment()
    say(N_("Settings in force:"))
    for name, value in config.in_force():
        click.echo(f"    {name}={value}")
    problems = 0
    for finding in examine(config, new_context()):
        problems += not finding.is_well
        click.secho("✓ " if finding.is_well else "✗ ", fg="green" if finding.is_well else "red", nl=False)
        say(N_("%(what)s: %(which)s"), what=finding.name.render(translate), which=finding.detail.render(translate))
        for sentence in (*finding.points, finding.hint):
            if words := sentence.render(translate):
                click.echo(f"    {words}")
    if problems:
        click.echo(catalogue.ngettext("%(count)d problem.", "%(count)d problems.", problems) % {"count": problems})
        ctx.exit(1)
    say(N_("Everything is well."))
