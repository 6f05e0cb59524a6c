"""Correcting records inside the open transaction: rows of the record, and the gallery rows that follow them.

What a correction makes of a record's eligibility is handed in: policy is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from custodes.ids import BookingId, PhotographId, SubjectId, TemplateId
from custodes.store.bookings import bear_again, living_entries
from custodes.store.database import raise_generation
from custodes.store.enrolment import charge_row, contract_of
from custodes.store.models import Booking, Charge, GalleryEntry, Photograph, Subject, TemplateRow
from custodes.store.rows import insert
from custodes.store.values import Change
from custodes.store.vault import Sealed
from custodes.types import Barrier, Contract, Eligibility, Offence, RecordFact

_PHOTOGRAPH_COLUMNS = {RecordFact.TAKEN_ON: "taken_on", RecordFact.POSE: "pose", RecordFact.VANISHED: "vanished"}


def apply_changes(
    booking_id: BookingId,
    changes: Sequence[Change],
    photograph: PhotographId | None,
    eligibilities: Mapping[PhotographId, Eligibility],
    *,
    new_subject: SubjectId,
    at: datetime,
) -> list[PhotographId]:
    """Replace facts of a booking, or of one of its photographs, and let its gallery rows follow.

    Rows that a search would now see otherwise die and are born again at a new generation.  ``new_subject``: the id of
    the person whom the booking is moved to, if nobody has that number yet.  Returns the photographs concerned.
    """
    booking = Booking.objects.select_related("subject", "agency").get(uid=booking_id)
    if photograph is not None:
        values = {_PHOTOGRAPH_COLUMNS[change.fact]: _column(change.new) for change in changes}
        Photograph.objects.filter(uid=photograph, booking=booking).update(**values)
    else:
        for change in changes:
            _CORRECT[change.fact](booking, change, new_subject, at)
        booking.save()
    return _follow(booking, eligibilities)


def without_template(photographs: Iterable[PhotographId], contract: Contract) -> list[PhotographId]:
    """Return those of ``photographs`` that have no template under a contract."""
    made = TemplateRow.objects.filter(contract__contract=contract.id, photograph=OuterRef("pk"))
    rows = Photograph.objects.filter(~Exists(made), uid__in=list(photographs)).order_by("pk")
    return [PhotographId(uid) for uid in rows.values_list("uid", flat=True)]


def add_template(
    template_id: TemplateId,
    photograph: PhotographId,
    sealed: Sealed,
    contract: Contract,
    eligible: Eligibility,
) -> None:
    """Give a photograph that had none a template, and a gallery row born at a new generation."""
    row = Photograph.objects.select_related("booking__subject__agency").get(uid=photograph)
    template = TemplateRow(
        uid=template_id,
        photograph=row,
        contract=contract_of(contract),
        key_uid=sealed.key,
        ciphertext=sealed.ciphertext,
    )
    insert([template])
    booking = row.booking
    entry = GalleryEntry(
        template=template,
        contract=template.contract,
        agency=booking.subject.agency,
        collection=eligible.collection.value,
        searchable_from=eligible.searchable_from,
        born=raise_generation(),
        **_seen(booking, row, eligible),
    )
    insert([entry])


def _column(value: Any) -> Any:
    """Return a value as its column holds it."""
    return getattr(value, "value", value)


def _move(booking: Booking, change: Change, new_subject: SubjectId, at: datetime) -> None:
    booking.subject, _ = Subject.objects.get_or_create(
        agency=booking.agency,
        person_number=change.new,
        defaults={"uid": new_subject, "sex": booking.sex, "birth_date": booking.birth_date, "created_at": at},
    )


def _restate(booking: Booking, change: Change, new_subject: SubjectId, at: datetime) -> None:
    """Replace a fact that booking and person both keep; the person's only where it came from what is replaced."""
    name = {RecordFact.BIRTH_DATE: "birth_date", RecordFact.SEX: "sex"}[change.fact]
    if getattr(booking.subject, name) == _column(change.old):
        setattr(booking.subject, name, _column(change.new))
        booking.subject.save(update_fields=[name])
    setattr(booking, name, _column(change.new))


def _set_youth(booking: Booking, change: Change, new_subject: SubjectId, at: datetime) -> None:
    booking.youth = _column(change.new)


def _set_dispute(booking: Booking, change: Change, new_subject: SubjectId, at: datetime) -> None:
    booking.disputed = Barrier(change.new).value  # type: ignore[arg-type]


def _charge(booking: Booking, change: Change, new_subject: SubjectId, at: datetime) -> None:
    Charge.objects.filter(booking=booking).delete()
    offences: tuple[Offence, ...] = change.new  # type: ignore[assignment]
    insert(charge_row(booking, position, offence) for position, offence in enumerate(offences))


_CORRECT = {
    RecordFact.PERSON: _move,
    RecordFact.YOUTH: _set_youth,
    RecordFact.BIRTH_DATE: _restate,
    RecordFact.SEX: _restate,
    RecordFact.OFFENCES: _charge,
    RecordFact.DISPOSITIONS: _charge,
    RecordFact.DISPUTE: _set_dispute,
}


def _seen(booking: Booking, photograph: Photograph, eligible: Eligibility) -> dict[str, Any]:
    """Return what a search sees of a photograph, as a gallery row says it."""
    return {
        "subject_id": booking.subject_id,
        "sex": booking.sex,
        "birth_date": booking.birth_date,
        "taken_on": photograph.taken_on,
        "barriers": eligible.barriers.value,
        "searchable_until": eligible.searchable_until,
    }


def _follow(booking: Booking, eligibilities: Mapping[PhotographId, Eligibility]) -> list[PhotographId]:
    """Make photographs and gallery rows say what their booking says and policy made of it."""
    photographs = {row.pk: row for row in Photograph.objects.filter(booking=booking, uid__in=list(eligibilities))}
    barred = [row for row in photographs.values() if row.barriers != eligibilities[PhotographId(row.uid)].barriers]
    for row in barred:
        row.barriers = eligibilities[PhotographId(row.uid)].barriers.value
    Photograph.objects.bulk_update(barred, ["barriers"])
    changed = []
    for entry in living_entries(photographs.values()):
        row = photographs[entry.template.photograph_id]
        new = eligibilities[PhotographId(row.uid)]
        opened = entry.barriers and not new.barriers
        values = _seen(booking, row, new)
        values["searchable_from"] = new.searchable_from if opened else entry.searchable_from
        if any(getattr(entry, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(entry, name, value)
            changed.append(entry)
    bear_again(changed)
    concerned = {row.pk for row in barred} | {entry.template.photograph_id for entry in changed}
    return [PhotographId(photographs[key].uid) for key in sorted(concerned)]
