"""Running a recorded search again, for whoever supervises or audits: no second search, nobody new is looked for.

Everything comes from what was stored (SRCH-06): template, scope, filters, threshold, limit and generation; the engine
is the exact one, whose score is defined to the bit.  The stored list is compared with the new one entry by entry, and
what is stored with its certificate and with the one in the log.  A search that cannot be run again is an answer too,
with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custodes.errors import Conflict, CustodesError
from custodes.ids import RequestId, SearchId, SubjectId
from custodes.ledger import Event
from custodes.ledger.events import Code, ReplayOutcome, SearchReplayed
from custodes.policy import Action
from custodes.policy.facts import OwnedFacts
from custodes.store import casework, searches
from custodes.store.database import present_generation
from custodes.store.records import RequestRecord, SearchRecord
from custodes.text import N_, Text
from custodes.types import CandidateList, Context, Template
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.repetition import Outcome, differences, is_same
from custodes.workflows.requests import in_request
from custodes.workflows.search import certificate_of
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found.

    ``differences``: each a sentence, none if the outcome is ``same`` or ``partial``.  ``destroyed`` and
    ``quarantined``: candidates of whom a compared row was, since.  ``rows_destroyed``: photographs, candidates' or not,
    that the gallery had at the search's generation and that no search can compare any more.  ``reason``: why it could
    not be run, an error's code in ``code``.
    """

    search: SearchRecord
    outcome: Outcome
    differences: tuple[Text, ...] = ()
    destroyed: Sequence[SubjectId] = ()
    quarantined: Sequence[SubjectId] = ()
    rows_destroyed: int = 0
    reason: Text | None = None
    code: str = ""

    @property
    def same(self) -> bool:
        """Whether the list came out the same, bit for bit."""
        return self.outcome is Outcome.SAME


@workflow(Action.REPLAY_SEARCH)
def replay(services: Services, context: Context, *, request: RequestId) -> Replay:
    """Run the search of ``request`` again and compare, entry by entry.

    Raises:
        Refused: another role, another service. Conflict: ``search.not-run``.
    """
    record = casework.request(request)
    permit(context, Action.REPLAY_SEARCH, OwnedFacts(record.case.agency))
    if record.search is None:
        raise Conflict(
            "search.not-run", N_("This request has not been searched yet."), hint=N_("Run the search first.")
        )
    return _logged(services, context, record, _replayed(services, record, searches.search(record.search)))


@workflow(Action.REPLAY_SEARCH)
def replay_search(services: Services, context: Context, *, search: SearchId) -> Replay:
    """Run ``search`` again and compare, entry by entry.

    Raises:
        Refused: another role, another service. NotFound: ``search.unknown``.
    """
    stored = searches.search(search)
    record = casework.request(stored.request)
    permit(context, Action.REPLAY_SEARCH, OwnedFacts(record.case.agency))
    return _logged(services, context, record, _replayed(services, record, stored))


def replay_unattended(services: Services, context: Context, *, search: SearchId) -> Replay:
    """Do what :func:`replay_search` does, by the installation itself, for the service of ``context``."""
    stored = searches.search(search)
    record = casework.request(stored.request)
    return _logged(services, context, record, _replayed(services, record, stored))


def _logged(services: Services, context: Context, record: RequestRecord, answer: Replay) -> Replay:
    replayed = SearchReplayed(
        search=answer.search.id,
        came_out=ReplayOutcome(answer.outcome.value),
        differences=len(answer.differences),
        rows_destroyed=answer.rows_destroyed,
        code=Code.of(answer.code) if answer.code else None,
        destroyed=len(answer.destroyed),
        quarantined=len(answer.quarantined),
    )
    services.ledger.alone(Event(in_request(context, record), replayed))
    return answer


def _replayed(services: Services, record: RequestRecord, stored: SearchRecord) -> Replay:
    lost, barred = searches.changed_since(services.vault, stored.candidates)
    gone = searches.destroyed_since(services.vault, stored)
    known = Replay(stored, Outcome.NOT_RUN, (), lost, barred, len(gone))
    if stored.contract.id != services.engine.contract.id:
        made_with = {"pack": stored.contract.pack, "version": stored.contract.version}
        why = N_("It was made with the model pack %(pack)s %(version)s, and the installation works with another now.")
        return replace(known, reason=Text(why, made_with), code="contract.of-another-pack")
    if present_generation() < stored.generation:
        why = N_("The gallery has not reached the generation of the search: it was put back from an older copy.")
        return replace(known, reason=Text(why), code="search.generation")
    try:
        template, again = _again(services, record, stored)
    except CustodesError as error:
        why = N_("The probe's template was destroyed, so nothing can be compared with it.")
        reason = Text(why) if error.code == "vault.key-gone" else error.what
        return replace(known, reason=reason, code=error.code)
    found = differences(stored, again, gone) + _certificates(services, record, stored, template)
    outcome = Outcome.DIFFERENT if found else Outcome.SAME if is_same(stored, again) else Outcome.PARTIAL
    return replace(known, outcome=outcome, differences=tuple(found))


def _again(services: Services, record: RequestRecord, stored: SearchRecord) -> tuple[Template, CandidateList]:
    template, scope = searches.replay_input(services.vault, stored.id)
    again = services.gallery.search(
        template,
        scope=scope,
        filters=record.filters,
        threshold=stored.threshold,
        limit=stored.limit,
        request=record.id,
        generation=stored.generation,
    )
    return template, again


def _certificates(services: Services, record: RequestRecord, stored: SearchRecord, template: Template) -> list[Text]:
    """Return what is wrong with the certificate: of what is stored, and of what the log's entry says was found."""
    told = []
    if certificate_of(stored, record, template) != stored.certificate:
        told.append(Text(N_("The certificate is not that of what is stored: it was altered since.")))
    if services.entries.private_of(stored.log_entry).get("certificate") != stored.certificate:
        told.append(Text(N_("The log's entry of this search does not state this certificate.")))
    return told
