"""A nightly check: a random sample of a service's searches is run again, and the log says how many came out the same.

Which searches are drawn nobody can know before: the seed comes from the Context's randomness when the job begins.  It
is part of the job's name, so that a job that was interrupted goes on with the sample that it had drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ids import JobId, SearchId
from custodes.ledger.events import ReplayFinished, ReplayResumed, ReplayStarted, Seed
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import jobs as job_store
from custodes.store import searches
from custodes.store.records import JobRecord
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.jobs import Progress, Step, run_job
from custodes.workflows.repetition import Outcome
from custodes.workflows.replay import Replay, replay_search
from custodes.workflows.services import Services

MOST = 10_000
_KIND = "replay-sample"
_SEED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many searches of the sample came out in which way; ``apart``: those that came out differently, this time."""

    same: int
    partial: int
    different: int
    not_run: int
    apart: tuple[Replay, ...] = ()

    @property
    def total(self) -> int:
        """Searches in the sample."""
        return self.same + self.partial + self.different + self.not_run


@workflow(Action.REPLAY_SEARCH)
def replay_sample(
    services: Services, context: Context, *, count: int, progress: Progress = lambda done, total: None
) -> Agreement:
    """Replay ``count`` searches of the actor's service, drawn at random, or what is left of an interrupted sample.

    Raises:
        Refused: another role. InputError: ``replay.sample``, ``count`` is not 1 to 10,000.
    """
    _, agency = signed_in(context)
    permit(context, Action.REPLAY_SEARCH, OwnedFacts(agency))
    if not 1 <= count <= MOST:
        raise InputError("replay.sample", N_("A sample holds 1 to %(most)d searches."), most=MOST)
    job = _SampleJob(services, context, count)
    record = run_job(services, context, job, lambda done, _: progress(done, job.count))
    counts = Counter(record.counts)
    same, partial, different, not_run = (counts[outcome.name.lower()] for outcome in Outcome)
    return Agreement(same, partial, different, not_run, tuple(job.apart))


class _SampleJob:
    """The steps of one sample: a search each."""

    kind = _KIND

    def __init__(self, services: Services, context: Context, count: int) -> None:
        self._services = services
        self._context = context
        _, self._agency = signed_in(context)
        begun = job_store.unfinished_job(_KIND, self._agency)
        self.key = begun.key if begun else f"{count}:{context.entropy(_SEED_BYTES).hex()}"
        size, _, seed = self.key.partition(":")
        self.count, self._seed = int(size), bytes.fromhex(seed)
        self._hex = Seed(seed)
        self.apart: list[Replay] = []

    def started(self, job: JobId) -> ReplayStarted:
        return ReplayStarted(job=job, sample=self.count, seed=self._hex)

    def resumed(self, job: JobId, cursor: int) -> ReplayResumed:
        return ReplayResumed(job=job, sample=self.count, seed=self._hex, cursor=cursor)

    def finished(self, job: JobId, counts: Mapping[str, int]) -> ReplayFinished:
        return ReplayFinished(
            job=job, **{name: counts.get(name, 0) for name in ("same", "partial", "different", "not_run")}
        )

    def steps(self, record: JobRecord) -> Iterator[Step]:
        counts = Counter({outcome.name.lower(): 0 for outcome in Outcome} | dict(record.counts))
        drawn = searches.sample_of(self._agency, self._seed, self.count, until=record.started_at)
        for place, search in enumerate(drawn[record.cursor :], start=record.cursor + 1):
            counts[self._replayed(search)] += 1
            # the replay has left its own entry, before anything is shown of it
            yield Step(commit=tuple, cursor=place, counts=dict(counts))

    def _replayed(self, search: SearchId) -> str:
        answer = replay_search(self._services, self._context, search=search)
        if answer.outcome is Outcome.DIFFERENT:
            self.apart.append(answer)
        return answer.outcome.name.lower()
