"""The end of a re-export: which records it should have named and did not.

They are listed and logged, and nothing is deleted.  What still waited for them is withdrawn: the present export does
not say it any more.  Policy says whether they are barred from searches; that an export had rows which could not be read
speaks against it, since those might have named them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from custodes.ids import AgencyId
from custodes.ledger import Event
from custodes.ledger.events import RecordVanished, RowEffect
from custodes.policy.eligibility import bars_unnamed
from custodes.store import vanished as store
from custodes.store.records import JobRecord
from custodes.store.vanished import Scope
from custodes.types import Context
from custodes.workflows.enrolment.judge import Withdrawal
from custodes.workflows.enrolment.settle import write_corrections
from custodes.workflows.jobs import Step

_AT_ONCE = 500
"""Photographs in one step, and so in one entry at most (`workflows.parts`)."""


def sweep(context: Context, agency: AgencyId, job: JobRecord, scope: Scope, counts: Counter[str]) -> Iterator[Step]:
    """Yield the last steps of a re-export, after its rows: what none of them named, a bounded number at once.

    Taken up again after a kill, it goes on with what is not on the list yet.
    """
    bar = bars_unnamed(unreadable_rows=counts["unreadable"])
    while found := store.unnamed(agency, job.id, scope, job.started_at, _AT_ONCE):
        yield Step(_commit(context, job, found, counts, bar=bar), cursor=counts["rows"], counts=counts)


def _commit(
    context: Context, job: JobRecord, photographs: Sequence[int], counts: Counter[str], *, bar: bool
) -> Callable[[], Sequence[Event[RowEffect]]]:
    def write() -> Sequence[Event[RowEffect]]:
        store.require_latest(job.id)
        stale = [Withdrawal(waits, booking, 0) for waits, booking in store.waiting_for(photographs, job.id)]
        withdrawn = write_corrections(context, job.id, stale)
        barred = store.list_vanished(job.id, photographs, bar=bar)
        counts.update(vanished=len(photographs), vanished_barred=sum(map(len, barred.values())))
        return [
            *withdrawn,
            *(
                Event(
                    context,
                    RecordVanished(booking=booking, barred=tuple(found), photographs=len(found), job=job.id),
                )
                for booking, found in barred.items()
            ),
        ]

    return write
