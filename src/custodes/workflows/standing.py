"""What stops every search at this moment: a gallery that differs from the log, or a log that nobody vouches for."""

from __future__ import annotations

from custodes.policy.facts import Stop
from custodes.workflows.gallery import last_balance_is_even
from custodes.workflows.services import Services


def stops(services: Services) -> frozenset[Stop]:
    """Return every reason for which nobody may search now; none in good order."""
    found = {Stop.GALLERY_UNEVEN: not last_balance_is_even(services)}
    return frozenset(stop for stop, is_so in found.items() if is_so)
