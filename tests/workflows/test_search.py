"""The one way into search: an approved request, used once (LAW-01, LAW-09, SRCH-01 to -08, PRB-13, SHR-01, AUD-09)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from tests.ranking.galleries import open_gallery
from tests.workflows.conftest import World

from custodes.engine.fake import FAKE_CONTRACT, FakeEngine
from custodes.errors import Conflict, ContractMismatch, CustodesError, InputError, NotFound, Refused, SetupError
from custodes.ids import RequestId
from custodes.imaging import LocalDecoder
from custodes.store import casework, searches
from custodes.store.gallery import DatabaseTemplateSource
from custodes.store.models import (
    AlignedFaces,
    Approval,
    CandidateRow,
    ContractRow,
    GalleryEntry,
    Search,
    SearchRequest,
    TemplateRow,
)
from custodes.store.records import SearchRecord
from custodes.types import Context, Filters, Ground, RequestState, Sex, Youth
from custodes.workflows import cases, requests, viewing
from custodes.workflows.replay import replay
from custodes.workflows.search import certificate_of, search


def _search(world: World, *identities: int, number: str = "2026-1", limit: int = 20, **changes: object) -> SearchRecord:
    request = world.approved(*identities, number=number, **changes)
    return search(world.services, world.as_("searcher"), request=request, limit=limit)


def _found(record: SearchRecord) -> list[str]:
    return [str(candidate.subject) for candidate in record.candidates]


def _phases(world: World) -> list[tuple[str, str]]:
    return [(entry["phase"], entry["facts"].get("error", "")) for entry in world.log(100) if entry["kind"] == "search"]


# --- what comes out ---------------------------------------------------------------------------------


def test_an_empty_gallery_gives_an_empty_list_which_is_a_normal_answer(world: World) -> None:
    """SRCH-01."""
    record = _search(world, 1)
    assert record.candidates == ()
    assert (record.eligible, record.compared) == (0, 0)


def test_nobody_above_the_threshold_is_a_normal_answer(world: World) -> None:
    """SRCH-01."""
    world.enrol(2)
    record = _search(world, 1)
    assert (record.candidates, record.eligible, record.compared) == ((), 1, 1)


def test_the_person_is_found_among_others(world: World) -> None:
    enrolled = {identity: world.enrol(identity) for identity in range(1, 6)}
    record = _search(world, 3)
    assert _found(record) == [enrolled[3].subject_id]
    assert record.candidates[0].photographs == (enrolled[3].photograph_id,)
    assert (record.eligible, record.compared, record.generation) == (5, 5, 5)
    assert record.contract == FAKE_CONTRACT


def test_photographs_of_one_person_are_one_candidate(world: World) -> None:
    """SRCH-07."""
    shots = [world.enrol(1, variation=variation) for variation in range(3)]
    record = _search(world, 1)
    assert _found(record) == [shots[0].subject_id]
    assert set(record.candidates[0].photographs) == {shot.photograph_id for shot in shots}
    assert record.compared == 3


@pytest.mark.parametrize("limit", [0, -1, 51, 10**9])
def test_a_list_longer_than_the_cap_is_refused_before_anything_is_intended(limit: int, world: World) -> None:
    """SRCH-01: one error, one entry, and the approval is not used up."""
    request = world.approved(1)
    size = world.services.entries.size()
    with pytest.raises(InputError, match=r"search\.limit"):
        search(world.services, world.as_("searcher"), request=request, limit=limit)
    assert world.services.entries.size() == size + 1
    assert (world.log()[0]["kind"], world.log()[0]["request"]) == ("input.rejected", request)
    assert casework.request(request).state is RequestState.APPROVED


def test_a_list_is_cut_at_its_limit_the_most_similar_first(world: World) -> None:
    """SRCH-01."""
    for identity in range(6):
        world.enrol(identity, person_number=f"P{identity}")
    world.services.threshold = -1.0
    record = _search(world, 1, limit=3)
    assert [candidate.rank for candidate in record.candidates] == [1, 2, 3]
    scores = [candidate.score for candidate in record.candidates]
    assert scores == sorted(scores, reverse=True)
    assert (record.limit, record.compared) == (3, 6)


@pytest.mark.parametrize(
    "quarantine",
    [{"youth": Youth.YES}, {"youth": Youth.UNKNOWN, "birth_date": None}, {"ground": None}, {"taken_on": None}],
    ids=str,
)
def test_a_quarantined_photograph_is_neither_returned_nor_compared(quarantine: dict[str, Any], world: World) -> None:
    """LAW-13, LAW-14, SRCH-08."""
    world.enrol(1, **quarantine)
    record = _search(world, 1)
    assert (record.candidates, record.eligible, record.compared) == ((), 0, 0)


def test_a_record_that_expired_a_second_ago_is_not_searched(world: World) -> None:
    """SRCH-08."""
    until = world.clock.now() + timedelta(hours=1)
    world.enrol(1, until=until)
    world.clock.set(until - timedelta(microseconds=1))
    assert _search(world, 1, number="1").compared == 1
    world.clock.set(until)
    assert _search(world, 1, number="2").compared == 0


@pytest.mark.parametrize(("days", "seen"), [(-31, False), (-30, True), (0, True), (30, True), (31, False)], ids=str)
def test_a_partners_records_are_searched_only_while_the_agreement_holds(days: int, seen: bool, world: World) -> None:
    """SHR-01: the agreement runs from thirty days before the world's day to thirty days after."""
    world.clock.advance(days=-60)
    world.enrol(1, agency="LKS")
    world.clock.advance(days=60 + days)
    assert _search(world, 1).compared == (1 if seen else 0)


def test_sharing_is_not_mutual(world: World) -> None:
    """SHR-01: NRP may search LKS; LKS may not search NRP."""
    world.enrol(1, agency="NRP")
    case = world.case("1", by="partner searcher")
    form = world.form(case.id, world.probe(case.id, 1, by="partner searcher"))
    made = requests.request_search(world.services, world.as_("partner searcher"), form)
    requests.approve_request(world.services, world.as_("partner supervisor"), request=made.id)
    assert search(world.services, world.as_("partner searcher"), request=made.id).eligible == 0


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {"woman", "man", "unstated"}),
        (Filters(sex=Sex.FEMALE), {"woman", "unstated"}),
        (Filters(age_from=30), {"man", "unstated"}),
        (Filters(age_to=30), {"woman", "unstated"}),
        (Filters(taken_from=date(2025, 1, 1)), {"man", "unstated"}),
        (Filters(taken_to=date(2024, 12, 31)), {"woman"}),
        (Filters(agencies=frozenset()), set()),
    ],
)
def test_filters_narrow_but_a_gap_in_a_record_hides_nobody(filters: Filters, expected: set[str], world: World) -> None:
    """SRCH-05."""
    names = {
        world.enrol(
            1, person_number="w", sex=Sex.FEMALE, birth_date=date(2000, 1, 1), taken_on=date(2024, 1, 1)
        ).subject_id: "woman",
        world.enrol(
            1, person_number="m", variation=1, sex=Sex.MALE, birth_date=date(1970, 1, 1), taken_on=date(2025, 6, 1)
        ).subject_id: "man",
        world.enrol(
            1, person_number="u", variation=2, birth_date=None, taken_on=date(2025, 6, 1)
        ).subject_id: "unstated",
    }
    record = _search(world, 1, filters=filters)
    assert {names[candidate.subject] for candidate in record.candidates} == expected
    assert record.compared == record.eligible == len(expected)


def test_only_the_picked_face_is_templated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """PRB-13: the bystander is enrolled too, and is not found because nobody looked for them."""
    picked, bystander = world.enrol(2), world.enrol(1)
    jobs: list[int] = []
    embed = FakeEngine.embed_aligned
    monkeypatch.setattr(FakeEngine, "embed_aligned", lambda self, work: (jobs.append(len(work)), embed(self, work))[1])
    templates = TemplateRow.objects.count()
    record = _search(world, 1, 2, face=1)
    assert _found(record) == [picked.subject_id]
    assert bystander.subject_id not in _found(record)
    assert jobs == [1]
    assert TemplateRow.objects.count() == templates, "a probe's template is no gallery row"


def test_a_search_decodes_no_untrusted_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picked face was cut out when the probe was taken in; the original is not opened again."""
    enrolled, request = world.enrol(1), world.approved(1)
    monkeypatch.setattr(LocalDecoder, "decode", lambda *_, **__: pytest.fail("decoded again"))
    assert _found(search(world.services, world.as_("searcher"), request=request)) == [enrolled.subject_id]


def test_a_probe_of_an_older_contract_is_aligned_anew_from_its_original(world: World) -> None:
    """ENG-01: a crop is of one contract's alignment; the model pack changed after the probe was taken in."""
    request = world.approved(1)
    AlignedFaces.objects.update(
        contract=ContractRow.objects.create(contract="older", pack="p", version="1", dimension=9)
    )
    enrolled = world.enrol(1)
    assert _found(search(world.services, world.as_("searcher"), request=request)) == [enrolled.subject_id]


def test_another_probes_crops_cannot_be_put_in_a_probes_place(world: World) -> None:
    """Attack: make the search look for somebody else than the probe shows."""
    world.enrol(1)
    world.approved(1)
    request = world.approved(2, number="2026-2")
    first, second = AlignedFaces.objects.order_by("pk")
    AlignedFaces.objects.filter(pk=second.pk).update(key_uid=first.key_uid, ciphertext=first.ciphertext)
    with pytest.raises(SetupError) as caught:
        search(world.services, world.as_("searcher"), request=request)
    assert caught.value.code == "vault.altered"


def test_templates_of_another_contract_are_refused(world: World) -> None:
    """ENG-01: the model changed under a running gallery."""
    world.enrol(1)
    _ = world.services.gallery
    world.services.engine = FakeEngine(replace(FAKE_CONTRACT, id="another"))  # type: ignore[misc]
    with pytest.raises(ContractMismatch):
        _search(world, 1)
    assert Search.objects.count() == 0
    assert _phases(world) == [("failed", "contract.of-another-pack"), ("intended", "")]


# --- the record of it -------------------------------------------------------------------------------


def test_a_search_is_intended_before_and_done_with_its_certificate_after(world: World) -> None:
    """SRCH-06, AUD-09."""
    world.enrol(1)
    request = world.approved(1)
    record = search(world.services, world.as_("searcher"), request=request)
    done, intended = world.log(2)
    assert (intended["phase"], done["phase"], done["intent"]) == ("intended", "done", intended["id"])
    for entry in (done, intended):
        assert entry["actor"] == world.person("searcher").id
        assert (entry["case"], entry["request"]) == (casework.request(request).case.id, request)
        assert entry["facts"]["purpose"] == "person-of-interest"
    assert world.private(done) == {"certificate": record.certificate}
    assert (done["facts"]["compared"], done["facts"]["candidates"]) == (1, 1)
    assert record.log_entry == done["id"]
    assert searches.unattributed() == []


def test_a_list_is_replayed_bit_for_bit_after_the_gallery_has_grown(world: World, tmp_path: Path) -> None:
    """SRCH-06."""
    for identity in range(5):
        world.enrol(identity)
    world.services.threshold = -1.0
    record = _search(world, 3)
    world.enrol(3, person_number="later", variation=1)
    template, scope = searches.replay_input(world.services.vault, record.id)
    for gallery in (
        world.services.gallery,
        open_gallery(DatabaseTemplateSource(world.services.vault), FAKE_CONTRACT, tmp_path),
    ):
        again = gallery.search(
            template,
            scope=scope,
            filters=casework.request(record.request).filters,
            threshold=record.threshold,
            limit=record.limit,
            request=record.request,
            generation=record.generation,
        )
        assert again.candidates == record.candidates
        assert (again.eligible, again.compared) == (record.eligible, record.compared)


@pytest.mark.parametrize(
    "change",
    ["generation", "threshold", "limit", "figures", "candidates", "agencies", "moment"],
)
def test_the_certificate_covers_what_was_compared_and_what_came_out(change: str, world: World) -> None:
    """SRCH-06."""
    world.enrol(1)
    stored = searches.search(_search(world, 1).id)
    template, _ = searches.replay_input(world.services.vault, stored.id)
    request = casework.request(stored.request)
    other: dict[str, Any] = {
        "generation": 2,
        "threshold": 0.5000000001,
        "limit": 19,
        "figures": replace(stored.figures, compared=2),
        "candidates": (replace(stored.candidates[0], score=stored.candidates[0].score - 1e-16),),
        "agencies": stored.agencies[:1],
        "moment": stored.moment + timedelta(microseconds=1),
    }
    assert certificate_of(stored, request, template) == stored.certificate
    assert certificate_of(replace(stored, **{change: other[change]}), request, template) != stored.certificate


def test_the_certificate_covers_request_probe_face_filters_and_template(world: World) -> None:
    """Attack: pass one search's certificate off as another's."""
    world.enrol(1)
    stored = _search(world, 1)
    template, _ = searches.replay_input(world.services.vault, stored.id)
    request = casework.request(stored.request)
    others = [
        replace(request, id=RequestId("req_x")),
        replace(request, probe=replace(request.probe, sha256="0" * 64)),
        replace(request, face=1),
        replace(request, filters=Filters(age_from=20)),
    ]
    made = {certificate_of(stored, other, template) for other in others}
    made.add(certificate_of(stored, request, replace(template, vector=-template.vector)))
    assert len(made | {stored.certificate}) == 6


@pytest.mark.parametrize("who", ["auditor", "supervisor"])
def test_a_search_is_replayed_from_what_was_stored(who: str, world: World) -> None:
    """SRCH-06."""
    world.enrol(1)
    record = _search(world, 1)
    world.enrol(1, person_number="later", variation=1)
    answer = replay(world.services, world.as_(who), request=record.request)
    assert (answer.same, answer.destroyed, answer.quarantined) == (True, [], [])
    assert (world.log()[0]["kind"], world.log()[0]["facts"]["came_out"]) == ("search.replayed", "same")


def test_a_filter_altered_in_the_database_is_found_by_the_replay(world: World) -> None:
    """Attack on what was stored; the list itself stays as it was."""
    world.enrol(1)
    record = _search(world, 1)
    SearchRequest.objects.update(filters={"age_from": 1})
    assert not replay(world.services, world.as_("auditor"), request=record.request).same


def test_the_replay_names_who_was_quarantined_since(world: World) -> None:
    new = world.enrol(1)
    record = _search(world, 1)
    GalleryEntry.objects.update(barriers=1)
    assert replay(world.services, world.as_("auditor"), request=record.request).quarantined == [new.subject_id]


@pytest.mark.parametrize("who", ["searcher", "administrator", "partner supervisor"])
def test_a_replay_is_not_a_second_search_for_whoever_asks(who: str, world: World) -> None:
    record = _search(world, 1)
    with pytest.raises(Refused):
        replay(world.services, world.as_(who), request=record.request)
    assert world.log()[0]["facts"]["action"] == "replay-search"


def test_the_list_that_is_shown_later_is_the_list_that_was_found(world: World) -> None:
    world.enrol(1)
    record = _search(world, 1)
    view = viewing.view_candidates(world.services, world.as_("supervisor"), request=record.request)
    assert view.search == record
    assert [subject.id for subject in view.subjects] == [c.subject for c in record.candidates]
    assert world.log()[0]["kind"] == "candidates.viewed"


# --- what is refused: one clear error, one entry, nothing half-written -------------------------------


def _refused(
    world: World, code: str, request: RequestId, context: Context, error: type[CustodesError] = Refused
) -> None:
    def state() -> tuple[Any, ...]:
        return (
            list(SearchRequest.objects.values()),
            list(Approval.objects.values()),
            list(Search.objects.values()),
            CandidateRow.objects.count(),
        )

    before, size = state(), world.services.entries.size()
    with pytest.raises(error) as refusal:
        search(world.services, context, request=request)
    assert refusal.value.code == code
    assert refusal.value.what.template
    assert refusal.value.hint.template or error is NotFound
    assert state() == before
    assert world.services.entries.size() == size + 1
    entry = world.log()[0]
    assert (entry["facts"], entry["request"]) == ({"action": "search", "code": code}, request)


def test_without_approval(world: World) -> None:
    """LAW-09."""
    _refused(world, "gate.not-approved", world.request(1).id, world.as_("searcher"))


def test_after_it_was_declined(world: World) -> None:
    made = world.request(1)
    requests.decline_request(world.services, world.as_("supervisor"), request=made.id, reason="No.")
    _refused(world, "gate.not-approved", made.id, world.as_("searcher"))


def test_in_a_closed_case(world: World) -> None:
    request = world.approved(1)
    cases.close_case(world.services, world.as_("supervisor"), case=casework.request(request).case.id)
    _refused(world, "gate.closed-case", request, world.as_("searcher"))


def test_by_another_person(world: World) -> None:
    _refused(world, "gate.own-request", world.approved(1), world.as_("other searcher"))


def test_by_another_service(world: World) -> None:
    _refused(world, "gate.own-agency", world.approved(1), world.as_("partner searcher"))


@pytest.mark.parametrize("who", ["supervisor", "administrator", "auditor", "records officer"])
def test_in_another_role(who: str, world: World) -> None:
    _refused(world, "gate.role", world.approved(1), world.as_(who))


def test_a_second_time(world: World) -> None:
    request = world.approved(1)
    search(world.services, world.as_("searcher"), request=request)
    _refused(world, "gate.already-searched", request, world.as_("searcher"))


def test_by_nobody(world: World) -> None:
    request = world.approved(1)
    _refused(world, "gate.signed-in", request, replace(world.as_("searcher"), actor=None))


def test_a_request_that_does_not_exist(world: World) -> None:
    _refused(world, "request.unknown", RequestId("req_" + "0" * 26), world.as_("searcher"), NotFound)


def test_with_an_approval_that_was_forged_as_ones_own(world: World) -> None:
    """Attack by somebody who can write one row: the state says approved, the approver is the requester."""
    made = world.request(1)
    casework.decide_request(made.id, made.requester, approved=True, reason="", at=world.clock.now())
    _refused(world, "gate.not-approved", made.id, world.as_("searcher"))


def test_with_an_approval_of_which_only_the_state_was_forged(world: World) -> None:
    made = world.request(1)
    SearchRequest.objects.update(state=RequestState.APPROVED)
    _refused(world, "gate.not-approved", made.id, world.as_("searcher"))


def test_a_case_closed_while_the_engine_runs_gets_no_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack on the time between check and use."""
    world.enrol(1)
    request = world.approved(1)
    gallery = world.services.gallery
    found = gallery.search

    def closing(*args: Any, **kwargs: Any) -> Any:
        cases.close_case(world.services, world.as_("supervisor"), case=casework.request(request).case.id)
        return found(*args, **kwargs)

    monkeypatch.setattr(gallery, "search", closing)
    with pytest.raises(Refused, match=r"gate\.closed-case"):
        search(world.services, world.as_("searcher"), request=request)
    assert (Search.objects.count(), CandidateRow.objects.count()) == (0, 0)
    assert _phases(world) == [("failed", "gate.closed-case"), ("intended", "")]


def test_an_engine_that_breaks_uses_no_approval_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request = world.approved(1)

    def broken(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(FakeEngine, "embed_aligned", broken)
    with pytest.raises(MemoryError):
        search(world.services, world.as_("searcher"), request=request)
    assert casework.request(request).state is RequestState.APPROVED
    assert _phases(world) == [("failed", "MemoryError"), ("intended", "")]
    monkeypatch.undo()
    assert search(world.services, world.as_("searcher"), request=request).candidates == ()


@pytest.mark.usefixtures("committed")
def test_of_two_searches_at_once_exactly_one_succeeds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One approval allows one search, also for two browser tabs."""
    world.enrol(1)
    request = world.approved(1)
    both = threading.Barrier(2, timeout=20)
    gallery = world.services.gallery
    found = gallery.search

    def together(*args: Any, **kwargs: Any) -> Any:
        result = found(*args, **kwargs)
        both.wait()
        return result

    monkeypatch.setattr(gallery, "search", together)
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(search(world.services, world.as_("searcher"), request=request))
        except CustodesError as error:
            outcomes.append(error.code)
        finally:
            world.services.vault.keys.close()  # type: ignore[attr-defined]
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(outcome, SearchRecord) for outcome in outcomes) == [False, True]
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == ["gate.already-searched"]
    assert Search.objects.count() == 1
    assert sorted(_phases(world)) == [
        ("done", ""),
        ("failed", "gate.already-searched"),
        ("intended", ""),
        ("intended", ""),
    ]
    assert searches.unattributed() == []


def test_a_list_that_was_not_yet_made_cannot_be_shown(world: World) -> None:
    request = world.approved(1)
    with pytest.raises(Conflict, match=r"search\.not-run"):
        viewing.view_candidates(world.services, world.as_("searcher"), request=request)


def test_every_ground_of_the_act_is_searchable(world: World) -> None:
    """LAW-13."""
    for number, ground in enumerate(Ground):
        world.enrol(1, person_number=f"P{number}", variation=number, ground=ground)
    assert _search(world, 1).compared == len(Ground)


# --- attribution (AUD-09) ---------------------------------------------------------------------------


def test_a_search_without_its_entry_is_reported(world: World) -> None:
    record = _search(world, 1)
    assert searches.unattributed() == []
    Search.objects.update(log_entry="ent_gone")
    assert searches.unattributed() == [record.id]
