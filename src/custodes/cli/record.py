"""`custodes record`: show one gallery record."""

from __future__ import annotations

import click

from custodes.cli.say import label, say, show_quality, show_table, translator, yes_or_no
from custodes.text import N_
from custodes.types import Barrier, Role


@click.command()
@click.argument("person")
def command(person: str) -> None:
    """Show the record of PERSON: a subject id, or the person number your own service gave."""
    from custodes.cli.session import acting
    from custodes.ids import SubjectId
    from custodes.workflows import viewing

    with acting() as (services, context):
        subject = (
            SubjectId.parse(person)
            if person.startswith(f"{SubjectId.prefix}_")
            else viewing.subject_by_number(services, context, person_number=person)
        )
        record = viewing.view_record(services, context, subject=subject)
    say(
        N_("Subject %(id)s: %(agency)s, person %(number)s."),
        id=record.id,
        agency=record.agency.name,
        number=record.person_number,
    )
    for booking in record.bookings:
        click.echo()
        say(N_("Booking %(number)s"), number=booking.booking_number)
        show_table(
            (N_("offence"), N_("ground"), N_("disposition")),
            ((o.code, label(o.ground) if o.ground else "—", label(o.disposition)) for o in booking.offences),
        )
        show_table(
            (N_("photograph"), N_("taken on"), N_("pose"), N_("searchable")),
            ((p.id, p.taken_on or "—", label(p.pose), _state(p.barriers)) for p in booking.photographs),
        )
        if context.role is Role.RECORDS_OFFICER:
            for photograph in booking.photographs:
                show_quality(photograph.quality, f"{photograph.id}:")


def _state(barriers: Barrier) -> str:
    from custodes.workflows.labels import barrier_words

    if not barriers:
        return yes_or_no(True)
    sentences = " ".join(map(translator(), barrier_words(barriers)))
    return translator()(N_("no: %(reasons)s")) % {"reasons": sentences}
