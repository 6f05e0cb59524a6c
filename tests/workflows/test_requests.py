"""Asking, approving, declining (LAW-01 to LAW-04, LAW-07, LAW-09): one clear error, one entry, nothing half-written."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.workflows.conftest import World

from custodes.errors import CustodesError, InputError, NotFound, Refused
from custodes.ids import CaseId, ProbeId, RequestId
from custodes.store import casework
from custodes.store.models import Approval, SearchRequest
from custodes.types import Filters, RequestState, Role, Sex
from custodes.workflows import cases, people, requests

_FIELDS = {
    "case": "case number",
    "probe": "probe",
    "face": "face",
    "offence_code": "offence",
    "purpose": "purpose",
    "authority": "legal authority",
    "authority_reference": "legal authority",
    "necessity": "necessity and proportionality",
    "source": "probe source",
    "how_obtained": "how the probe was obtained",
}


def _refused(world: World, error: type[CustodesError], code: str, deed: Any) -> CustodesError:
    """The deed fails with this code, leaves one entry that says so, and changes no request and no approval."""
    before = (world.services.entries.size(), *_rows())
    with pytest.raises(error) as refusal:
        deed()
    assert refusal.value.code == code
    assert (world.services.entries.size(), *_rows()) == (before[0] + 1, *before[1:])
    entry = world.log()[0]
    assert entry["facts"]["code"] == code
    assert entry["kind"] == ("action.refused" if error is Refused else "input.rejected")
    return refusal.value


def _rows() -> tuple[list[Any], list[Any]]:
    return list(SearchRequest.objects.values()), list(Approval.objects.values())


# --- asking -----------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(names=st.sets(st.sampled_from(sorted(_FIELDS)), min_size=1))
def test_whatever_is_missing_is_named_logged_and_nothing_is_written(names: set[str], world: World) -> None:
    """LAW-01, over subsets of the fields, through the workflow."""
    number = f"2026-{len(casework.cases(world.person('searcher').agency.id))}"
    case = world.case(number)
    empty: dict[str, object] = {name: None if name in ("case", "probe", "face") else "" for name in names}
    form = world.form(case.id, world.probe(case.id, 1), **empty)
    error = _refused(
        world,
        Refused,
        "gate.incomplete-request",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )
    assert set(str(error.values["missing"]).split(", ")) == {_FIELDS[name] for name in names}


@pytest.mark.parametrize("name", sorted(_FIELDS))
def test_one_missing_field_is_enough(name: str, world: World) -> None:
    """LAW-01, field by field."""
    case = world.case()
    missing = None if name in ("case", "probe", "face") else " "
    if name in ("purpose", "authority", "source"):
        missing = ""
    form = world.form(case.id, world.probe(case.id, 1), **{name: missing})
    error = _refused(
        world,
        Refused,
        "gate.incomplete-request",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )
    assert error.values["missing"] == _FIELDS[name]


@pytest.mark.parametrize(
    "value",
    [
        "social-media",
        "open-web",
        "body-cam-live",
        "https://example.org/face.jpg",
        "rtsp://camera.example/stream",
        "file:///etc/passwd",
        "immigration-status",
        "general-public-safety",
        "PERSON-OF-INTEREST",
        "person-of-interest ",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("field", ["purpose", "authority", "source"])
def test_a_value_outside_the_closed_lists_is_refused(field: str, value: str, world: World) -> None:
    """LAW-03, LAW-04, LAW-07."""
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1), **{field: value})
    error = _refused(
        world,
        InputError,
        "request.unknown-value",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )
    assert len(str(error)) < 500
    assert value not in str(world.log()[0]), "what was given is not in the log"


@pytest.mark.parametrize(
    "url", [b"https://example.org/face.jpg", b"rtsp://camera.example/1", b"http://10.0.0.1/snapshot", b"#EXTM3U\n"]
)
def test_an_address_is_no_probe(url: bytes, world: World) -> None:
    """LAW-04: Custodes takes bytes of an image; it fetches nothing."""
    case = world.case()
    _refused(
        world,
        InputError,
        "image.not-an-image",
        lambda: cases.add_probe(world.services, world.as_("searcher"), case=case.id, data=url),
    )
    assert casework.probes(case.id) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"face": 2}, "request.no-such-face"),
        ({"face": -1}, "request.no-such-face"),
        ({"necessity": "x" * 4001}, "request.too-long"),
        ({"authority_reference": "x" * 201}, "request.too-long"),
        ({"filters": Filters(age_from=40, age_to=30)}, "search.filters"),
        ({"filters": Filters(age_from=-1)}, "search.filters"),
        ({"filters": Filters(taken_from=date(2026, 1, 2), taken_to=date(2026, 1, 1))}, "search.filters"),
    ],
    ids=str,
)
def test_what_could_never_be_searched_is_refused_before_anybody_approves_it(
    changes: dict[str, object], code: str, world: World
) -> None:
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1, 2), **changes)
    _refused(world, InputError, code, lambda: requests.request_search(world.services, world.as_("searcher"), form))


def test_an_offence_off_the_list_is_refused(world: World) -> None:
    """LAW-02."""
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1), offence_code="CC 334(b)")
    _refused(
        world,
        Refused,
        "gate.serious-offence",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )


def test_a_probe_of_another_case_is_refused(world: World) -> None:
    """Attack: take a probe that was lawful in one case into another."""
    case, other = world.case("1"), world.case("2")
    form = world.form(case.id, world.probe(other.id, 1))
    _refused(
        world,
        InputError,
        "request.probe-of-another-case",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )


def test_a_request_in_another_services_case_is_refused(world: World) -> None:
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1))
    _refused(
        world,
        Refused,
        "gate.own-agency",
        lambda: requests.request_search(world.services, world.as_("partner searcher"), form),
    )


def test_a_request_in_a_closed_case_is_refused(world: World) -> None:
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1))
    cases.close_case(world.services, world.as_("searcher"), case=case.id)
    _refused(
        world,
        Refused,
        "gate.closed-case",
        lambda: requests.request_search(world.services, world.as_("searcher"), form),
    )


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("case", CaseId("cas_x"), "case.unknown"), ("probe", ProbeId("prb_x"), "probe.unknown")],
)
def test_a_request_about_nothing_is_refused(field: str, value: object, code: str, world: World) -> None:
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1), **{field: value})
    _refused(world, NotFound, code, lambda: requests.request_search(world.services, world.as_("searcher"), form))


@pytest.mark.parametrize("who", ["supervisor", "administrator", "auditor", "records officer"])
def test_only_a_searcher_asks(who: str, world: World) -> None:
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1))
    _refused(world, Refused, "gate.role", lambda: requests.request_search(world.services, world.as_(who), form))


def test_a_request_is_kept_as_it_was_asked(world: World) -> None:
    filters = Filters(
        agencies=frozenset({world.person("searcher").agency.id}),
        sex=Sex.FEMALE,
        age_from=20,
        age_to=30,
        taken_from=date(2020, 1, 1),
        taken_to=date(2025, 1, 1),
    )
    made = world.request(1, filters=filters)
    assert casework.request(made.id) == made
    assert made.filters == filters
    assert made.state is RequestState.AWAITING
    entry = world.log()[0]
    assert (entry["kind"], entry["request"], entry["case"]) == ("request.made", made.id, made.case.id)
    assert entry["facts"]["filters"] == ["agencies", "sex", "age_from", "age_to", "taken_from", "taken_to"]
    assert entry["facts"]["agencies"] == sorted(filters.agencies or ())
    # what they choose tells what group the person sought is of (AUD-05)
    assert json.loads(world.private(entry)["filter_values"]) == casework.filters_to_json(filters)


def test_a_refusal_says_in_the_log_which_case_it_was_about(world: World) -> None:
    """An auditor who looks by case must find what was refused in it."""
    case = world.case()
    form = world.form(case.id, world.probe(case.id, 1), necessity="")
    with pytest.raises(Refused):
        requests.request_search(world.services, world.as_("searcher"), form)
    entry = world.services.entries.newest(1, case=case.id)[0]
    assert entry.kind == "action.refused"
    assert world.log()[0]["targets"] == [case.id, form.probe]


# --- deciding (LAW-09) ------------------------------------------------------------------------------


def test_another_person_approves(world: World) -> None:
    made = world.request(1)
    approved = requests.approve_request(world.services, world.as_("supervisor"), request=made.id, reason=" Sound. ")
    assert approved.state is RequestState.APPROVED
    assert approved.approval is not None
    assert approved.approval.approver == world.person("supervisor").id
    assert approved.approval.reason == "Sound."
    entry = world.log()[0]
    assert (entry["kind"], entry["phase"], entry["request"]) == ("request.approved", "effect", made.id)


@pytest.mark.parametrize("decide", ["approve", "decline"])
class TestDeciding:
    def _decide(self, world: World, who: str, decide: str, request: RequestId) -> Any:
        if decide == "approve":
            return lambda: requests.approve_request(world.services, world.as_(who), request=request)
        return lambda: requests.decline_request(world.services, world.as_(who), request=request, reason="No.")

    def test_nobody_decides_their_own_request(self, decide: str, world: World) -> None:
        """The searcher is a supervisor too, and still may not."""
        made = world.request(1)
        searcher = world.person("searcher")
        people.grant_role(world.services, world.as_("administrator"), account=searcher.id, role=Role.SUPERVISOR)
        world.people["both"] = (searcher, Role.SUPERVISOR)
        _refused(world, Refused, "gate.second-person", self._decide(world, "both", decide, made.id))
        assert world.log()[0]["request"] == made.id

    @pytest.mark.parametrize("who", ["searcher", "other searcher", "administrator", "auditor", "records officer"])
    def test_only_a_supervisor_decides(self, decide: str, who: str, world: World) -> None:
        _refused(world, Refused, "gate.role", self._decide(world, who, decide, world.request(1).id))

    def test_a_supervisor_of_another_service_does_not_decide(self, decide: str, world: World) -> None:
        request = world.request(1).id
        _refused(world, Refused, "gate.own-agency", self._decide(world, "partner supervisor", decide, request))

    @pytest.mark.parametrize("first", ["approve", "decline"])
    def test_nothing_is_decided_twice(self, decide: str, first: str, world: World) -> None:
        made = world.request(1)
        self._decide(world, "supervisor", first, made.id)()
        _refused(world, Refused, "gate.already-decided", self._decide(world, "supervisor", decide, made.id))

    def test_nothing_is_decided_once_the_case_is_closed(self, decide: str, world: World) -> None:
        made = world.request(1)
        cases.close_case(world.services, world.as_("supervisor"), case=made.case.id)
        _refused(world, Refused, "gate.closed-case", self._decide(world, "supervisor", decide, made.id))

    def test_a_request_that_does_not_exist_is_not_decided(self, decide: str, world: World) -> None:
        request = RequestId("req_" + "0" * 26)
        _refused(world, NotFound, "request.unknown", self._decide(world, "supervisor", decide, request))


@pytest.mark.parametrize("reason", ["", " \n"])
def test_declining_needs_a_reason(reason: str, world: World) -> None:
    made = world.request(1)
    _refused(
        world,
        InputError,
        "request.reason",
        lambda: requests.decline_request(world.services, world.as_("supervisor"), request=made.id, reason=reason),
    )


def test_a_declined_request_stays_declined_with_its_reason_out_of_the_log(world: World) -> None:
    """AUD-05."""
    made = world.request(1)
    declined = requests.decline_request(
        world.services, world.as_("supervisor"), request=made.id, reason="Not proportionate."
    )
    assert declined.state is RequestState.DECLINED
    assert "proportionate" not in str(world.log(3))
