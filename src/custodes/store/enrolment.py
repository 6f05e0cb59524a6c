"""Writing photographs into the gallery: sealed first, then every row of a batch inside the open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from custodes.errors import Conflict, ContractMismatch
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
from custodes.store.quality import quality_to_json
from custodes.store.rows import insert
from custodes.store.statements import Statement
from custodes.store.texts import to_json
from custodes.store.vault import Sealed, Vault
from custodes.text import N_, Text
from custodes.types import Contract, Eligibility, Offence, Pose, Quality, Sex, Vector, Youth


@dataclass(frozen=True, slots=True, eq=False)
class NewPhotograph:
    """One photograph ready to be enrolled, with the booking it belongs to.

    ``original``: the file's bytes; ``name``: what the file was called.
    ``vector``: the template, ``(d,)`` float32 of unit length; None if the face is in a pose that is not searched.
    ``named_by``: the re-export that brings it in, or nothing.  ``notes``: what was done to its stored pixels.
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
    vector: Vector | None
    eligibility: Eligibility
    pose: Pose = Pose.FRONTAL
    named_by: str = ""
    notes: Sequence[Text] = ()
    quality: Quality | None = None


SealedPhotograph = tuple[Sealed, Sealed | None]
"""A photograph's bytes and, if it has one, its template."""


def seal_photographs(vault: Vault, photographs: Sequence[NewPhotograph]) -> list[SealedPhotograph]:
    """Seal bytes and template of each photograph, a key each, outside any transaction."""
    records: list[tuple[str, bytes]] = []
    for new in photographs:
        records.append((new.photograph_id, with_name(new.name, new.original)))
        if new.vector is not None:
            records.append((new.template_id, new.vector.tobytes()))
    sealed = iter(vault.seal_all(records))
    return [(next(sealed), None if new.vector is None else next(sealed)) for new in photographs]


def add_photographs(
    photographs: Sequence[tuple[NewPhotograph, SealedPhotograph]],
    contract: Contract,
    *,
    generation: int,
    at: datetime,
) -> list[SubjectId]:
    """Enrol sealed photographs of one agency inside the open transaction; the rows are born at ``generation``.

    Returns whose each photograph is: a person who is known keeps their id.

    Raises:
        Conflict: ``booking.of-another-person`` or ``record.changed``. ContractMismatch: ``contract.dimension``.
    """
    new = [photograph for photograph, _ in photographs]
    for photograph in new:
        _require_vector(photograph.vector, contract)
    agency = Agency.objects.get(uid=new[0].agency)
    subjects = _subjects(new, agency, at)
    bookings = _bookings(new, agency, subjects, at)
    rows = insert(_photograph(p, bookings[p.booking_number], at) for p in new)
    insert(
        SealedImage(uid=p.photograph_id, agency=agency, key_uid=image.key, ciphertext=image.ciphertext)
        for p, (image, _) in photographs
    )
    contract_row = contract_of(contract)
    searched = [(row, p, template) for row, (p, (_, template)) in zip(rows, photographs, strict=True) if template]
    templates = insert(
        TemplateRow(
            uid=p.template_id,
            photograph=row,
            contract=contract_row,
            key_uid=template.key,
            ciphertext=template.ciphertext,
        )
        for row, p, template in searched
    )
    insert(
        _entry(p, template, subjects[p.person_number], generation)
        for template, (_, p, _) in zip(templates, searched, strict=True)
    )
    return [SubjectId(subjects[p.person_number].uid) for p in new]


def contract_of(contract: Contract) -> ContractRow:
    """Return the row of a contract, adding it the first time.

    Raises:
        ContractMismatch: ``contract.dimension``.
    """
    row, _ = ContractRow.objects.get_or_create(
        contract=contract.id,
        defaults={"pack": contract.pack, "version": contract.version, "dimension": contract.dimension},
    )
    if row.dimension != contract.dimension:
        raise _not_of(contract, row.dimension)
    return row


def key_of_contract(contract: Contract) -> int:
    """Return the database key of :func:`contract_of`, without its row where there is one. Raises as that."""
    key, dimension = _CONTRACT.first(contract.id) or (contract_of(contract).pk, contract.dimension)
    if dimension != contract.dimension:
        raise _not_of(contract, dimension)
    return key


_CONTRACT = Statement(lambda contract: ContractRow.objects.filter(contract=contract).values_list("pk", "dimension"))


def _require_vector(vector: Vector | None, contract: Contract) -> None:
    """Do nothing if ``vector`` can be a template of ``contract``, or is none (ENG-01)."""
    if vector is None:
        return
    if vector.dtype != np.float32 or vector.shape != (contract.dimension,):
        raise _not_of(contract, vector.size)


def _not_of(contract: Contract, found: int) -> ContractMismatch:
    return ContractMismatch(
        "contract.dimension",
        N_("A template of %(found)s numbers was about to be kept as one of %(pack)s, which makes %(dimension)s."),
        why=N_("Templates of different contracts must never be compared."),
        hint=N_("Verify the model pack with “custodes models verify”."),
        found=found,
        pack=contract.pack,
        dimension=contract.dimension,
    )


def _subjects(new: Sequence[NewPhotograph], agency: Agency, at: datetime) -> dict[str, Subject]:
    """Return the subjects by person number, adding those that are new."""
    wanted = {p.person_number: p for p in new}
    known = {row.person_number: row for row in Subject.objects.filter(agency=agency, person_number__in=list(wanted))}
    added = insert(
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
    added = insert(
        Booking(
            uid=p.booking_id,
            agency=agency,
            subject=subjects[p.person_number],
            booking_number=number,
            youth=p.youth.value,
            birth_date=p.birth_date,
            sex=p.sex.value,
            named_by=p.named_by,
            created_at=at,
        )
        for number, p in wanted.items()
        if number not in known
    )
    insert(
        charge_row(row, position, offence)
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
        _require_judged(bookings[p.booking_number], p)
    return bookings


def _require_judged(booking: Booking, new: NewPhotograph) -> None:
    """Do nothing if a photograph was judged by what is kept of its booking now.

    Raises:
        Conflict: ``record.changed``: somebody has corrected or quarantined it since.
    """
    unseen = booking.disputed & ~new.eligibility.barriers.value
    if unseen or (booking.youth, booking.birth_date) != (new.youth.value, new.birth_date):
        raise Conflict(
            "record.changed",
            N_("A record was changed by somebody else at this very moment."),
            hint=N_("Start again: nothing is done twice."),
        )


def charge_row(booking: Booking, position: int, offence: Offence) -> Charge:
    """Return the row of an offence, not yet written."""
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
        notes=to_json(new.notes),
        quality=quality_to_json(new.quality),
        taken_on=new.taken_on,
        pose=new.pose.value,
        barriers=new.eligibility.barriers.value,
        named_by=new.named_by,
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
