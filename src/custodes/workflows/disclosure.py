"""What the log says of one request, handed out with proof: to a court, a defence, a commissioner (AUD-07, LEAD-07)."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import RequestId
from custodes.ledger import Event
from custodes.ledger.events import DisclosureMade, DisclosureResult
from custodes.ledger.leaf import event_of
from custodes.ledger.pack import Item, make_pack
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import casework
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.log import keeper_of, place_of
from custodes.workflows.requests import in_request
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class Disclosure:
    """``data``: the pack, a ZIP; ``stated``: what the log says that it holds."""

    data: bytes
    stated: DisclosureResult


@workflow(Action.DISCLOSE)
def disclose(services: Services, context: Context, *, request: RequestId, opened: bool) -> Disclosure:
    """Return the disclosure pack of ``request``: every entry about it and about its case alone, each with its proof.

    ``opened``: with the private parts that the entries commit to, as far as they still exist.  Nothing leaves before
    all of it is covered by a checkpoint that may leave.

    Raises:
        Refused: another role, another service. NotFound: ``request.unknown``.
        Conflict: ``ledger.not-covered`` or ``ledger.of-ended-log``.
    """
    record = casework.request(request)
    permit(context, Action.DISCLOSE, OwnedFacts(record.case.agency))
    keeper = keeper_of(services)
    entries = services.entries.of_request(request, record.case.id)
    made = DisclosureMade(disclosed=request, opened=opened)
    with services.ledger.outside(Event(in_request(context, record), made)) as outcome:
        proven = keeper.proofs([place_of(entry.position) for entry in entries])
        openings = [services.entries.opening_of(entry.id) if opened else None for entry in entries]
        committed = sum(event_of(entry.body).commitment is not None for entry in entries) if opened else 0
        items = [Item(body, proof, opening) for (proof, body), opening in zip(proven, openings, strict=True)]
        held = sum(opening is not None for opening in openings)
        stated = DisclosureResult(entries=len(items), openings=held, lacking=committed - held)
        data = make_pack(items, origin=keeper.keyring.origin, request=str(request), destroyed=stated.lacking)
        outcome.state(stated)
    return Disclosure(data, stated)
