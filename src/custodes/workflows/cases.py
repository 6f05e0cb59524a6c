"""Cases, and the probes that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from custodes.errors import FaceError, InputError
from custodes.ids import CaseId, ProbeId
from custodes.imaging import Picture
from custodes.ledger import Event
from custodes.ledger.events import CaseClosed, CaseOpened, CaseViewed, ProbeAdded
from custodes.policy import Action
from custodes.policy.facts import CaseFacts, OwnedFacts
from custodes.store import aligned, casework
from custodes.store.database import case_queue, openings, transaction_of_its_own
from custodes.store.originals import with_name
from custodes.store.records import CaseRecord, ProbeRecord, RequestRecord
from custodes.text import N_
from custodes.types import Context, Face
from custodes.workflows.boundary import permit, signed_in, viewed, workflow
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with everything in it."""

    case: CaseRecord
    probes: tuple[ProbeRecord, ...]
    requests: tuple[RequestRecord, ...]


@workflow(Action.OPEN_CASE)
def open_case(services: Services, context: Context, *, number: str) -> CaseRecord:
    """Open a case of one's own service under its case number."""
    actor, agency = signed_in(context)
    permit(context, Action.OPEN_CASE, OwnedFacts(agency))
    number = number.strip()
    if not number or len(number) > 60:
        raise InputError("case.number", N_("A case needs the number your service knows it by (at most 60 characters)."))
    case_id = CaseId.new(context.entropy)
    with transaction_of_its_own(openings(agency)):
        casework.add_case(case_id, agency, number, actor, context.now())
        services.ledger.with_rows(Event(replace(context, case=case_id), CaseOpened(opened=case_id)))
    return casework.case(case_id)


@workflow(Action.CLOSE_CASE)
def close_case(services: Services, context: Context, *, case: CaseId) -> CaseRecord:
    """Close a case: nothing can be added or searched in it afterwards."""
    with transaction_of_its_own(case_queue(case)):
        permit(context, Action.CLOSE_CASE, case_facts(casework.case(case)))
        casework.close_case(case, context.now())
        services.ledger.with_rows(Event(replace(context, case=case), CaseClosed(closed=case)))
    return casework.case(case)


@workflow(Action.VIEW_CASE)
def view_case(services: Services, context: Context, *, case: CaseId) -> CaseFile:
    """Show a case with its probes and requests."""
    record = casework.case(case)
    permit(context, Action.VIEW_CASE, OwnedFacts(record.agency))
    viewed(services, replace(context, case=case), CaseViewed(viewed=case))
    return CaseFile(record, tuple(casework.probes(case)), tuple(casework.requests(case_id=case)))


@workflow(Action.ADD_PROBE)
def add_probe(
    services: Services, context: Context, *, case: CaseId, data: bytes, name: str | None = None
) -> ProbeRecord:
    """Put an image into a case: bytes and SHA-256 kept as they are, faces located, none of them templated (PRB-13).

    Raises:
        ImageError: the bytes are no usable image. FaceError: ``face.none``.
    """
    record = casework.case(case)
    permit(context, Action.ADD_PROBE, case_facts(record))
    actor, _ = signed_in(context)
    picture = services.decoder.decode(data, name=name, limits=services.limits)
    faces = services.engine.detect(picture.pixels)
    if not faces:
        raise FaceError(
            "face.none",
            N_("No face was found in this image."),
            hint=N_("Use an image in which the face is at least about 40 pixels wide and turned to the camera."),
        )
    probe = _as_record(services, context, case, picture, faces)
    crops = [services.engine.align(picture.pixels, face) for face in faces]
    sealed, sealed_crops = services.vault.seal_all(
        [(probe.id, with_name(name or "", data)), (aligned.sealing_name(probe.id), aligned.to_plaintext(crops))]
    )
    with transaction_of_its_own(case_queue(case)):
        # decoding takes its time: the case may have been closed meanwhile
        if not casework.is_open(case):
            permit(context, Action.ADD_PROBE, case_facts(casework.case(case)))
        casework.add_probe(probe, sealed, added_by=actor)
        aligned.add(probe.id, services.engine.contract, sealed_crops)
        added = ProbeAdded(probe=probe.id, faces=len(faces), sha256=picture.sha256, name=name or "")
        services.ledger.with_rows(Event(replace(context, case=case), added))
    return probe


def _as_record(
    services: Services, context: Context, case: CaseId, picture: Picture, faces: tuple[Face, ...]
) -> ProbeRecord:
    """Return a new probe of ``case``: what is stated of the image, its faces in order, and the quality of each."""
    return ProbeRecord(
        id=ProbeId.new(context.entropy),
        case=case,
        sha256=picture.sha256,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        faces=faces,
        added_at=context.now(),
        notes=picture.sentences(),
        qualities=tuple(
            services.engine.measure(picture.pixels, face, faces[:place] + faces[place + 1 :])
            for place, face in enumerate(faces)
        ),
    )


@workflow(Action.VIEW_CASE)
def case_by_number(services: Services, context: Context, *, number: str) -> CaseRecord:
    """Return the case of one's own service that has this number. Raises NotFound ``case.unknown``."""
    _, agency = signed_in(context)
    permit(context, Action.VIEW_CASE, OwnedFacts(agency))
    return casework.case_by_number(agency, number)


def case_facts(record: CaseRecord) -> CaseFacts:
    """Return what policy needs to know of a case."""
    return CaseFacts(record.agency, record.is_open)
