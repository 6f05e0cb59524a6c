"""The similarity under which nobody is a candidate: in force only as the log states it, adopted by a person."""

from __future__ import annotations

from custodes.ledger import Event
from custodes.ledger.events import ExactFloat, ThresholdSet
from custodes.policy import Action
from custodes.store.database import PACKS, transaction_of_its_own
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services


def threshold_in_use(services: Services) -> ThresholdSet:
    """Return the threshold that this process would search with, for the log to state."""
    return ThresholdSet(threshold=ExactFloat(services.threshold.hex()), provisional=services.threshold_is_provisional)


@workflow(Action.ADOPT_THRESHOLD)
def adopt_threshold(services: Services, context: Context) -> float:
    """State in the log that the model pack's threshold is in force, and return it.

    Until somebody does, a threshold that was changed makes the comparison of gallery and log uneven, and nothing is
    searched.
    """
    permit(context, Action.ADOPT_THRESHOLD)
    with transaction_of_its_own(PACKS):
        services.ledger.with_rows(Event(context, threshold_in_use(services)))
    return services.threshold
