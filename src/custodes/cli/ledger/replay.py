"""`custodes ledger replay`: run a recorded search again, or a random sample of them, and compare entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from custodes.cli.say import Progress, say, translator
from custodes.text import N_

if TYPE_CHECKING:
    from custodes.workflows.replay import Replay

_DIFFERENT = 1


@click.command("replay")
@click.argument("search", required=False)
@click.option("--sample", type=int, help="Replay this many searches of your service instead, drawn at random.")
@click.pass_context
def command(ctx: click.Context, search: str | None, sample: int | None) -> None:
    """Run a recorded search again as it was, and compare entry by entry.

    SEARCH is the identifier of a search or of its request. Exits with 1 if anything comes out differently.
    """
    from custodes.cli.session import acting
    from custodes.ids import RequestId, SearchId
    from custodes.workflows.replay import replay, replay_search

    if (search is None) == (sample is None):
        raise click.UsageError(translator()(N_("Give either a search or --sample.")))
    if sample is not None:
        ctx.exit(_replay_sample(sample))
    with acting() as (services, context):
        if search and search.startswith(f"{RequestId.prefix}_"):
            answer = replay(services, context, request=RequestId.parse(search))
        else:
            answer = replay_search(services, context, search=SearchId.parse(search or ""))
    show_replay(answer)
    ctx.exit(_DIFFERENT if answer.differences else 0)


def _replay_sample(count: int) -> int:
    from custodes.cli.session import acting
    from custodes.workflows.replay_sample import replay_sample

    progress = Progress(translator()(N_("Searches replayed")), count)
    with acting() as (services, context):
        found = replay_sample(services, context, count=count, progress=progress)
    progress.end()
    say(
        N_(
            "Searches replayed: %(total)d; the same: %(same)d; the same as far as records are kept: %(partial)d; "
            "different: %(different)d; not to be run: %(not_run)d."
        ),
        total=found.total,
        same=found.same,
        partial=found.partial,
        different=found.different,
        not_run=found.not_run,
    )
    for answer in found.apart:
        say(N_("Search %(search)s:"), search=answer.search.id)
        show_replay(answer)
    return _DIFFERENT if found.different else 0


def show_replay(answer: Replay) -> None:
    """Print how a search came out, and whose records have changed since."""
    from custodes.workflows.repetition import Outcome

    translate = translator()
    say(
        {
            Outcome.SAME: N_("The replay gives the same list and the same certificate."),
            Outcome.PARTIAL: N_("What is still kept comes out the same; the rest was destroyed since."),
            Outcome.DIFFERENT: N_("The replay does not give the list that was stored."),
            Outcome.NOT_RUN: N_("The search cannot be run again."),
        }[answer.outcome]
    )
    for sentence in (*answer.differences, *([answer.reason] if answer.reason else [])):
        click.echo(f"  {sentence.render(translate)}")
    if answer.rows_destroyed:
        say(N_("Photographs destroyed since the search: %(count)d."), count=answer.rows_destroyed)
    for subjects, words in (
        (answer.destroyed, N_("Destroyed or removed since the search: %(subjects)s.")),
        (answer.quarantined, N_("Quarantined since the search: %(subjects)s.")),
    ):
        if subjects:
            say(words, subjects=", ".join(subjects))
