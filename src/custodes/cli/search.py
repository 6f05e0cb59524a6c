"""`custodes search`: run the search that an approved request allows, and read its candidate list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from custodes.cli.say import say, show_table
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.workflows.viewing import CandidateView


@click.command()
@click.argument("request")
@click.option("--limit", type=int, default=None, help="At most this many candidates (default 20, never over 50).")
@click.option("--show", is_flag=True, help="Show the list of a search that was already run.")
def command(request: str, limit: int | None, show: bool) -> None:
    """Run the search that an approved request allows."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows import viewing
    from custodes.workflows.search import DEFAULT_LIMIT, search

    request_id = RequestId.parse(request)
    with acting() as (services, context):
        if not show:
            search(services, context, request=request_id, limit=DEFAULT_LIMIT if limit is None else limit)
        show_candidates(viewing.view_candidates(services, context, request=request_id))


def show_candidates(view: CandidateView) -> None:
    """Print a candidate list with what it means."""
    result = view.search
    click.echo()
    say(
        N_("%(eligible)d eligible photographs, %(compared)d compared (gallery generation %(generation)d)."),
        eligible=result.eligible,
        compared=result.compared,
        generation=result.generation,
    )
    if view.subjects:
        show_table(
            ("order", "subject", "service", "person number", "bookings"),
            (
                (c.rank, s.id, s.agency.code, s.person_number, ", ".join(b.booking_number for b in s.bookings))
                for c, s in zip(result.candidates, view.subjects, strict=True)
            ),
        )
    else:
        say(N_("No candidate. This is a normal answer; it does not mean that the person is not in the gallery."))
    click.echo()
    say(N_("A candidate list is not an identification. A candidate is a person to rule out or to compare, by eye."))
    if result.threshold_is_provisional:
        say(
            N_(
                "The threshold is provisional: it has not been calibrated on this gallery, so only the order is shown, "
                "and order is not evidence."
            )
        )
    say(
        N_("Certificate %(certificate)s, log entry %(entry)s."),
        certificate=result.certificate[:16],
        entry=result.log_entry,
    )
