"""Writing photographs into the gallery: sealed first, then every row of a batch inside the open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from custodes.errors import Conflict
from custodes.ids import AgencyId, BookingId, PhotographId, SubjectId, TemplateId
from custodes.store.models import (
    Agency,
    Booking,
    Charge,
    ContractRow,
    GalleryEntry,
    Photograph,
    SealedImage,
    Subject,
    TemplateRow,
)
from custodes.store.originals import with_name
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import Contract, Eligibility, Offence, Sex, Vector, Youth


@dataclass(frozen=True, slots=True, eq=False)
class NewPhotograph:
    """One photograph ready to be enrolled, with the booking it belongs to.

    ``original``: the file's bytes; ``name``: what the file was called.
    ``vector``: the template, ``(d,)`` float32 of unit length.
    """

    photograph_id: PhotographId
    template_id: TemplateId
    subject_id: SubjectId
    booking_id: BookingId
    agency: AgencyId
    person_number: str
    booking_number: str
    sex: Sex
    birth_date: date | None
    youth: Youth
    offences: Sequence[Offence]
    taken_on: date | None
    original: bytes
    name: str
    sha256: str
    format: str
    width: int
    height: int
    vector: Vector
    eligibility: Eligibility


def seal_photographs(vault: Vault, photographs: Sequence[NewPhotograph]) -> list[tuple[Sealed, Sealed]]:
    """Seal bytes and template of each photograph, two keys each, outside any transaction."""
    records: list[tuple[str, bytes]] = []
    for new in photographs:
        records.append((new.photograph_id, with_name(new.name, new.original)))
        records.append((new.template_id, new.vector.tobytes()))
    sealed = vault.seal_all(records)
    return list(zip(sealed[0::2], sealed[1::2], strict=True))


def add_photographs(
    photographs: Sequence[tuple[NewPhotograph, tuple[Sealed, Sealed]]],
    contract: Contract,
    *,
    generation: int,
    at: datetime,
) -> list[SubjectId]:
    """Enrol sealed photographs of one agency inside the open transaction; the rows are born at ``generation``.

    Returns whose each photograph is: a person who is known keeps their id.

    Raises:
        Conflict: ``booking.of-another-person``.
    """
    new = [photograph for photograph, _ in photographs]
    agency = Agency.objects.get(uid=new[0].agency)
    subjects = _subjects(new, agency, at)
    bookings = _bookings(new, agency, subjects, at)
    rows = Photograph.objects.bulk_create(_photograph(p, bookings[p.booking_number], at) for p in new)
    SealedImage.objects.bulk_create(
        SealedImage(uid=p.photograph_id, key_uid=image.key, ciphertext=image.ciphertext)
        for p, (image, _) in photographs
    )
    contract_row = contract_of(contract)
    templates = TemplateRow.objects.bulk_create(
        TemplateRow(
            uid=p.template_id,
            photograph=row,
            contract=contract_row,
            key_uid=template.key,
            ciphertext=template.ciphertext,
        )
        for row, (p, (_, template)) in zip(rows, photographs, strict=True)
    )
    GalleryEntry.objects.bulk_create(
        _entry(p, template, subjects[p.person_number], generation) for template, p in zip(templates, new, strict=True)
    )
    return [SubjectId(subjects[p.person_number].uid) for p in new]


def contract_of(contract: Contract) -> ContractRow:
    """Return the row of a contract, adding it the first time."""
    row, _ = ContractRow.objects.get_or_create(
        contract=contract.id,
        defaults={"pack": contract.pack, "version": contract.version, "dimension": contract.dimension},
    )
    return row


def _subjects(new: Sequence[NewPhotograph], agency: Agency, at: datetime) -> dict[str, Subject]:
    """Return the subjects by person number, adding those that are new."""
    wanted = {p.person_number: p for p in new}
    known = {row.person_number: row for row in Subject.objects.filter(agency=agency, person_number__in=list(wanted))}
    added = Subject.objects.bulk_create(
        Subject(
            uid=p.subject_id,
            agency=agency,
            person_number=number,
            sex=p.sex.value,
            birth_date=p.birth_date,
            created_at=at,
        )
        for number, p in wanted.items()
        if number not in known
    )
    return known | {row.person_number: row for row in added}


def _bookings(
    new: Sequence[NewPhotograph], agency: Agency, subjects: dict[str, Subject], at: datetime
) -> dict[str, Booking]:
    """Return the bookings by number, adding those that are new, with their offences."""
    wanted = {p.booking_number: p for p in new}
    known = {row.booking_number: row for row in Booking.objects.filter(agency=agency, booking_number__in=list(wanted))}
    added = Booking.objects.bulk_create(
        Booking(
            uid=p.booking_id,
            agency=agency,
            subject=subjects[p.person_number],
            booking_number=number,
            youth=p.youth.value,
            birth_date=p.birth_date,
            created_at=at,
        )
        for number, p in wanted.items()
        if number not in known
    )
    Charge.objects.bulk_create(
        _charge(row, position, offence)
        for row in added
        for position, offence in enumerate(wanted[row.booking_number].offences)
    )
    bookings = known | {row.booking_number: row for row in added}
    for p in new:
        if bookings[p.booking_number].subject_id != subjects[p.person_number].pk:
            raise Conflict(
                "booking.of-another-person",
                N_("The booking %(number)s belongs to another person."),
                hint=N_("Correct the person number or the booking number in the manifest."),
                number=p.booking_number,
            )
    return bookings


def _charge(booking: Booking, position: int, offence: Offence) -> Charge:
    return Charge(
        booking=booking,
        position=position,
        code=offence.code,
        ground=offence.ground.value if offence.ground else "",
        designated=offence.designated,
        committed_on=offence.committed_on,
        disposition=offence.disposition.value,
        disposition_date=offence.disposition_date,
        appeal_end=offence.appeal_end,
    )


def _photograph(new: NewPhotograph, booking: Booking, at: datetime) -> Photograph:
    return Photograph(
        uid=new.photograph_id,
        booking=booking,
        sha256=new.sha256,
        format=new.format,
        width=new.width,
        height=new.height,
        taken_on=new.taken_on,
        enrolled_at=at,
    )


def _entry(new: NewPhotograph, template: TemplateRow, subject: Subject, generation: int) -> GalleryEntry:
    return GalleryEntry(
        template=template,
        contract=template.contract,
        subject=subject,
        agency=subject.agency,
        collection=new.eligibility.collection.value,
        barriers=new.eligibility.barriers.value,
        searchable_from=new.eligibility.searchable_from,
        searchable_until=new.eligibility.searchable_until,
        sex=new.sex.value,
        birth_date=new.birth_date,
        taken_on=new.taken_on,
        born=generation,
    )
