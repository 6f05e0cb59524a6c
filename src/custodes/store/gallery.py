"""Enrolling photographs, and handing a gallery its rows: the store's side of `ranking.TemplateSource`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import QuerySet

from custodes.errors import Conflict
from custodes.ids import AgencyId, BookingId, KeyId, PhotographId, SubjectId, TemplateId
from custodes.store.database import present_generation
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
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import (
    Barrier,
    Collection,
    Contract,
    Disposition,
    Eligibility,
    GalleryRow,
    Ground,
    Offence,
    Sex,
    Vector,
    Youth,
)


@dataclass(frozen=True, slots=True, eq=False)
class NewPhotograph:
    """One photograph ready to be enrolled, with the booking it belongs to.

    ``original``: the file's bytes. ``vector``: the template, ``(d,)`` float32 of unit length.
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
    sha256: str
    format: str
    width: int
    height: int
    vector: Vector
    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class StatedBooking:
    """What a records system states of a booking; rows that state it differently contradict each other."""

    person_number: str
    youth: Youth
    birth_date: date | None
    offences: tuple[Offence, ...]


def known_photographs(agency: AgencyId, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which of the ``(booking number, SHA-256)`` pairs are already enrolled for an agency."""
    wanted = set(keys)
    rows = Photograph.objects.filter(
        booking__agency__uid=agency,
        booking__booking_number__in={number for number, _ in wanted},
        sha256__in={sha256 for _, sha256 in wanted},
    ).values_list("booking__booking_number", "sha256")
    return wanted & set(rows)


def bookings_as_stated(agency: AgencyId, booking_numbers: Iterable[str]) -> dict[str, StatedBooking]:
    """Return what is kept of each booking that is known, by its number."""
    rows = Booking.objects.filter(agency__uid=agency, booking_number__in=list(booking_numbers))
    return {
        row.booking_number: StatedBooking(
            row.subject.person_number,
            Youth(row.youth),
            row.birth_date,
            tuple(offence(charge) for charge in sorted(row.charges.all(), key=lambda charge: charge.position)),
        )
        for row in rows.select_related("subject").prefetch_related("charges")
    }


def offence(row: Charge) -> Offence:
    """Return a charge's row as a value."""
    return Offence(
        code=row.code,
        ground=Ground(row.ground) if row.ground else None,
        designated=row.designated,
        committed_on=row.committed_on,
        disposition=Disposition(row.disposition),
        disposition_date=row.disposition_date,
        appeal_end=row.appeal_end,
    )


def seal_photographs(vault: Vault, photographs: Sequence[NewPhotograph]) -> list[tuple[Sealed, Sealed]]:
    """Seal bytes and template of each photograph, two keys each, outside any transaction."""
    records: list[tuple[str, bytes]] = []
    for new in photographs:
        records.append((new.photograph_id, new.original))
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


class DatabaseTemplateSource:
    """Hands a gallery the rows that were born or died between two generations."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def generation(self) -> int:
        return present_generation()

    def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
        rows = (
            _of(contract)
            .filter(born__gt=after, born__lte=upto)
            .select_related("template__photograph", "subject", "agency")
            .order_by("born", "pk")
        )
        chunk: list[GalleryEntry] = []
        for row in rows.iterator(chunk_size=2000):
            chunk.append(row)
            if len(chunk) == 500:
                yield from self._opened(chunk)
                chunk = []
        yield from self._opened(chunk)

    def died(self, contract: Contract, after: int, upto: int) -> Iterator[tuple[TemplateId, int, int]]:
        rows = _of(contract).filter(died__gt=after, died__lte=upto).order_by("died", "pk")
        for uid, born, died in rows.values_list("template__uid", "born", "died").iterator():
            yield TemplateId(uid), born, died or 0

    def _opened(self, rows: Sequence[GalleryEntry]) -> Iterator[GalleryRow]:
        sealed = {row.template.uid: Sealed(KeyId(row.template.key_uid), bytes(row.template.ciphertext)) for row in rows}
        vectors = dict(self._vault.open_all(sealed.items()))
        for row in rows:
            if row.template.uid in vectors:
                yield _gallery_row(row, np.frombuffer(vectors[row.template.uid], dtype=np.float32))


def _of(contract: Contract) -> QuerySet[GalleryEntry]:
    return GalleryEntry.objects.filter(template__contract__contract=contract.id)


def _gallery_row(row: GalleryEntry, vector: Vector) -> GalleryRow:
    return GalleryRow(
        template_id=TemplateId(row.template.uid),
        subject=SubjectId(row.subject.uid),
        photograph=PhotographId(row.template.photograph.uid),
        vector=vector,
        eligibility=Eligibility(
            owner=AgencyId(row.agency.uid),
            searchable_from=row.searchable_from,
            searchable_until=row.searchable_until,
            barriers=Barrier(row.barriers),
            collection=Collection(row.collection),
        ),
        sex=Sex(row.sex),
        birth_date=row.birth_date,
        taken_on=row.taken_on,
        born=row.born,
        died=row.died,
    )


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
