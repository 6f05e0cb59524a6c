"""Events of searches and their replay."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import AgencyId, JobId, ProbeId, SearchId
from custodes.ledger.events.base import Alone, OutsideEffect, Result, RowEffect
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import (
    Code,
    ContractId,
    ExactFloat,
    FilterName,
    KernelName,
    ReplayOutcome,
    Seed,
    Sha256,
)
from custodes.types import ProbeSource, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDone(Result):
    """What a search came to, stated before its list is returned."""

    search: SearchId
    """the search"""
    contract: ContractId
    """the contract of the templates that were compared"""
    generation: int
    """the gallery's generation"""
    threshold: ExactFloat
    """the similarity under which nobody is a candidate"""
    limit: int
    """how many candidates were asked for at most"""
    eligible: int
    """how many rows scope and filters admitted"""
    compared: int
    """how many rows were compared"""
    rescored: int
    """how many of them could have been candidates by the first pass, and were scored exactly"""
    gallery_root: Sha256
    """root of the tree over everything that began or ended in the gallery up to the generation"""
    eligible_sha256: Sha256
    """SHA-256 of the bitmap of the rows that scope and filters admitted"""
    kernel: KernelName
    """what compared them, and its version"""
    candidates: int
    """how many candidates the list holds"""
    certificate: Private[str]
    """SHA-256 over what was asked, compared and found: whoever has the probe could confirm it by that"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched(OutsideEffect[SearchDone]):
    """A search was about to run (*intended*), and ran (*done*), before its list was shown."""

    kind = EventKind.SEARCH
    outcome = SearchDone
    probe: Target[ProbeId]
    """the probe"""
    purpose: Purpose
    """why the person is sought"""
    source: ProbeSource
    """where the probe came from"""
    filters: tuple[FilterName, ...] = ()
    """which filters are used; their values are with the request"""
    agencies: tuple[AgencyId, ...] = ()
    """the services whose records are searched, if that was chosen"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReplayed(Alone):
    """A stored search was compared again as of its generation."""

    kind = EventKind.SEARCH_REPLAYED
    search: Target[SearchId]
    """the search"""
    came_out: ReplayOutcome
    """how the comparison came out"""
    differences: int
    """in how many ways it differs"""
    rows_destroyed: int
    """how many rows that it compared have been destroyed since"""
    code: Code | None = None
    """why it could not be run, if it could not"""
    destroyed: int
    """how many of its candidates have been destroyed since"""
    quarantined: int
    """how many of its candidates have been quarantined since"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfReplay(RowEffect):
    """Which sample it is."""

    job: Target[JobId]
    """the replay of the sample"""
    sample: int
    """how many searches were to be drawn"""
    seed: Seed
    """what they were drawn with"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayStarted(_OfReplay):
    """The replay of a random sample of searches was begun."""

    kind = EventKind.REPLAY_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResumed(_OfReplay):
    """The replay of a sample that had been interrupted was taken up again."""

    kind = EventKind.REPLAY_RESUMED
    cursor: int
    """how many searches had been replayed"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFinished(RowEffect):
    """The replay of a sample ended: the agreement between searches and their repetition."""

    kind = EventKind.REPLAY_FINISHED
    job: Target[JobId]
    """the replay of the sample"""
    same: int = 0
    """searches that came out the same"""
    partial: int = 0
    """searches that came out the same as far as their rows are still kept"""
    different: int = 0
    """searches that came out otherwise"""
    not_run: int = 0
    """searches that could not be run"""
