"""Writing corrections in the open transaction: made, left waiting or withdrawn, each with its log entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from custodes.errors import Conflict
from custodes.ids import CorrectionId, JobId, PhotographId, SubjectId
from custodes.ledger import Event
from custodes.ledger.events import CorrectionWaiting, CorrectionWithdrawn, RecordCorrected, RecordQuarantined, RowEffect
from custodes.store import corrections as store
from custodes.store.bookings import KeptBooking, kept_bookings
from custodes.store.correcting import apply_changes
from custodes.store.corrections import NewCorrection
from custodes.text import N_
from custodes.types import Barrier, Context, CorrectionState
from custodes.workflows.boundary import signed_in
from custodes.workflows.enrolment.corrections import Plan
from custodes.workflows.enrolment.judge import Withdrawal
from custodes.workflows.parts import in_parts


def write_corrections(
    context: Context,
    job: JobId,
    corrections: Sequence[Plan | Withdrawal],
    looked_at: Mapping[str, KeptBooking] | None = None,
) -> list[Event[RowEffect]]:
    """Make each correction, leave it waiting, or withdraw it, in order; return the events that say so.

    ``looked_at``: what was kept of each booking, by its number, when the plans were made.

    Raises:
        Conflict: ``record.changed`` or ``correction.decided``.
    """
    _require_unchanged(context, looked_at or {})
    events: list[Event[RowEffect]] = []
    ids: dict[int, CorrectionId] = {}
    for each in corrections:
        if isinstance(each, Withdrawal):
            correction = ids[id(each.correction)] if isinstance(each.correction, Plan) else each.correction
            store.withdraw(correction, context.now())
            row = str(each.row) if each.row else ""
            withdrawn = CorrectionWithdrawn(correction=correction, booking=each.booking, job=job, row=row)
            events.append(Event(context, withdrawn))
            continue
        ids[id(each)] = correction = CorrectionId.new(context.entropy)
        events += _write(context, job, correction, each)
    return events


def _require_unchanged(context: Context, looked_at: Mapping[str, KeptBooking]) -> None:
    """Look once more, inside the transaction, at what the plans were made for: somebody may have decided meanwhile.

    Raises:
        Conflict: ``record.changed``.
    """
    _, agency = signed_in(context)
    now = kept_bookings(agency, looked_at, with_waiting=True, lock=True) if looked_at else {}
    if any(kept != now.get(number) for number, kept in looked_at.items()):
        raise Conflict(
            "record.changed",
            N_("A record was changed by somebody else at this very moment."),
            hint=N_("Start again: nothing is done twice."),
        )


def _write(context: Context, job: JobId, correction: CorrectionId, plan: Plan) -> list[Event[RowEffect]]:
    actor, _ = signed_in(context)
    booking = plan.after.id
    store.add_correction(
        NewCorrection(
            id=correction,
            booking=booking,
            photograph=plan.photograph,
            state=CorrectionState.WAITING if plan.widens else CorrectionState.APPLIED,
            job=job,
            row=plan.row,
            changes=plan.changes,
            proposed_by=actor,
            proposed_at=context.now(),
        )
    )
    row, facts = str(plan.row), " ".join(plan.facts)
    if plan.widens:
        waiting = CorrectionWaiting(correction=correction, booking=booking, job=job, fields=facts, row=row)
        return [Event(context, waiting)]
    photographs = apply_changes(
        booking,
        plan.changes,
        plan.photograph,
        plan.eligibilities,
        new_subject=SubjectId.new(context.entropy),
        at=context.now(),
    )
    return [
        Event(
            context,
            RecordCorrected(correction=correction, booking=booking, photographs=part, job=job, fields=facts, row=row),
        )
        for part in in_parts(photographs)
    ]


def quarantined(
    context: Context, photographs: Sequence[PhotographId], barriers: Barrier, job: JobId, row: int
) -> list[Event[RowEffect]]:
    """Return what the log says of a booking that a row bars."""
    return [
        Event(context, RecordQuarantined(photographs=part, job=job, barriers=named(barriers), row=str(row)))
        for part in in_parts(photographs)
    ]


def named(barriers: Barrier) -> str:
    """Return barriers as the log's private part names them."""
    return " ".join(barrier.name or "" for barrier in barriers)
