"""The gallery's balance: the log states every change of a searchable row, and from the log alone the rows are known.

What is checked: that the living rows are exactly those that the log leaves living, that each still says what it said
when the log stated it, and that the counts by service agree with what a search would compare.  A difference was made
behind the product's back; searches stop until a person has settled it (`policy.balance`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from custodes.errors import Busy, SetupError
from custodes.ids import AgencyId
from custodes.ledger import Event
from custodes.ledger.events import Commitment, EventKind, GalleryBalanced, GalleryChanged, RowEffect
from custodes.policy import Action
from custodes.ranking.segments.manifest import Living
from custodes.store import accounts, balance
from custodes.types import AccountState, Context, Role
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services

_OF_POWERS = (
    EventKind.INSTALLATION_CREATED,
    EventKind.AGREEMENT_REGISTERED,
    EventKind.ROLE_GRANTED,
    EventKind.ROLE_WITHDRAWN,
    EventKind.ACCOUNT_SUSPENDED,
    EventKind.ACCOUNT_REINSTATED,
    EventKind.ACCOUNT_ENDED,
)
_TURNS = 3
_AT_ONCE = 250
"""Commitments in one entry: 64 digits each, and an entry has 65,535 bytes."""


def gallery_changes(services: Services, context: Context) -> list[Event[RowEffect]]:
    """Return the entries for what the open transaction did to the gallery; to be written in it, after everything."""
    return [event for each in balance.changes(services.vault.keys) for event in _events(context, each)]


def _events(context: Context, each: balance.Changes) -> Iterator[Event[RowEffect]]:
    listed = [
        *(("admitted", commitment) for commitment in each.admitted),
        *(("barred", commitment) for commitment in each.barred),
        *(("ended", commitment) for commitment in each.ended),
    ]
    for start in range(0, len(listed), _AT_ONCE):
        part = listed[start : start + _AT_ONCE]
        admitted, barred, ended = (
            tuple(Commitment(commitment) for kind, commitment in part if kind == wanted)
            for wanted in ("admitted", "barred", "ended")
        )
        yield Event(context, GalleryChanged(owner=each.owner, admitted=admitted, barred=barred, ended=ended))


@dataclass(frozen=True, slots=True)
class Count:
    """Living rows of one service: those that may be searched when their time has come, and those that are barred."""

    admitted: int = 0
    barred: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """The gallery by the log, and how the database differs from it.

    ``hidden``: rows that the log leaves living and the database lacks; ``inserted``: rows that the log never stated;
    ``altered``: rows that no longer say what they were committed to.  ``counts``: by service, from the log alone.
    """

    counts: Mapping[AgencyId, Count]
    hidden: int
    inserted: int
    altered: int
    powers: int
    """Roles and sharing agreements that are in the log or in the database, but not in both."""
    thresholds: int
    """Thresholds that would be used and are not the one that the log states: 0 or 1."""
    segments: int
    """1 if the files that are searched hold other rows than the database."""

    @property
    def is_even(self) -> bool:
        """Whether nothing differs."""
        return not (self.hidden or self.inserted or self.altered or self.powers or self.thresholds or self.segments)


class LogsGallery:
    """The rows that must be living, by the log alone: from commitment to whose it is and whether it is barred."""

    def __init__(self) -> None:
        self.living: dict[str, tuple[AgencyId, bool]] = {}
        self._ended: set[str] = set()

    def take(self, body: Mapping[str, Any]) -> None:
        """Follow one ``gallery.changed`` entry; one transaction's entries may come in any order."""
        (owner,) = body["targets"]
        facts = body["facts"]
        for kind in ("admitted", "barred"):
            for commitment in facts.get(kind, []):
                if commitment not in self._ended:
                    self.living[commitment] = (AgencyId(owner), kind == "barred")
        for commitment in facts.get("ended", []):
            self._ended.add(commitment)
            self.living.pop(commitment, None)

    def counts(self) -> dict[AgencyId, Count]:
        """Return the living rows by service."""
        found = Counter(self.living.values())
        owners = sorted({owner for owner, _ in found})
        return {owner: Count(found[owner, False], found[owner, True]) for owner in owners}


def weigh(services: Services) -> Balance:
    """Compare the log's gallery with the database's, row by row, and that with the files that are searched."""
    log = LogsGallery()
    for entry in services.entries.of_kind(EventKind.GALLERY_CHANGED):
        log.take(json.loads(entry.body))
    counts, living = log.counts(), log.living
    inserted = altered = 0
    kept = Living()
    for row in balance.living_rows(services.vault.keys):
        if row.contract == services.engine.contract.id:
            kept = kept.with_born([_digits(row.commitment)])
        stated = living.pop(row.commitment, None)
        if stated is None:
            inserted += 1
        elif row.now != row.commitment or stated != (row.owner, row.is_barred):
            altered += 1
    powers = len(_stated_powers(services) ^ accounts.powers())
    thresholds = int(_stated_threshold(services) != services.threshold.hex())
    return Balance(counts, len(living), inserted, altered, powers, thresholds, int(not _is_loaded(services, kept)))


def _digits(commitment: str) -> bytes:
    try:
        return bytes.fromhex(commitment)
    except ValueError:
        # whatever somebody wrote into the column, it has only to be told apart
        return commitment.encode()


def _is_loaded(services: Services, kept: Living) -> bool:
    """Return whether the files that are searched hold exactly the rows ``kept``."""
    try:
        return services.gallery.living() == kept
    except (Busy, SetupError):
        # what cannot be opened cannot be searched either, and says why itself
        return True


def _stated_threshold(services: Services) -> str | None:
    last = services.entries.last_of(EventKind.THRESHOLD_SET)
    return json.loads(last.body)["facts"]["threshold"] if last else None


def _stated_powers(services: Services) -> set[tuple[str, ...]]:
    """Return the roles, suspensions and agreements of the log, as :func:`custodes.store.accounts.powers` has them."""
    found: set[tuple[str, ...]] = set()
    for entry in services.entries.of_kind(*_OF_POWERS):
        body = json.loads(entry.body)
        one, *other = body["targets"]
        suspended, ended = (one, AccountState.SUSPENDED.value), (one, AccountState.ENDED.value)
        match EventKind(entry.kind):
            case EventKind.AGREEMENT_REGISTERED:
                found.add((one, *other, body["facts"]["starts_on"], body["facts"]["ends_on"]))
            case EventKind.ROLE_GRANTED:
                found.add((one, body["facts"]["granted"]))
            case EventKind.ROLE_WITHDRAWN:
                found.discard((one, body["facts"]["withdrawn"]))
            case EventKind.ACCOUNT_SUSPENDED:
                found.add(suspended)
            case EventKind.ACCOUNT_ENDED:
                found = found - {suspended} | {ended}
            case EventKind.ACCOUNT_REINSTATED:
                found -= {suspended, ended}
            case _:
                found.add((*other, Role.ADMINISTRATOR.value))
    return found


@workflow(Action.CHECK_GALLERY)
def check_balance(services: Services, context: Context) -> Balance:
    """Compare the gallery with the log, and log what came out; while it is uneven nothing is searched.

    Done at every start of the pages, once a day, and whenever an auditor asks.
    """
    permit(context, Action.CHECK_GALLERY)
    return compare_and_log(services, context)


def compare_and_log(services: Services, context: Context) -> Balance:
    """Do what :func:`check_balance` does, by the product itself."""
    found = _weighed(services)
    compared = GalleryBalanced(
        even=found.is_even,
        hidden=found.hidden,
        inserted=found.inserted,
        altered=found.altered,
        powers=found.powers,
        thresholds=found.thresholds,
        segments=found.segments,
        admitted=sum(count.admitted for count in found.counts.values()),
        barred=sum(count.barred for count in found.counts.values()),
    )
    services.ledger.alone(Event(context, compared))
    services.found_uneven = not found.is_even
    return found


def _weighed(services: Services) -> Balance:
    """Compare again what differs: while rows were read, somebody may have changed both sides."""
    for _ in range(_TURNS):
        found = weigh(services)
        if found.is_even:
            break
    return found


def last_balance_is_even(services: Services) -> bool:
    """Return whether the gallery was even when it was last compared with the log; True before the first time.

    What this process found itself counts, whatever the newest entry says: one that was written behind the product's
    back does not let searches go on.
    """
    if services.found_uneven:
        return False
    last = services.entries.last_of(EventKind.GALLERY_BALANCED)
    return last is None or bool(json.loads(last.body)["facts"]["even"])
