"""Reading gallery records: a subject with everything held on them, and the bytes of a photograph."""

from __future__ import annotations

from custodes.errors import NotFound
from custodes.ids import AgencyId, BookingId, KeyId, PhotographId, SubjectId
from custodes.store.accounts import agency_record
from custodes.store.bookings import offence
from custodes.store.models import Booking, Correction, GalleryEntry, Photograph, SealedImage, Subject
from custodes.store.originals import split_name
from custodes.store.quality import quality_from_json
from custodes.store.records import BookingRecord, PhotographRecord, SubjectRecord
from custodes.store.rows import one
from custodes.store.texts import from_json
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import Barrier, CorrectionState, Pose, Sex, Youth


def subject(subject_id: SubjectId) -> SubjectRecord:
    """Return everything held on a subject. Raises NotFound ``record.unknown``."""
    row = one(Subject.objects.select_related("agency").filter(uid=subject_id))
    if row is None:
        raise _unknown()
    bookings = row.bookings.prefetch_related("charges", "photographs").order_by("booking_number")
    return SubjectRecord(
        id=SubjectId(row.uid),
        agency=agency_record(row.agency),
        person_number=row.person_number,
        sex=Sex(row.sex),
        birth_date=row.birth_date,
        bookings=tuple(_booking(booking) for booking in bookings),
    )


def find_subject(agency: AgencyId, person_number: str) -> SubjectId | None:
    """Return the subject that an agency knows by ``person_number``, or None."""
    uid = one(Subject.objects.filter(agency__uid=agency, person_number=person_number).values_list("uid", flat=True))
    return SubjectId(uid) if uid else None


def subject_of_photograph(photograph_id: PhotographId) -> SubjectId:
    """Return whose photograph it is. Raises NotFound ``record.unknown``."""
    uid = one(Photograph.objects.filter(uid=photograph_id).values_list("booking__subject__uid", flat=True))
    if uid is None:
        raise _unknown()
    return SubjectId(uid)


def original_bytes(vault: Vault, uid: str) -> bytes:
    """Return the original bytes of a photograph or a probe's image. Raises NotFound ``image.unknown``."""
    return _original(vault, uid)[1]


def original_name(vault: Vault, uid: str) -> str:
    """Return what the file of a photograph or a probe was called (PRB-01). Raises NotFound ``image.unknown``."""
    return _original(vault, uid)[0]


def _original(vault: Vault, uid: str) -> tuple[str, bytes]:
    row = one(SealedImage.objects.filter(uid=uid))
    if row is None:
        raise NotFound("image.unknown", N_("There is no such image, or it was destroyed."))
    return split_name(vault.open(uid, Sealed(KeyId(row.key_uid), bytes(row.ciphertext))))


def counts(agency: AgencyId) -> dict[str, int]:
    """Return how many subjects and photographs an agency has, and how many of the latter can be searched.

    ``unsearched``: nothing bars them but a pose that the pack does not compare.  ``waiting``: corrections that wait for
    a second person.
    """
    living = GalleryEntry.objects.filter(died__isnull=True, agency__uid=agency)
    photographs = Photograph.objects.filter(booking__agency__uid=agency)
    return {
        "subjects": Subject.objects.filter(agency__uid=agency).count(),
        "photographs": photographs.count(),
        "searchable": living.filter(barriers=0).count(),
        "quarantined": photographs.exclude(barriers__in=[Barrier.NONE.value, Barrier.POSE.value]).count(),
        "unsearched": photographs.filter(barriers=Barrier.POSE.value).count(),
        "waiting": Correction.objects.filter(booking__agency__uid=agency, state=CorrectionState.WAITING.value).count(),
    }


def _unknown() -> NotFound:
    return NotFound("record.unknown", N_("There is no such record."))


def _barriers(photograph: Photograph, living: dict[str, int]) -> Barrier:
    """Return why a photograph may not be searched; one that no living row of the gallery has is not searched either."""
    kept = Barrier(photograph.barriers)
    if photograph.uid in living:
        return kept | Barrier(living[photograph.uid])
    return kept if Barrier.POSE in kept else kept | Barrier.NOT_IN_GALLERY


def _booking(row: Booking) -> BookingRecord:
    barriers = dict(
        GalleryEntry.objects.filter(template__photograph__booking=row, died__isnull=True).values_list(
            "template__photograph__uid", "barriers"
        )
    )
    return BookingRecord(
        id=BookingId(row.uid),
        booking_number=row.booking_number,
        sex=Sex(row.sex),
        youth=Youth(row.youth),
        birth_date=row.birth_date,
        offences=tuple(offence(charge) for charge in sorted(row.charges.all(), key=lambda c: c.position)),
        photographs=tuple(
            PhotographRecord(
                id=PhotographId(photograph.uid),
                sha256=photograph.sha256,
                format=photograph.format,
                width=photograph.width,
                height=photograph.height,
                taken_on=photograph.taken_on,
                enrolled_at=photograph.enrolled_at,
                barriers=_barriers(photograph, barriers),
                pose=Pose(photograph.pose),
                notes=from_json(photograph.notes),
                quality=quality_from_json(photograph.quality),
            )
            for photograph in sorted(row.photographs.all(), key=lambda p: (p.enrolled_at, p.uid))
        ),
    )
