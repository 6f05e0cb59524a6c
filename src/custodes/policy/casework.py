"""From an open case to one search: what a request must state, who approves it, and the last look before the engine."""

from __future__ import annotations

from custodes.policy.decision import Decision, allowed, refused
from custodes.policy.facts import ApprovalFacts, CaseFacts, RequestFacts, SearchFacts, Stop
from custodes.policy.offences import serious_offences
from custodes.policy.ownership import owned
from custodes.text import N_
from custodes.types import Context, RequestState


def open_case(context: Context, facts: CaseFacts) -> Decision:
    """Allow work in a case of one's own service as long as it is open."""
    own = owned(context, facts.owner)
    if not own.allowed:
        return own
    if facts.is_open:
        return allowed("gate.open-case")
    return refused(
        "gate.closed-case",
        N_("The case is closed. Nothing can be searched or added in a closed case."),
        N_("Open a new case if there is a lawful reason to go on."),
    )


def complete_request(context: Context, facts: RequestFacts) -> Decision:
    """LAW-01: every field; LAW-02: an offence of the list; an open case of one's own service."""
    missing = missing_fields(facts)
    if missing or facts.case is None:
        return refused(
            "gate.incomplete-request",
            N_("The request is incomplete. Missing: %(missing)s."),
            N_("Fill in every field. A search without them is not lawful, so it cannot be asked for."),
            missing=", ".join(missing),
        )
    case = open_case(context, facts.case)
    if not case.allowed:
        return case
    if facts.offence_code not in serious_offences():
        return refused(
            "gate.serious-offence",
            N_("%(code)s is not on the list of serious offences for which a search may be asked."),
            N_("Choose the offence under investigation from the list."),
            code=facts.offence_code,
        )
    return allowed("gate.complete-request")


def missing_fields(facts: RequestFacts) -> list[str]:
    """Return the names of the fields of LAW-01 that were left out, in the order of the form."""
    given: dict[str, bool] = {
        "case number": facts.case is not None and bool(facts.case_number.strip()),
        "offence": bool(facts.offence_code.strip()),
        "purpose": facts.purpose is not None,
        "legal authority": facts.authority is not None and bool(facts.authority_reference.strip()),
        "necessity and proportionality": bool(facts.necessity.strip()),
        "probe source": facts.source is not None,
        "how the probe was obtained": bool(facts.how_obtained.strip()),
        "probe": facts.has_probe,
        "face": facts.face_picked,
    }
    return [name for name, present in given.items() if not present]


def second_person(context: Context, facts: ApprovalFacts) -> Decision:
    """LAW-09: a different person approves, in an open case, once."""
    case = open_case(context, facts.case)
    if not case.allowed:
        return case
    if facts.requester == context.actor:
        return refused(
            "gate.second-person",
            N_("You asked for this search, so you cannot approve or decline it."),
            N_("Another supervisor must decide."),
        )
    if facts.state is not RequestState.AWAITING:
        return refused(
            "gate.already-decided",
            N_("This request has already been decided."),
            N_("Ask for a new search if one is needed."),
        )
    return allowed("gate.second-person")


def approved_search(context: Context, facts: SearchFacts) -> Decision:
    """The last look before the engine: complete, own, approved by another person, not yet used."""
    request = complete_request(context, facts.request)
    if not request.allowed:
        return request
    if facts.requester != context.actor:
        return refused(
            "gate.own-request",
            N_("Only the person who asked for a search may run it."),
            N_("Ask for a search of your own."),
        )
    if facts.state is RequestState.SEARCHED:
        return refused(
            "gate.already-searched",
            N_("This request has been used. One approval allows one search."),
            N_("Look at its candidate list, or ask for a new search."),
        )
    if facts.state is not RequestState.APPROVED or facts.approver is None or facts.approver == facts.requester:
        return refused(
            "gate.not-approved",
            N_("This search has not been approved by another person."),
            N_("Wait for a supervisor's decision."),
        )
    return no_stop(facts.stops) or allowed("gate.approved-search")


def no_stop(stops: frozenset[Stop]) -> Decision | None:
    """Return the refusal that keeps everybody from searching, None if nothing does."""
    for stop, what in STOPPED.items():
        if stop in stops:
            return refused(f"gate.{stop}", what, N_("Nothing was searched, and the approval is not used up."))
    return None


STOPPED = {
    Stop.GALLERY_UNEVEN: N_("Searches are stopped: the gallery differs from what the log says it holds."),
    Stop.LOG_UNSOUND: N_("Searches are stopped: the log is not what was sealed."),
    Stop.LOG_UNSEALED: N_("Searches are stopped: the log cannot be sealed."),
    Stop.LOG_UNWITNESSED: N_("Searches are stopped: the witnesses of the log have been missing for too long."),
}
