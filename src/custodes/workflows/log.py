"""The log as a whole: how it stands, whether it is what was sealed, and proofs that a person can take away."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from custodes.errors import Conflict, InputError, NotFound, SetupError
from custodes.ids import EntryId, RequestId
from custodes.ledger import Event, verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.events import (
    EventKind,
    Extended,
    LogRestored,
    LogVerified,
    LogViewed,
    ProofExported,
    QuorumExtended,
)
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.keeper import LogKeeper
from custodes.ledger.proof import Proof
from custodes.ledger.sealer import SealedFolder, history_differs
from custodes.ledger.tiles import ENTRIES, TILE_WIDTH, TilePath, parse_bundle, read_tile
from custodes.ledger.witnessing.standing import Extension, Standing
from custodes.policy import Action
from custodes.store import casework
from custodes.store.database import SEALING, transaction_of_its_own
from custodes.store.log import SealedEntries
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How the log stands.

    ``checkpoint``: the last one published; ``waiting``: entries not sealed yet; ``cosigned``: entries that a quorum of
    the witnesses has seen, None without witnesses; ``standing``: of the witnesses, None without any; ``keys``: verifier
    keys of the log, those in use first.
    """

    checkpoint: Checkpoint | None
    waiting: int
    cosigned: int | None
    standing: Standing | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying the log came to: ``said`` by the stand-alone verifier, and how the database differs from it.

    ``differing``: entries of the database that are not those that were sealed, or are found under something else than
    they state; None if the log itself does not verify.
    """

    is_sound: bool
    said: str
    differing: int | None


@workflow(Action.VIEW_LOG)
def log_status(services: Services, context: Context) -> LogStatus:
    """Say how the log stands: what is published, what waits, who witnesses it and who is missing."""
    permit(context, Action.VIEW_LOG)
    keeper = keeper_of(services)
    services.ledger.alone(Event(context, LogViewed()))
    return status_of(keeper, int(context.now().timestamp()))


def status_of(keeper: LogKeeper, now: int) -> LogStatus:
    """Return how a log stands; nothing in it is anybody's secret, so that it may be published."""
    notary = keeper.notary
    witnessed = notary.cosigned() if notary else None
    uses = sorted(keeper.keyring.uses, key=lambda use: use.until is not None)
    return LogStatus(
        keeper.checkpoint(),
        SealedEntries().waiting()[0],
        None if notary is None else witnessed.checkpoint.size if witnessed else 0,
        keeper.standing(now),
        tuple(str(use.key) for use in uses),
    )


@workflow(Action.VERIFY_LOG)
def verify_log(services: Services, context: Context) -> Verification:
    """Verify the whole log with the stand-alone verifier, and hold every entry of the database to what was sealed."""
    permit(context, Action.VERIFY_LOG)
    keeper = keeper_of(services)
    return check_and_log(services, context, keeper)


def check_and_log(services: Services, context: Context, keeper: LogKeeper) -> Verification:
    """Do what :func:`verify_log` does, by the product itself."""
    found = check_log(keeper)
    services.ledger.alone(Event(context, LogVerified(sound=found.is_sound, differing=found.differing)))
    return found


def last_verification_was_sound(services: Services) -> bool:
    """Return whether the log was as it was sealed when it was last verified; True before the first time."""
    last = services.entries.last_of(EventKind.LOG_VERIFIED)
    return last is None or bool(json.loads(last.body)["facts"]["sound"])


def check_log(keeper: LogKeeper) -> Verification:
    """Return what verifying the log comes to; nothing is logged."""
    try:
        checkpoint = keeper.checkpoint()
    except InputError as error:
        return Verification(is_sound=False, said=str(error), differing=None)
    if checkpoint is None:
        return Verification(is_sound=False, said=N_("Nothing has been sealed yet."), differing=None)
    keys = [str(key) for key in keeper.keyring.keys_at(checkpoint.size)]
    try:
        # who cosigned is the notary's to say: the newest checkpoint may be seconds old
        trust = verify.Trust(keys, b"quorum none\n", strict=False)
        said = verify.verify_log(keeper.folder, trust)
    except verify.Failure as failure:
        return Verification(is_sound=False, said=str(failure), differing=None)
    base = SealedEntries().base()
    differing = {at for at, (kept, sealed) in enumerate(_pairs(keeper, checkpoint.size), base) if kept != sealed}
    misfiled = Counter(SealedEntries().misfiled())
    count = len(differing.union(misfiled) - {None}) + misfiled[None]
    return Verification(is_sound=not count, said=said, differing=count)


def _pairs(keeper: LogKeeper, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield every entry as the database and as the sealed log have it; b"" for one that the database lacks."""
    index, sealed = SealedEntries(), _bundled(FolderTileStore(keeper.folder), size)
    for first in range(0, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - first)
        kept = index.bodies(first, width)
        yield from zip(kept + [b""] * (width - len(kept)), islice(sealed, width), strict=True)


def _bundled(store: FolderTileStore, size: int) -> Iterator[bytes]:
    """Yield the first ``size`` entries of a stored log."""
    for number in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        yield from parse_bundle(read_tile(store, TilePath(ENTRIES, number, width)), width)


@dataclass(frozen=True, slots=True)
class Restored:
    """What the log says that the database lacks.

    ``first``: position of the first such entry; ``lacking``: how many the database did not have at all; ``kinds``: how
    many of each kind; ``targets``: the ids that they name, of which rows may be missing or older than the log says.
    """

    first: int
    lacking: int
    kinds: Mapping[str, int]
    targets: Sequence[str]


@workflow(Action.RESTORE_LOG)
def restore_log(services: Services, context: Context, *, source: Path) -> Restored:
    """Give a database that was put back from a backup the entries that the sealed log has beyond it.

    ``source``: the log's own folder, or a copy of it off the host.  Everything in it is verified first; entries that
    the database has must be those that were sealed.  What the entries *did* is not done again: it is listed, the
    comparison of gallery and log stays uneven while rows are missing, and searches stop until that is settled.

    Raises:
        Conflict: ``ledger.not-verified`` or ``ledger.history-differs``.
    """
    permit(context, Action.RESTORE_LOG)
    keeper, index = keeper_of(services), SealedEntries()
    sealed = verified_entries(keeper, source)
    held = index.size()
    for first in range(0, held, TILE_WIDTH):
        if index.bodies(first, min(TILE_WIDTH, held - first)) != sealed[first : min(first + TILE_WIDTH, held)]:
            raise history_differs()
    tail = sealed[held:]
    kinds, targets = _named_in(tail)
    with transaction_of_its_own(SEALING):
        lacking = index.put_back(held, tail)
        services.ledger.with_rows(Event(context, LogRestored(first=held, entries=len(tail), lacking=lacking)))
    return Restored(held, lacking, kinds, targets)


def verified_entries(keeper: LogKeeper, source: Path) -> list[bytes]:
    """Return every entry of the log in ``source`` after all of it proved to be what this log's keys signed."""
    store = FolderTileStore(source)
    published = SealedFolder(store).published()
    size = published.size if published else 0
    try:
        keys = [str(key) for key in keeper.keyring.keys_at(size)]
        verify.verify_log(source, verify.Trust(keys, b"quorum none\n", strict=False))
    except verify.Failure as failure:
        raise Conflict(
            "ledger.not-verified",
            N_("The log in this folder does not verify: %(why)s"),
            hint=N_("Use another copy of it. If there is none, a successor must be declared: docs/ledger.md."),
            why=str(failure),
        ) from failure
    return list(_bundled(store, size))


def _named_in(bodies: Sequence[bytes]) -> tuple[dict[str, int], list[str]]:
    said = [json.loads(body) for body in bodies]
    targets = {target: None for entry in said for target in entry.get("targets", [])}
    return dict(Counter(entry["kind"] for entry in said)), list(targets)


@workflow(Action.EXPORT_PROOF)
def export_proof(services: Services, context: Context, *, entry: EntryId) -> tuple[Proof, bytes]:
    """Return the ``.tlog-proof`` of one entry, and the entry itself, once a checkpoint that may leave covers it.

    Raises:
        NotFound: ``log.no-entry``. Conflict: ``ledger.not-covered``.
    """
    permit(context, Action.EXPORT_PROOF)
    keeper = keeper_of(services)
    proof = keeper.proof(place_of(services.entries.get(entry).position))
    services.ledger.alone(Event(context, ProofExported(entry=entry)))
    return proof


def place_of(position: int | None) -> int | None:
    """Return an entry's place in the present log.

    Raises:
        Conflict: ``ledger.of-ended-log``.
    """
    place = position - SealedEntries().base() if position is not None else None
    if place is not None and place < 0:
        raise Conflict(
            "ledger.of-ended-log",
            N_("This entry is in a log that has ended."),
            hint=N_("That log lies beside the present one; docs/ledger.md says how its entries are proven."),
        )
    return place


@workflow(Action.VIEW_WORK)
def promise(services: Services, context: Context, *, request: RequestId) -> bytes:
    """Return the log's signed promise that a request is, or within a minute will be, in the log: its receipt.

    For whoever may see the request: its service.

    Raises:
        NotFound: ``request.unknown``, also for another service's.
    """
    permit(context, Action.VIEW_WORK)
    record = casework.request(request)
    if record.case.agency != context.agency:
        raise NotFound("request.unknown", N_("There is no such request."))
    made = services.entries.newest(1, kind=EventKind.REQUEST_MADE, request=request)
    return keeper_of(services).promise(made[0].body, int(context.now().timestamp()))


@workflow(Action.EXTEND_QUORUM)
def extend_quorum(services: Services, context: Context, *, note: bytes) -> Extension:
    """Take two overseers' signed leave to search on without a quorum of the witnesses, until the time that it states.

    Raises:
        InputError: ``ledger.extension-malformed`` or ``ledger.overseers-missing``.
    """
    permit(context, Action.EXTEND_QUORUM)
    keeper = keeper_of(services)
    with services.ledger.outside(Event(context, QuorumExtended())) as outcome:
        extension = keeper.extend(note)
        outcome.state(Extended(granted=extension.granted, until=extension.until))
    return extension


def keeper_of(services: Services) -> LogKeeper:
    """Return what keeps the log. Raises SetupError ``ledger.no-keeper``."""
    if services.keeper is None:
        raise SetupError("ledger.no-keeper", N_("This process does not keep the log."))
    return services.keeper
