"""What was done, by whom, for which case: written before it takes effect, never changed."""

from custodes.ledger.events import Deed, Event, EventKind
from custodes.ledger.log import Ledger, Outcome, commitment
from custodes.ledger.protocol import EntryStore

__all__ = ["Deed", "EntryStore", "Event", "EventKind", "Ledger", "Outcome", "commitment"]
