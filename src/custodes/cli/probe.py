"""`custodes probe`: put an image into a case."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say, show_table
from custodes.text import N_


@click.group()
def command() -> None:
    """Put an image into a case."""


@command.command()
@click.argument("case")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(case: str, image: Path) -> None:
    """Put IMAGE (a file) into the case with this number, and list the faces found in it."""
    from custodes.cli.session import acting
    from custodes.workflows import cases

    with acting() as (services, context):
        record = cases.case_by_number(services, context, number=case)
        probe = cases.add_probe(services, context, case=record.id, data=image.read_bytes(), name=image.name)
    say(N_("Probe %(id)s, SHA-256 %(sha256)s."), id=probe.id, sha256=probe.sha256)
    show_table(
        ("face", "left", "top", "width", "height", "eyes apart (px)"),
        (
            (index, *(round(v) for v in (f.box.left, f.box.top, f.box.width, f.box.height, f.inter_eye_distance)))
            for index, f in enumerate(probe.faces, 1)
        ),
    )
