"""Cases, probes, requests and approvals."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from custodes.errors import Conflict, NotFound
from custodes.ids import AccountId, AgencyId, CaseId, ProbeId, RequestId, SearchId
from custodes.store.models import Account, Agency, Approval, Case, Probe, SealedImage, SearchRequest
from custodes.store.quality import quality_from_json, quality_to_json
from custodes.store.records import ApprovalRecord, CaseRecord, ProbeRecord, RequestRecord
from custodes.store.rows import insert, key_of, one
from custodes.store.statements import Statement
from custodes.store.texts import from_json, to_json
from custodes.store.vault import Sealed
from custodes.text import N_
from custodes.types import Authority, Box, Face, Filters, ProbeSource, Purpose, RequestState, Sex


def add_case(case_id: CaseId, agency: AgencyId, number: str, opened_by: AccountId, at: datetime) -> None:
    """Open a case. Raises Conflict ``case.exists`` if the agency already has one of this number."""
    if Case.objects.filter(agency__uid=agency, number=number).exists():
        raise Conflict("case.exists", N_("There is already a case %(number)s."), number=number)
    Case.objects.create(
        uid=case_id,
        agency_id=key_of(Agency, agency),
        number=number,
        opened_by_id=key_of(Account, opened_by),
        opened_at=at,
    )


def close_case(case_id: CaseId, at: datetime) -> None:
    """Close a case; nothing can be added or searched in it afterwards."""
    Case.objects.filter(uid=case_id, closed_at__isnull=True).update(closed_at=at)


def case(case_id: CaseId) -> CaseRecord:
    """Return a case. Raises NotFound ``case.unknown``."""
    return _case_record(_found(_CASE.first(case_id)))


def case_by_number(agency: AgencyId, number: str) -> CaseRecord:
    """Return an agency's case by its number. Raises NotFound ``case.unknown``."""
    return _case_record(_found(one(_cases().filter(agency__uid=agency, number=number))))


def cases(agency: AgencyId) -> list[CaseRecord]:
    """Return an agency's cases, open ones first, newest first."""
    rows = _cases().filter(agency__uid=agency).order_by("-opened_at")
    return sorted((_case_record(row) for row in rows), key=lambda record: not record.is_open)


def is_open(case_id: CaseId) -> bool:
    """Return whether there is such a case and it is open."""
    return _OPEN_CASE.first(case_id) is not None


def add_probe(record: ProbeRecord, sealed: Sealed, *, added_by: AccountId) -> None:
    """Add a probe to an open case: its sealed original and where faces were found in it."""
    found = _OPEN_CASE.first(record.case)
    if found is None:
        raise Case.DoesNotExist
    case, agency = found
    image = SealedImage(uid=record.id, agency_id=agency, key_uid=sealed.key, ciphertext=sealed.ciphertext)
    insert([image])
    probe = Probe(
        uid=record.id,
        case_id=case,
        image_id=image.pk,
        sha256=record.sha256,
        format=record.format,
        width=record.width,
        height=record.height,
        faces=[
            asdict(face) | {"quality": quality_to_json(quality)}
            for face, quality in zip_longest(record.faces, record.qualities)
        ],
        notes=to_json(record.notes),
        added_by_id=key_of(Account, added_by),
        added_at=record.added_at,
    )
    insert([probe])


def probe(probe_id: ProbeId) -> ProbeRecord:
    """Return a probe. Raises NotFound ``probe.unknown``."""
    row = one(Probe.objects.select_related("case").filter(uid=probe_id))
    if row is None:
        raise NotFound("probe.unknown", N_("There is no such probe."))
    return _probe_record(row)


def probes(case_id: CaseId) -> list[ProbeRecord]:
    """Return a case's probes, newest first."""
    rows = Probe.objects.select_related("case").filter(case__uid=case_id).order_by("-added_at")
    return [_probe_record(row) for row in rows]


def add_request(record: RequestRecord) -> None:
    """Add a complete request that awaits a second person's decision."""
    SearchRequest.objects.create(
        uid=record.id,
        case_id=key_of(Case, record.case.id),
        requester_id=key_of(Account, record.requester),
        probe_id=key_of(Probe, record.probe.id),
        face=record.face,
        offence_code=record.offence_code,
        purpose=record.purpose.value,
        authority=record.authority.value,
        authority_reference=record.authority_reference,
        necessity=record.necessity,
        source=record.source.value,
        how_obtained=record.how_obtained,
        filters=filters_to_json(record.filters),
        state=record.state.value,
        made_at=record.made_at,
    )


def request(request_id: RequestId) -> RequestRecord:
    """Return a request. Raises NotFound ``request.unknown``."""
    row = _REQUEST.first(request_id)
    if row is None:
        raise NotFound("request.unknown", N_("There is no such request."))
    return _request_record(row)


def requests(*, agency: AgencyId | None = None, case_id: CaseId | None = None) -> list[RequestRecord]:
    """Return the requests of an agency or of a case, newest first."""
    rows = _requests().order_by("-made_at")
    if agency is not None:
        rows = rows.filter(case__agency__uid=agency)
    if case_id is not None:
        rows = rows.filter(case__uid=case_id)
    return [_request_record(row) for row in rows]


def decide_request(request_id: RequestId, approver: AccountId, *, approved: bool, reason: str, at: datetime) -> None:
    """Record a second person's decision."""
    row = SearchRequest.objects.get(uid=request_id)
    Approval.objects.create(
        request=row,
        approver_id=key_of(Account, approver),
        approved=approved,
        reason=reason,
        decided_at=at,
    )
    row.state = RequestState.APPROVED if approved else RequestState.DECLINED
    row.save(update_fields=["state"])


def use_request(request_id: RequestId) -> bool:
    """Take an approved request of an open case for the one search it allows; False if there is none to take."""
    # one statement of our own: the ORM takes ten times as long to write it
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [RequestState.SEARCHED.value, request_id, RequestState.APPROVED.value])
        taken: int = cursor.rowcount
    return taken == 1


_TAKE = """
    UPDATE store_searchrequest SET state = %s WHERE uid = %s AND state = %s
    AND case_id IN (SELECT id FROM store_case WHERE closed_at IS NULL)
"""


def filters_to_json(filters: Filters) -> dict[str, Any]:
    """Return filters as they are stored and logged; what was not chosen is left out."""
    chosen: dict[str, Any] = {
        "agencies": sorted(filters.agencies) if filters.agencies is not None else None,
        "sex": filters.sex.value if filters.sex is not None else None,
        "age_from": filters.age_from,
        "age_to": filters.age_to,
        "taken_from": filters.taken_from.isoformat() if filters.taken_from else None,
        "taken_to": filters.taken_to.isoformat() if filters.taken_to else None,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def filters_from_json(stored: dict[str, Any]) -> Filters:
    """Return the filters that :func:`filters_to_json` stored."""

    def day(name: str) -> date | None:
        return date.fromisoformat(stored[name]) if name in stored else None

    return Filters(
        agencies=frozenset(map(AgencyId, stored["agencies"])) if "agencies" in stored else None,
        sex=Sex(stored["sex"]) if "sex" in stored else None,
        age_from=stored.get("age_from"),
        age_to=stored.get("age_to"),
        taken_from=day("taken_from"),
        taken_to=day("taken_to"),
    )


_OPEN_CASE = Statement(lambda uid: Case.objects.filter(uid=uid, closed_at__isnull=True).values_list("pk", "agency_id"))


def _cases() -> QuerySet[Case]:
    return Case.objects.select_related("agency", "opened_by")


def _found(row: Case | None) -> Case:
    if row is None:
        raise NotFound(
            "case.unknown",
            N_("Your service has no such case."),
            hint=N_("Check the case number, or open the case first."),
        )
    return row


def _requests() -> QuerySet[SearchRequest]:
    return SearchRequest.objects.select_related(
        "case__agency", "case__opened_by", "requester", "probe__case", "approval__approver", "search"
    )


_CASE = Statement(lambda uid: _cases().filter(uid=uid))
_REQUEST = Statement(lambda uid: _requests().filter(uid=uid))


def _case_record(row: Case) -> CaseRecord:
    return CaseRecord(
        id=CaseId(row.uid),
        agency=AgencyId(row.agency.uid),
        number=row.number,
        opened_by=row.opened_by.full_name,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _probe_record(row: Probe) -> ProbeRecord:
    faces = tuple(
        Face(
            box=Box(**face["box"]),
            landmarks=tuple((float(x), float(y)) for x, y in face["landmarks"]),
            confidence=face["confidence"],
        )
        for face in row.faces
    )
    return ProbeRecord(
        id=ProbeId(row.uid),
        case=CaseId(row.case.uid),
        sha256=row.sha256,
        format=row.format,
        width=row.width,
        height=row.height,
        faces=faces,
        added_at=row.added_at,
        notes=from_json(row.notes),
        qualities=tuple(quality_from_json(face.get("quality")) for face in row.faces),
    )


def _request_record(row: SearchRequest) -> RequestRecord:
    approval = getattr(row, "approval", None)
    search = getattr(row, "search", None)
    return RequestRecord(
        id=RequestId(row.uid),
        case=_case_record(row.case),
        requester=AccountId(row.requester.uid),
        requester_name=row.requester.full_name,
        probe=_probe_record(row.probe),
        face=row.face,
        offence_code=row.offence_code,
        purpose=Purpose(row.purpose),
        authority=Authority(row.authority),
        authority_reference=row.authority_reference,
        necessity=row.necessity,
        source=ProbeSource(row.source),
        how_obtained=row.how_obtained,
        filters=filters_from_json(row.filters),
        state=RequestState(row.state),
        made_at=row.made_at,
        approval=_approval_record(approval) if approval else None,
        search=SearchId(search.uid) if search else None,
    )


def _approval_record(row: Approval) -> ApprovalRecord:
    return ApprovalRecord(
        approver=AccountId(row.approver.uid),
        approver_name=row.approver.full_name,
        approved=row.approved,
        reason=row.reason,
        decided_at=row.decided_at,
    )
