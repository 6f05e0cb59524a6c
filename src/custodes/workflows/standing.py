"""What stops every search at this moment: a gallery that differs from the log, or a log that nobody vouches for."""

from __future__ import annotations

from datetime import datetime, timedelta

from custodes.errors import CustodesError
from custodes.policy.facts import Stop
from custodes.store.log import SealedEntries
from custodes.types import Context
from custodes.workflows.gallery import last_balance_is_even
from custodes.workflows.log import last_verification_was_sound
from custodes.workflows.services import Services

UNSEALED_LIMIT = timedelta(minutes=5)
"""Sealing takes a second; an entry that waits for minutes shows that something keeps the log from being sealed."""


def stops(services: Services, context: Context) -> frozenset[Stop]:
    """Return every reason for which nobody may search now; none in good order."""
    found = {
        Stop.GALLERY_UNEVEN: not last_balance_is_even(services),
        Stop.LOG_UNSOUND: not last_verification_was_sound(services),
        Stop.LOG_UNSEALED: _is_unsealed(services, context.now()),
        Stop.LOG_UNWITNESSED: _is_unwitnessed(services, context.now()),
    }
    return frozenset(stop for stop, is_so in found.items() if is_so)


def _is_unsealed(services: Services, now: datetime) -> bool:
    if services.keeper is None:
        return False
    try:
        published = services.keeper.checkpoint()
    except CustodesError:
        return True
    # an entry may have got its place in a round that could then not be sealed
    since = SealedEntries().written_at(published.size if published else 0)
    return since is not None and now - since > UNSEALED_LIMIT


def _is_unwitnessed(services: Services, now: datetime) -> bool:
    standing = services.keeper.standing(int(now.timestamp())) if services.keeper else None
    return standing is not None and not standing.may_search
