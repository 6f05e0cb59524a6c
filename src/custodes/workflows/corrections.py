"""Deciding on corrections that wait, and looking at what was corrected and what vanished.

A correction waits because it would let a search see a photograph that none sees now.  Somebody else of the service that
owns the record confirms or declines it; what is confirmed is judged by policy once more, as the record is by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from custodes.engine import require_one_face
from custodes.errors import CustodesError, InputError, NotFound
from custodes.ids import AgencyId, CorrectionId, JobId, PhotographId, SubjectId, TemplateId
from custodes.ledger import Event
from custodes.ledger.events import CorrectionConfirmed, CorrectionDeclined, RecordList, RecordsListed
from custodes.policy import Action
from custodes.policy.facts import CorrectionFacts, OwnedFacts
from custodes.store import correcting, subjects
from custodes.store import corrections as store
from custodes.store import vanished as vanished_store
from custodes.store.bookings import kept_bookings
from custodes.store.corrections import CorrectionRecord
from custodes.store.database import GALLERY, in_transaction, transaction_of_its_own
from custodes.store.values import Change
from custodes.store.vanished import VanishedRecord
from custodes.store.vault import Sealed
from custodes.text import N_
from custodes.types import Barrier, Context, Eligibility, RecordFact
from custodes.workflows.boundary import permit, signed_in, viewed, workflow
from custodes.workflows.enrolment.corrections import Terms, changed, judged
from custodes.workflows.gallery import gallery_changes
from custodes.workflows.jobs import Progress
from custodes.workflows.packs import require_one_contract
from custodes.workflows.parts import in_parts
from custodes.workflows.services import Services

_AT_ONCE = 200
_LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Decided:
    """What a bulk confirmation came to. ``own``: those one brought in oneself; ``failed``: error code → how many."""

    confirmed: int
    own: int
    failed: Mapping[str, int]


@workflow(Action.VIEW_CORRECTIONS)
def list_waiting(
    services: Services, context: Context, *, show: Callable[[CorrectionRecord], None], job: JobId | None = None
) -> int:
    """Show each correction of one's own service that waits for a second person, oldest first; return how many."""
    agency = _own(context)
    ids = store.waiting(agency, job)
    viewed(services, context, RecordsListed(listed=RecordList.WAITING, records=len(ids)))
    for start in range(0, len(ids), _AT_ONCE):
        for record in store.records(ids[start : start + _AT_ONCE]):
            show(record)
    return len(ids)


@workflow(Action.VIEW_CORRECTIONS)
def list_history(services: Services, context: Context, *, person_number: str) -> list[CorrectionRecord]:
    """Return every correction of a person's bookings, newest first. Raises NotFound ``record.unknown``."""
    agency = _own(context)
    subject = subjects.find_subject(agency, person_number)
    if subject is None:
        raise NotFound("record.unknown", N_("There is no such record."))
    found = store.history(subject)
    viewed(services, context, RecordsListed(subject=subject, listed=RecordList.CORRECTIONS, records=len(found)))
    return found


@workflow(Action.VIEW_CORRECTIONS)
def list_vanished(
    services: Services, context: Context, *, show: Callable[[VanishedRecord], None], job: JobId | None = None
) -> int:
    """Show what a re-export of one's own service (the latest, unless said) did not name; return how many photographs.

    Raises:
        NotFound: ``re-export.none``.
    """
    agency = _own(context)
    job = job or vanished_store.latest_re_export(agency)
    if job is None:
        raise NotFound(
            "re-export.none",
            N_("Your service has not finished a re-export yet, so nothing can be missing from one."),
            hint=N_("See “custodes enrol --re-export”."),
        )
    count = vanished_store.count_vanished(agency, job)
    viewed(services, context, RecordsListed(listed=RecordList.VANISHED, records=count))
    for record in vanished_store.vanished_in(agency, job):
        show(record)
    return count


@workflow(Action.CONFIRM_CORRECTION)
def confirm_correction(services: Services, context: Context, *, correction: CorrectionId) -> CorrectionRecord:
    """Let a correction that waits take effect, as a second person.

    Raises:
        Refused: ``gate.second-officer`` or ``gate.correction-decided``. FaceError: a photograph that would become
            searchable shows no single face.
    """
    record = store.correction(correction)
    permit(context, Action.CONFIRM_CORRECTION, _facts(record))
    actor, _ = signed_in(context)
    templates = _templates(services, context, _judged(services, context, record)[1])
    with transaction_of_its_own(GALLERY):
        store.decide(correction, actor, confirmed=True, reason="", at=context.now())
        changes, eligibilities = _judged(services, context, record)
        concerned = correcting.apply_changes(
            record.booking,
            changes,
            record.photograph,
            eligibilities,
            new_subject=SubjectId.new(context.entropy),
            at=context.now(),
        )
        for photograph, (template, sealed) in templates.items():
            correcting.add_template(template, photograph, sealed, services.engine.contract, eligibilities[photograph])
        confirmed = (
            CorrectionConfirmed(
                correction=record.id, booking=record.booking, photographs=part, job=record.job, fields=_fields(record)
            )
            for part in in_parts(concerned)
        )
        entries = [Event(context, each) for each in confirmed]
        services.ledger.with_rows(*entries, *gallery_changes(services, context))
    return store.correction(correction)


@workflow(Action.CONFIRM_CORRECTION)
def confirm_all(
    services: Services, context: Context, *, job: JobId | None = None, progress: Progress = lambda done, total: None
) -> Decided:
    """Confirm every correction that waits and that somebody else brought in; of one job only if it is named."""
    actor, _ = signed_in(context)
    ids = store.waiting(_own(context), job)
    confirmed = own = 0
    failed: dict[str, int] = {}
    for done, correction in enumerate(ids, start=1):
        if store.correction(correction).proposed_by == actor:
            own += 1
            continue
        try:
            confirm_correction(services, context, correction=correction)
            confirmed += 1
        except CustodesError as error:
            failed[error.code] = failed.get(error.code, 0) + 1
        progress(done, len(ids))
    return Decided(confirmed, own, failed)


@workflow(Action.DECLINE_CORRECTION)
def decline_correction(
    services: Services, context: Context, *, correction: CorrectionId, reason: str
) -> CorrectionRecord:
    """Let a correction that waits not take effect, as a second person; what barred at once stays.

    Raises:
        Refused: as :func:`confirm_correction`. InputError: ``correction.reason``.
    """
    record = store.correction(correction)
    permit(context, Action.DECLINE_CORRECTION, _facts(record))
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        raise InputError(
            "correction.reason",
            N_("Declining a correction needs a reason, at most %(most)d characters long."),
            hint=N_("Say what has to be clarified, and with whom."),
            most=_LONGEST_REASON,
        )
    actor, _ = signed_in(context)
    with transaction_of_its_own(GALLERY):
        store.decide(correction, actor, confirmed=False, reason=reason.strip(), at=context.now())
        declined = CorrectionDeclined(
            correction=record.id,
            booking=record.booking,
            job=record.job,
            fields=_fields(record),
            reason=reason.strip(),
        )
        services.ledger.with_rows(Event(context, declined))
    return store.correction(correction)


def _own(context: Context) -> AgencyId:
    _, agency = signed_in(context)
    permit(context, Action.VIEW_CORRECTIONS, OwnedFacts(agency))
    return agency


def _facts(record: CorrectionRecord) -> CorrectionFacts:
    return CorrectionFacts(record.agency, record.proposed_by, record.state)


def _judged(
    services: Services, context: Context, record: CorrectionRecord
) -> tuple[tuple[Change, ...], Mapping[PhotographId, Eligibility]]:
    """Return a correction's changes, and what policy makes of the record with them, as it is now.

    A dispute that has come up since is not settled by an older correction.
    """
    kept = kept_bookings(record.agency, [record.booking_number], lock=in_transaction())[record.booking_number]
    terms = Terms(record.agency, context.now(), services.engine.poses)
    changes = tuple(
        replace(change, new=kept.disputed & ~Barrier(change.old))  # type: ignore[arg-type]
        if change.fact is RecordFact.DISPUTE
        else change
        for change in record.changes
    )
    return changes, judged(changed(kept, changes, record.photograph), terms)


def _templates(
    services: Services, context: Context, eligibilities: Mapping[PhotographId, Eligibility]
) -> dict[PhotographId, tuple[TemplateId, Sealed]]:
    """Make and seal templates for photographs that will be searchable and have none, being of a pose till now."""
    require_one_contract(services.engine.contract)
    opened = [uid for uid, eligible in eligibilities.items() if not eligible.barriers]
    made: dict[PhotographId, tuple[TemplateId, Sealed]] = {}
    for photograph in correcting.without_template(opened, services.engine.contract):
        data = subjects.original_bytes(services.vault, photograph)
        pixels = services.decoder.decode(data, name=None, limits=services.limits).pixels
        face = require_one_face(services.engine.detect(pixels))
        vector = services.engine.embed([(pixels, face)])[0].vector
        template = TemplateId.new(context.entropy)
        made[photograph] = (template, services.vault.seal(template, vector.tobytes()))
    return made


def _fields(record: CorrectionRecord) -> str:
    return " ".join(change.fact.value for change in record.changes)
