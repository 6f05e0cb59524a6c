"""`custodes quality`: our quality measures beside those of OFIQ, the standard's reference implementation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custodes.cli.say import say, show_table, translator
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.workflows.parity import Comparison

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Compare our quality measures with those of OFIQ."""


@command.command()
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write every value of both to this CSV.")
def compare(folder: Path, out: Path | None) -> None:
    """Measure the pictures in FOLDER by OFIQ and by Custodes, and show how far they agree.

    CUSTODES_OFIQ_PROGRAM and CUSTODES_OFIQ_CONFIG say where OFIQ is. Nothing is kept.
    """
    from custodes.app import measuring_tools
    from custodes.config import Config
    from custodes.workflows.parity import compare_with_ofiq
    from custodes.workflows.quality import NAMES

    config = Config.from_environment()
    comparison = compare_with_ofiq(config, *measuring_tools(config), folder)
    say(
        N_("%(both)d pictures measured by both; in %(unread)d we found no face, or could not read them."),
        both=len(comparison.ours.keys() & comparison.theirs.keys()),
        unread=len(comparison.unread),
    )
    translate = translator()
    show_table(
        (N_("component"), N_("pictures"), N_("rank correlation"), N_("mean difference"), N_("mean distance")),
        (
            (translate(NAMES[p.component]), p.pictures, _two(p.correlation), _two(p.difference), _two(p.distance))
            for p in comparison.parities
        ),
    )
    if out is not None:
        write_values(out, comparison)


def write_values(path: Path, comparison: Comparison) -> None:
    """Write one row for each picture and component that either side assessed."""
    from custodes.types import Component

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("picture", "component", "our native", "our score", "ofiq native", "ofiq score"))
        for name in sorted(comparison.ours.keys() | comparison.theirs.keys()):
            quality, readings = comparison.ours.get(name), comparison.theirs.get(name, {})
            for component in Component:
                own, other = quality[component] if quality else None, readings.get(component)
                cells = (own.native, own.score) if own else (None, None)
                theirs = (other.native, other.score) if other else (None, None)
                if any(cell is not None for cell in (*cells, *theirs)):
                    writer.writerow((name, component.value, *cells, *theirs))


def _two(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
