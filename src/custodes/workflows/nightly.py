"""What the installation checks by itself every night, with nobody signed in: its log, its gallery, its searches.

What is found stops searches (`workflows.standing`) until a person has settled it and a later check finds it so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from custodes.ledger import Event
from custodes.ledger.events import EventKind, NightChecked
from custodes.store import accounts, searches
from custodes.store.fence import acting_for
from custodes.types import Context
from custodes.workflows.gallery import compare_and_log
from custodes.workflows.log import check_and_log, keeper_of
from custodes.workflows.repetition import Outcome
from custodes.workflows.replay import replay_unattended
from custodes.workflows.services import Services

_SEED_BYTES = 16


def last_night(services: Services) -> datetime | None:
    """Return when the nightly check last ended, by the log; None if it never did."""
    last = services.entries.last_of(EventKind.NIGHT_CHECKED)
    return last.at if last else None


def check_the_night(services: Services, context: Context, *, sample: int) -> NightChecked:
    """Compare the gallery with the log, verify the log, replay ``sample`` searches of each service; log the outcome.

    ``context``: of nobody.  Also counts searches that lack a person, a case or a purpose: there must be none (AUD-09).
    """
    balance = compare_and_log(services, context)
    verification = check_and_log(services, context, keeper_of(services))
    came_out = Counter(_replayed(services, context, sample))
    found = NightChecked(
        sound=verification.is_sound,
        even=balance.is_even,
        unattributed=len(searches.unattributed()),
        **{outcome.name.lower(): came_out[outcome] for outcome in Outcome},
    )
    services.ledger.alone(Event(context, found))
    return found


def _replayed(services: Services, context: Context, sample: int) -> Iterator[Outcome]:
    """Replay searches that nobody could foresee: the seed is drawn now."""
    seed = context.entropy(_SEED_BYTES)
    for agency in accounts.agencies():
        own = replace(context, agency=agency.id)
        with acting_for(agency.id, context.now().date()):
            for search in searches.sample_of(agency.id, seed, sample, until=context.now()):
                yield replay_unattended(services, own, search=search).outcome
