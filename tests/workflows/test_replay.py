"""A recorded search run again: compared entry by entry, destroyed rows named, or the reason why it cannot (SRCH-06)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.workflows.conftest import World

from custodes.engine.fake import FAKE_CONTRACT, FakeEngine
from custodes.errors import Conflict, InputError, NotFound, Refused
from custodes.ids import KeyId, SearchId
from custodes.ranking import reference
from custodes.store.database import raise_generation
from custodes.store.enrolment import NewPhotograph
from custodes.store.models import CandidateRow, GalleryEntry, Generation, JobRow, Search, TemplateRow
from custodes.store.records import SearchRecord
from custodes.workflows import replay_sample as sampling
from custodes.workflows.repetition import Outcome
from custodes.workflows.replay import Replay, replay, replay_search
from custodes.workflows.replay_sample import Agreement, replay_sample
from custodes.workflows.search import certificate_of, search


def _search(world: World, identity: int = 1, number: str = "2026-1") -> SearchRecord:
    return search(world.services, world.as_("searcher"), request=world.approved(identity, number=number))


def _replay(world: World, record: SearchRecord) -> Replay:
    return replay_search(world.services, world.as_("auditor"), search=record.id)


def _sentences(answer: Replay) -> str:
    return " ".join(map(str, answer.differences))


def _destroy(world: World, new: NewPhotograph) -> None:
    """What the destruction of a record does to what searches see: its row dies, its template's key is gone."""
    entry = GalleryEntry.objects.filter(template__uid=new.template_id)
    entry.update(died=raise_generation())
    key = TemplateRow.objects.get(uid=new.template_id).key_uid
    world.services.vault.keys.destroy([KeyId(key)])
    world.services.gallery.erase([(new.template_id, entry.get().born)])


def test_a_search_comes_out_the_same_by_its_own_id_and_by_its_requests(world: World) -> None:
    for identity in range(4):
        world.enrol(identity)
    world.services.threshold = -1.0
    record = _search(world)
    world.enrol(1, person_number="later", variation=1)
    answer = _replay(world, record)
    assert (answer.outcome, answer.differences, answer.rows_destroyed) == (Outcome.SAME, (), 0)
    assert replay(world.services, world.as_("supervisor"), request=record.request) == answer
    entry = world.log()[0]
    assert (entry["kind"], entry["targets"]) == ("search.replayed", [record.id])
    assert entry["facts"] == {
        "came_out": "same",
        "differences": 0,
        "destroyed": 0,
        "quarantined": 0,
        "rows_destroyed": 0,
    }


def test_a_replay_scores_with_the_reference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enrol(1)
    record = _search(world)
    scored = []
    scores = reference.scores
    monkeypatch.setattr(reference, "scores", lambda *given: (scored.append(1), scores(*given))[1])
    assert _replay(world, record).same
    assert scored


# --- attacks on what was stored ----------------------------------------------------------------------


def test_a_candidate_taken_off_the_stored_list_is_found(world: World) -> None:
    """Attack by whoever writes to the database: hide whom the search returned."""
    world.enrol(1)
    record = _search(world)
    CandidateRow.objects.all().delete()
    answer = _replay(world, record)
    assert answer.outcome is Outcome.DIFFERENT
    assert "has a candidate that the stored one lacks" in _sentences(answer)
    assert "it was altered since" in _sentences(answer)
    assert world.log()[0]["facts"]["came_out"] == "different"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": 0.999}, "another score"),
        ({"photographs": []}, ""),
        ({"rank": 2}, "at rank 1"),
    ],
    ids=["score", "photographs", "rank"],
)
def test_an_entry_of_the_stored_list_that_was_edited_is_found(change: dict[str, Any], said: str, world: World) -> None:
    world.enrol(1)
    record = _search(world)
    CandidateRow.objects.update(**change)
    answer = _replay(world, record)
    assert answer.outcome is Outcome.DIFFERENT
    assert said in _sentences(answer)


def test_a_certificate_made_anew_over_an_edited_list_is_not_the_logs(world: World) -> None:
    """Attack: edit threshold and certificate together, so that what is stored agrees with itself."""
    world.enrol(1)
    record = _search(world)
    from custodes.store import casework, searches

    Search.objects.update(threshold=0.51)
    template, _ = searches.replay_input(world.services.vault, record.id)
    edited = searches.search(record.id)
    Search.objects.update(certificate=certificate_of(edited, casework.request(record.request), template))
    answer = _replay(world, record)
    assert answer.outcome is Outcome.DIFFERENT
    assert _sentences(answer) == "The log's entry of this search does not state this certificate."


def test_a_gallery_row_that_was_hidden_behind_the_products_back_is_found(world: World) -> None:
    """Attack: hide one gallery row of an old generation."""
    new = world.enrol(1)
    record = _search(world)
    GalleryEntry.objects.filter(template__uid=new.template_id).update(born=record.generation + 1)
    raise_generation()
    world.services.gallery.rebuild()
    answer = _replay(world, record)
    assert answer.outcome is Outcome.DIFFERENT
    assert "is not on the repeated list" in _sentences(answer)


# --- destroyed rows ----------------------------------------------------------------------------------


def test_a_destroyed_candidate_is_named_and_the_rest_comes_out_the_same(world: World) -> None:
    new = [world.enrol(identity) for identity in range(3)]
    world.services.threshold = -1.0
    record = _search(world)
    _destroy(world, new[1])
    answer = _replay(world, record)
    assert (answer.outcome, answer.differences) == (Outcome.PARTIAL, ())
    assert (answer.destroyed, answer.rows_destroyed) == ([new[1].subject_id], 1)
    assert world.log()[0]["facts"]["came_out"] == "partial"


def test_a_destroyed_row_that_was_no_candidate_is_counted(world: World) -> None:
    world.enrol(1)
    other = world.enrol(2)
    record = _search(world)
    _destroy(world, other)
    answer = _replay(world, record)
    assert (answer.outcome, answer.destroyed, answer.rows_destroyed) == (Outcome.PARTIAL, [], 1)


def test_a_row_destroyed_before_the_search_is_none_of_its_rows(world: World) -> None:
    other = world.enrol(2)
    _destroy(world, other)
    world.enrol(1)
    answer = _replay(world, _search(world))
    assert (answer.outcome, answer.rows_destroyed) == (Outcome.SAME, 0)


# --- why it cannot be run ----------------------------------------------------------------------------


def _not_run(world: World, record: SearchRecord) -> Replay:
    answer = _replay(world, record)
    assert (answer.outcome, answer.same, answer.differences) == (Outcome.NOT_RUN, False, ())
    assert answer.reason
    assert (world.log()[0]["facts"]["came_out"], world.log()[0]["facts"]["code"]) == ("not-run", answer.code)
    return answer


def test_under_another_model_pack_it_cannot_be_run(world: World) -> None:
    world.enrol(1)
    record = _search(world)
    world.services.engine = FakeEngine(replace(FAKE_CONTRACT, id="another"))  # type: ignore[misc]
    answer = _not_run(world, record)
    assert answer.code == "contract.of-another-pack"
    assert "model pack" in str(answer.reason)


def test_without_the_probes_template_it_cannot_be_run(world: World) -> None:
    record = _search(world)
    world.services.vault.keys.destroy([KeyId(Search.objects.get().template_key_uid)])
    answer = _not_run(world, record)
    assert answer.code == "vault.key-gone"
    assert "template was destroyed" in str(answer.reason)


def test_on_a_gallery_put_back_from_an_older_copy_it_cannot_be_run(world: World) -> None:
    world.enrol(1)
    record = _search(world)
    Generation.objects.update(number=0)
    assert _not_run(world, record).code == "search.generation"


def test_a_gallery_that_cannot_be_read_is_the_reason_and_not_a_crash(world: World) -> None:
    new = world.enrol(1)
    record = _search(world)
    TemplateRow.objects.filter(uid=new.template_id).update(ciphertext=bytes(60))
    world.services.gallery.rebuild()
    assert _not_run(world, record).code == "vault.altered"


# --- who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["searcher", "administrator"])
def test_a_replay_by_the_searchs_id_is_not_for_everybody(who: str, world: World) -> None:
    record = _search(world)
    with pytest.raises(Refused):
        replay_search(world.services, world.as_(who), search=record.id)


def test_another_services_search_is_not_replayed(world: World) -> None:
    record = _search(world)
    with pytest.raises((Refused, NotFound)):
        replay_search(world.services, world.as_("partner supervisor"), search=record.id)


def test_what_was_not_searched_cannot_be_replayed(world: World) -> None:
    request = world.approved(1)
    with pytest.raises(Conflict, match=r"search\.not-run"):
        replay(world.services, world.as_("auditor"), request=request)
    with pytest.raises(NotFound, match=r"search\.unknown"):
        replay_search(world.services, world.as_("auditor"), search=SearchId("sea_" + "0" * 26))


# --- a sample ----------------------------------------------------------------------------------------


def _many(world: World, count: int) -> list[SearchRecord]:
    world.enrol(1)
    return [_search(world, number=f"2026-{number}") for number in range(count)]


def _replayed(world: World) -> list[str]:
    return [entry["targets"][0] for entry in world.log(200) if entry["kind"] == "search.replayed"]


def test_a_sample_is_replayed_and_its_agreement_is_logged(world: World) -> None:
    _many(world, 5)
    found = replay_sample(world.services, world.as_("auditor"), count=3)
    assert found == Agreement(same=3, partial=0, different=0, not_run=0)
    assert len(set(_replayed(world))) == 3
    assert (world.log()[0]["kind"], world.log()[0]["facts"]) == (
        "replay.finished",
        {"same": 3, "partial": 0, "different": 0, "not_run": 0},
    )
    started = next(entry for entry in world.log(50) if entry["kind"] == "replay.started")
    assert started["facts"]["sample"] == 3


def test_the_sample_is_drawn_by_the_contexts_randomness_alone(world: World) -> None:
    _many(world, 6)

    def drawn(byte: bytes) -> list[str]:
        context = replace(world.as_("auditor"), entropy=lambda size: byte * size)
        seeded = sampling.searches.sample_of(context.agency, context.entropy(16), 2, until=world.clock.now())  # type: ignore[arg-type]
        return list(map(str, seeded))

    assert drawn(b"a") == drawn(b"a")
    assert len({tuple(drawn(bytes([byte]))) for byte in range(12)}) > 1


def test_a_sample_larger_than_what_there_is_takes_everything_of_ones_own_service(world: World) -> None:
    _many(world, 2)
    assert replay_sample(world.services, world.as_("auditor"), count=10).total == 2
    assert replay_sample(world.services, world.as_("partner supervisor"), count=10).total == 0


def test_an_edited_list_in_the_sample_is_counted_and_shown(world: World) -> None:
    edited = _many(world, 3)[1]
    CandidateRow.objects.filter(search__uid=edited.id).delete()
    found = replay_sample(world.services, world.as_("auditor"), count=3)
    assert (found.same, found.different) == (2, 1)
    assert [answer.search.id for answer in found.apart] == [edited.id]
    assert world.log()[0]["facts"]["different"] == 1


def test_an_interrupted_sample_goes_on_with_what_it_had_drawn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _many(world, 4)
    again, left = sampling.replay_search, [2]

    def stopping(*args: Any, **kwargs: Any) -> Replay:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return again(*args, **kwargs)

    monkeypatch.setattr(sampling, "replay_search", stopping)
    with pytest.raises(KeyboardInterrupt):
        replay_sample(world.services, world.as_("auditor"), count=4)
    monkeypatch.undo()
    assert replay_sample(world.services, world.as_("auditor"), count=1).same == 4
    assert sorted(_replayed(world)) == sorted(set(_replayed(world)))
    assert JobRow.objects.count() == 1
    assert "replay.resumed" in [entry["kind"] for entry in world.log(50)]


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_a_sample_of_no_or_endless_size_is_refused(count: int, world: World) -> None:
    with pytest.raises(InputError, match=r"replay\.sample"):
        replay_sample(world.services, world.as_("auditor"), count=count)


def test_a_sample_is_for_those_who_may_replay(world: World) -> None:
    with pytest.raises(Refused):
        replay_sample(world.services, world.as_("searcher"), count=1)


def test_no_entry_of_a_replay_says_who_was_found_or_how_similar(world: World) -> None:
    """AUD-05: outcome and counts only."""
    new = world.enrol(1)
    _replay(world, _search(world))
    text = json.dumps(world.log())
    assert new.subject_id not in text
    assert "score" not in text
