"""What anybody may see of the log without an account: checkpoints, hash tiles, keys, and how the log stands.

C2SP `tlog-tiles` says which files a log serves; entry bundles are the exception here, for they go to auditors and
oversight only.  Reading what is public is nobody's deed and leaves no entry: otherwise a stranger could fill the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from custodes.errors import CustodesError, NotFound
from custodes.ledger import Event
from custodes.ledger.events import LogViewed
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.keeper import LogKeeper
from custodes.ledger.notary import COSIGNED, STATE
from custodes.ledger.tiles import ENTRIES, TilePath, read_tile
from custodes.policy import Action
from custodes.policy.casework import STOPPED
from custodes.store.database import readable_database
from custodes.store.log import SealedEntries
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.log import LogStatus, keeper_of, status_of
from custodes.workflows.services import Services
from custodes.workflows.standing import stops

NOTES = ("checkpoint", COSIGNED, STATE)
"""Files beside the tiles that everybody may have."""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """A witness by its name in the policy; ``last``: when it last cosigned; ``is_missing``: silent for too long."""

    name: str
    last: datetime | None
    is_missing: bool


@dataclass(frozen=True, slots=True)
class PublicStanding:
    """How the log stands, for anybody.

    ``newest``: when its last sealed entry was written; ``witnesses``: in the order of the policy; ``stopped``: why
    nobody may search now (marked messages), nothing in good order; ``extended_until``: two overseers let searches go on
    without a quorum until then.
    """

    status: LogStatus
    newest: datetime | None
    witnesses: Sequence[WitnessState]
    stopped: Sequence[str]
    extended_until: datetime | None


def public_note(services: Services, name: str) -> bytes:
    """Return one of :data:`NOTES` as it is.

    Raises:
        NotFound: ``ledger.nothing-there``, nothing was sealed or cosigned yet, or no such file is public.
    """
    data = FolderTileStore(keeper_of(services).folder).read_named(name) if name in NOTES else None
    if data is None:
        raise _nothing()
    return data


def public_keys(services: Services) -> bytes:
    """Return the verifier keys that the log ever signed with, one a line, those in use first (C2SP `signed-note`)."""
    with readable_database():
        keys = status_of(keeper_of(services), 0).keys
    return "".join(f"{key}\n" for key in keys).encode()


def hash_tile(services: Services, path: str) -> bytes:
    """Return a tile of hashes; a partial one also when the full one has replaced it.

    Raises:
        NotFound: ``ledger.nothing-there``, also for an entry bundle, which is not public.
    """
    return _tile(keeper_of(services), path, bundles=False)


@workflow(Action.VIEW_LOG)
def entry_bundle(services: Services, context: Context, *, path: str) -> bytes:
    """Return an entry bundle to an auditor; that somebody looked is in the log (AUD-08).

    Raises:
        NotFound: ``ledger.nothing-there``.
    """
    permit(context, Action.VIEW_LOG)
    data = _tile(keeper_of(services), path, bundles=True)
    services.ledger.alone(Event(context, LogViewed()))
    return data


def public_standing(services: Services, context: Context) -> PublicStanding:
    """Say how the log stands, who witnesses it, who is missing since when, and whether searches are stopped."""
    keeper = keeper_of(services)
    with readable_database():
        status = status_of(keeper, int(context.now().timestamp()))
        size = status.checkpoint.size if status.checkpoint else 0
        newest = SealedEntries().written_at(size - 1) if size else None
        stopped = stops(services, context)
    notary, standing = keeper.notary, status.standing
    times = notary.remembered().times if notary else {}
    missing = {one.name for one in standing.missing} if standing else set()
    return PublicStanding(
        status,
        newest,
        tuple(
            WitnessState(witness.name, _moment(times.get(witness.name)), witness.name in missing)
            for witness in (notary.policy.witnesses if notary else ())
        ),
        tuple(what for stop, what in STOPPED.items() if stop in stopped),
        _moment(standing.extended_until) if standing else None,
    )


def _tile(keeper: LogKeeper, text: str, *, bundles: bool) -> bytes:
    try:
        path = TilePath.parse(text)
        published = keeper.checkpoint()
        if (path.level == ENTRIES) == bundles and published and _is_within(path, published.size):
            return read_tile(FolderTileStore(keeper.folder), path)
    except CustodesError as error:
        if error.code not in ("ledger.tile-path-malformed", "ledger.tile-missing"):
            raise
    raise _nothing()


def _is_within(path: TilePath, size: int) -> bool:
    """Whether a tree of ``size`` entries has the tile: nothing is shown of what no checkpoint covers."""
    hashes = size >> 8 * max(path.level, 0)
    return path.index * 256 + path.width <= hashes


def _moment(at: int | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None else None


def _nothing() -> NotFound:
    return NotFound("ledger.nothing-there", N_("The log has nothing public at this address."))
