"""The one way into search: an approved request, used once.

Order: policy decides; the intent to search is committed to the log; the engine makes the probe's template; the gallery
is compared; the list, the used request and the log's ``done`` entry with the certificate commit together; only then is
the list returned.
"""

from __future__ import annotations

import hashlib

import rfc8785

from custodes.errors import Conflict, InputError
from custodes.ids import RequestId, SearchId
from custodes.imaging import decode
from custodes.ledger import Event, EventKind
from custodes.policy import Action
from custodes.policy.facts import SearchFacts
from custodes.policy.scope import Agreement, search_scope
from custodes.ranking.gallery import DEFAULT_LIMIT, HARD_CAP
from custodes.store import accounts, casework, searches, subjects
from custodes.store.database import transaction_of_its_own
from custodes.store.records import RequestRecord, SearchRecord
from custodes.text import N_
from custodes.types import CandidateList, Context, Scope, Template
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.requests import in_request, request_facts
from custodes.workflows.services import Services

__all__ = ["DEFAULT_LIMIT", "certificate", "search"]


@workflow
def search(services: Services, context: Context, *, request: RequestId, limit: int = DEFAULT_LIMIT) -> SearchRecord:
    """Run the one search that an approved request allows, and return its candidate list, which may be empty.

    Raises:
        Refused: not approved by another person, case closed, already used, another person's request.
        InputError: ``search.limit``, outside 1 to 50.
    """
    record = casework.request(request)
    context = in_request(context, record)
    permit(context, Action.SEARCH, _facts(record))
    _check_limit(limit)
    event = Event(
        EventKind.SEARCH, context, (record.probe.id,), {"purpose": record.purpose.value, "source": record.source.value}
    )
    with services.ledger.outside(event) as outcome:
        template = _template(services, record)
        scope = _scope(context)
        result = services.gallery.search(
            template,
            scope=scope,
            filters=record.filters,
            threshold=services.threshold,
            limit=limit,
            request=record.id,
        )
        search_id = SearchId.new(context.entropy)
        sealed = services.vault.seal(search_id, template.vector.tobytes())
        with transaction_of_its_own():
            # the engine takes its time: the case may have been closed, or the approval used, meanwhile
            permit(context, Action.SEARCH, _facts(casework.request(record.id)))
            if not casework.use_request(record.id):
                raise Conflict("search.already-run", N_("This request was used by another search just now."))
            outcome.state(**_result_facts(search_id, result))
            entry = outcome.done_with_rows()
            searches.add_search(
                searches.NewSearch(
                    id=search_id,
                    request=record.id,
                    result=result,
                    scope=scope,
                    threshold_is_provisional=services.threshold_is_provisional,
                    certificate=certificate(result),
                    log_entry=entry,
                ),
                sealed,
            )
    return searches.search(search_id)


def certificate(result: CandidateList) -> str:
    """Return SHA-256 (hex) over the canonical JSON of what was compared and what came out, scores exact in hex."""
    return hashlib.sha256(
        rfc8785.dumps(
            {
                "contract": result.contract.id,
                "generation": result.generation,
                "threshold": result.threshold.hex(),
                "limit": result.limit,
                "eligible": result.eligible,
                "compared": result.compared,
                "candidates": [
                    {
                        "subject": str(candidate.subject),
                        "photographs": [str(photograph) for photograph in candidate.photographs],
                        "score": candidate.score.hex(),
                    }
                    for candidate in result.candidates
                ],
            }
        )
    ).hexdigest()


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= HARD_CAP:
        raise InputError(
            "search.limit",
            N_("A candidate list holds 1 to %(cap)s candidates."),
            hint=N_("Ask for at most %(cap)s; %(default)s is usual."),
            cap=HARD_CAP,
            default=DEFAULT_LIMIT,
        )


def _facts(record: RequestRecord) -> SearchFacts:
    approval = record.approval
    return SearchFacts(
        request=request_facts(record),
        requester=record.requester,
        approver=approval.approver if approval and approval.approved else None,
        state=record.state,
    )


def _template(services: Services, record: RequestRecord) -> Template:
    """Make the template of the picked face alone, from the probe's original bytes."""
    original = subjects.original_bytes(services.vault, record.probe.id)
    picture = decode(original, name=None, limits=services.limits)
    return services.engine.embed([(picture.pixels, record.probe.faces[record.face])])[0]


def _scope(context: Context) -> Scope:
    _, agency = signed_in(context)
    agreements = [
        Agreement(owner, agency, starts_on, ends_on) for owner, starts_on, ends_on in accounts.agreements_of(agency)
    ]
    return search_scope(agency, agreements, context.now())


def _result_facts(search_id: SearchId, result: CandidateList) -> dict[str, str | int | float | bool | None | list[str]]:
    return {
        "search": str(search_id),
        "contract": result.contract.id,
        "generation": result.generation,
        "threshold": result.threshold.hex(),
        "limit": result.limit,
        "eligible": result.eligible,
        "compared": result.compared,
        "candidates": len(result.candidates),
        "certificate": certificate(result),
    }
