"""`custodes search`: run the search that an approved request allows, and read its candidate list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from custodes.cli.say import say, show_table, translator
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.workflows.viewing import CandidateView


@click.command()
@click.argument("request")
@click.option("--limit", type=int, default=None, help="At most this many candidates (default 20, never over 50).")
@click.option("--show", is_flag=True, help="Show the list of a search that was already run.")
@click.option("--replay", "again", is_flag=True, help="Compare again as it was, and say if the list is the same.")
def command(request: str, limit: int | None, show: bool, again: bool) -> None:
    """Run the search that an approved request allows."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows import viewing
    from custodes.workflows.search import DEFAULT_LIMIT, search

    request_id = RequestId.parse(request)
    with acting() as (services, context):
        if again:
            from custodes.cli.ledger.replay import show_replay
            from custodes.workflows.replay import replay

            show_replay(replay(services, context, request=request_id))
            return
        if not show:
            search(services, context, request=request_id, limit=DEFAULT_LIMIT if limit is None else limit)
        show_candidates(viewing.view_candidates(services, context, request=request_id))


def show_candidates(view: CandidateView) -> None:
    """Print a candidate list with what it means."""
    result, translate = view.search, translator()
    click.echo()
    say(
        N_("%(eligible)d eligible photographs, %(compared)d compared (gallery generation %(generation)d)."),
        eligible=result.eligible,
        compared=result.compared,
        generation=result.generation,
    )
    if result.eligible == result.compared:
        say(
            N_(
                "Every eligible record was compared. This does not say that the person is in the gallery or was "
                "recognised; see the miss rate."
            )
        )
    else:
        say(N_("NOT every eligible record was compared: this list must not be used."))
    if view.subjects:
        show_table(
            (N_("order"), N_("subject"), N_("service"), N_("person number"), N_("bookings")),
            (
                (
                    c.rank,
                    s.id,
                    s.agency.code,
                    s.person_number,
                    translate(note) if note else ", ".join(b.booking_number for b in s.bookings),
                )
                for c, s, note in zip(result.candidates, view.subjects, view.notes, strict=True)
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
