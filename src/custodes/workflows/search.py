"""The one way into search: an approved request, used once.

Order: policy decides; the intent to search is committed to the log; the engine makes the probe's template; the gallery
is compared; the list, the used request and the log's ``done`` entry with the certificate commit together; only then is
the list returned.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import rfc8785

from custodes.errors import Conflict, InputError
from custodes.ids import EntryId, RequestId, SearchId
from custodes.ledger import Event
from custodes.ledger.events import ContractId, ExactFloat, KernelName, SearchDone, Searched, Sha256
from custodes.policy import Action
from custodes.policy.facts import SearchFacts
from custodes.ranking.gallery import DEFAULT_LIMIT, HARD_CAP
from custodes.store import accounts, aligned, casework, searches, subjects
from custodes.store.database import case_queue, transaction_of_its_own
from custodes.store.records import RequestRecord, SearchRecord
from custodes.text import N_
from custodes.types import CandidateList, Context, Scope, Template
from custodes.workflows.boundary import permit, scope_now, workflow
from custodes.workflows.packs import require_one_contract
from custodes.workflows.requests import filter_agencies, filter_names, in_request, request_facts
from custodes.workflows.services import Services
from custodes.workflows.standing import stops

__all__ = ["DEFAULT_LIMIT", "certificate_of", "search"]


@workflow(Action.SEARCH)
def search(services: Services, context: Context, *, request: RequestId, limit: int = DEFAULT_LIMIT) -> SearchRecord:
    """Run the one search that an approved request allows, and return its candidate list, which may be empty.

    Raises:
        Refused: not approved by another person, case closed, already used, another person's request.
        InputError: ``search.limit``, outside 1 to 50.
        ContractMismatch: ``contract.of-another-pack``, if part of the gallery could not be compared.
    """
    record = casework.request(request)
    context = in_request(context, record)
    permit(context, Action.SEARCH, _facts(services, context, record))
    _check_limit(limit)
    with services.ledger.outside(Event(context, _asked(record))) as outcome:
        require_one_contract(services.engine.contract)
        template = _template(services, record)
        scope = scope_now(context)
        result = services.gallery.search(
            template,
            scope=scope,
            filters=record.filters,
            threshold=services.threshold,
            limit=limit,
            request=record.id,
        )
        found = _found(services, SearchId.new(context.entropy), record, template, scope, result)
        sealed = services.vault.seal(found.id, template.vector.tobytes())
        with transaction_of_its_own(case_queue(record.case.id)):
            # the engine takes its time: the case may have been closed, or the approval used, meanwhile
            if not casework.use_request(record.id):
                permit(context, Action.SEARCH, _facts(services, context, casework.request(record.id)))
                raise Conflict("search.already-run", N_("This request was used by another search just now."))
            outcome.state(_done(found))
            found = replace(found, log_entry=outcome.done_with_rows())
            searches.add_search(found, sealed)
    return found


def certificate_of(search: SearchRecord, request: RequestRecord, template: Template) -> str:
    """Return SHA-256 (hex) over the canonical JSON of what was asked, what was compared and what came out.

    A function of what is stored alone, so that anybody who may read that can make it again.  Floats are in hex, exact.
    """
    return hashlib.sha256(
        rfc8785.dumps(
            {
                "request": str(request.id),
                "probe": {"sha256": request.probe.sha256, "face": request.face},
                "template": hashlib.sha256(template.vector.tobytes()).hexdigest(),
                "scope": {
                    "agencies": sorted(str(agency.id) for agency in search.agencies),
                    "moment": search.moment.isoformat(),
                },
                "filters": casework.filters_to_json(request.filters),
                "contract": search.contract.id,
                "generation": search.generation,
                "threshold": search.threshold.hex(),
                "limit": search.limit,
                "figures": searches.figures_to_json(search.figures),
                "candidates": [
                    {
                        "subject": str(candidate.subject),
                        "photographs": [str(photograph) for photograph in candidate.photographs],
                        "score": candidate.score.hex(),
                    }
                    for candidate in search.candidates
                ],
            }
        )
    ).hexdigest()


def _found(
    services: Services,
    search: SearchId,
    request: RequestRecord,
    template: Template,
    scope: Scope,
    result: CandidateList,
) -> SearchRecord:
    """Return the search as it will be stored, its log entry excepted, which is not written yet."""
    record = SearchRecord(
        id=search,
        request=request.id,
        contract=result.contract,
        generation=result.generation,
        moment=scope.moment,
        threshold=result.threshold,
        threshold_is_provisional=services.threshold_is_provisional,
        limit=result.limit,
        figures=result.certificate,
        certificate="",
        log_entry=EntryId(""),
        candidates=tuple(result.candidates),
        agencies=tuple(agency for agency in accounts.agencies() if agency.id in scope.agencies),
    )
    return replace(record, certificate=certificate_of(record, request, template))


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= HARD_CAP:
        raise InputError(
            "search.limit",
            N_("A candidate list holds 1 to %(cap)s candidates."),
            hint=N_("Ask for at most %(cap)s; %(default)s is usual."),
            cap=HARD_CAP,
            default=DEFAULT_LIMIT,
        )


def _facts(services: Services, context: Context, record: RequestRecord) -> SearchFacts:
    approval = record.approval
    return SearchFacts(
        request=request_facts(record),
        requester=record.requester,
        approver=approval.approver if approval and approval.approved else None,
        state=record.state,
        stops=stops(services, context),
    )


def _template(services: Services, record: RequestRecord) -> Template:
    """Make the template of the picked face alone: from its crop or, under another contract, from the original."""
    probe, engine = record.probe, services.engine
    crop = aligned.face(services.vault, probe.id, record.face, len(probe.faces), engine.contract)
    if crop is not None:
        return engine.embed_aligned([crop])[0]
    original = subjects.original_bytes(services.vault, probe.id)
    picture = services.decoder.decode(original, name=None, limits=services.limits)
    return engine.embed([(picture.pixels, probe.faces[record.face])])[0]


def _asked(record: RequestRecord) -> Searched:
    return Searched(
        probe=record.probe.id,
        purpose=record.purpose,
        source=record.source,
        filters=filter_names(record.filters),
        agencies=filter_agencies(record.filters),
    )


def _done(result: SearchRecord) -> SearchDone:
    return SearchDone(
        search=result.id,
        contract=ContractId(result.contract.id),
        generation=result.generation,
        threshold=ExactFloat(result.threshold.hex()),
        limit=result.limit,
        eligible=result.eligible,
        compared=result.compared,
        rescored=result.figures.rescored,
        gallery_root=Sha256(result.figures.root),
        eligible_sha256=Sha256(result.figures.eligibility_sha256),
        kernel=KernelName(result.figures.kernel),
        candidates=len(result.candidates),
        certificate=result.certificate,
    )
