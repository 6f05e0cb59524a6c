"""`custodes probe`: put an image into a case."""

from __future__ import annotations

from pathlib import Path

import click

from custodes.cli.say import say, show_quality, show_table, translator
from custodes.errors import InputError
from custodes.text import N_


@click.group()
def command() -> None:
    """Put an image into a case."""


def _read(path: Path, limit: int) -> bytes:
    """Return a regular file's bytes, but never more than ``limit`` and one, at which the decoder refuses."""
    try:
        if not path.is_file():
            raise InputError(
                "probe.not-a-file",
                N_("This is not a file on a disk, but a device or a pipe."),
                hint=N_("Save the image as a file first."),
            )
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise InputError(
            "probe.unreadable",
            N_("The file cannot be read (%(reason)s)."),
            hint=N_("Check that it is still there and that you may read it."),
            reason=error.strerror or type(error).__name__,
        ) from error


@command.command()
@click.argument("case")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(case: str, image: Path) -> None:
    """Put IMAGE (a file) into the case with this number, and list the faces found in it."""
    from custodes.cli.session import acting
    from custodes.workflows import cases

    with acting() as (services, context):
        data = _read(image, services.config.max_image_bytes)
        record = cases.case_by_number(services, context, number=case)
        probe = cases.add_probe(services, context, case=record.id, data=data, name=image.name)
    say(N_("Probe %(id)s, SHA-256 %(sha256)s."), id=probe.id, sha256=probe.sha256)
    for note in probe.notes:
        click.echo(note.render(translator()))
    show_table(
        (N_("face"), N_("left"), N_("top"), N_("width"), N_("height"), N_("eyes apart (px)")),
        (
            (index, *(round(v) for v in (f.box.left, f.box.top, f.box.width, f.box.height, f.inter_eye_distance)))
            for index, f in enumerate(probe.faces, 1)
        ),
    )
    for index, quality in enumerate(probe.qualities, 1):
        show_quality(quality, translator()(N_("Face %(index)d:")) % {"index": index})
