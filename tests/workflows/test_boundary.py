"""The edge of every workflow: nothing is done without asking, nothing refused without an entry."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.workflows.conftest import World

import custodes.workflows
from custodes.errors import InputError, NotSignedIn, Refused
from custodes.ids import CaseId, ProbeId, RequestId
from custodes.ledger import Event
from custodes.ledger.events import CaseOpened, CaseViewed
from custodes.policy import Action
from custodes.store.database import GALLERY, transaction_of_its_own
from custodes.types import Context
from custodes.workflows import cases
from custodes.workflows.boundary import named_in, signed_in, viewed, workflow
from custodes.workflows.requests import RequestForm
from custodes.workflows.services import Services

_ROOM = Path(custodes.workflows.__file__).parent
_WITHOUT_ASKING = {"create_installation"}
"""Once, in an empty installation; held by test_people.py."""


def _workflows() -> dict[str, set[str]]:
    """Every workflow with the names of what it calls, through private helpers of its module."""
    found = {}
    for path in sorted(_ROOM.rglob("*.py")):
        functions = {n.name: n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}
        calls = {
            name: {getattr(c.func, "id", "") for c in ast.walk(node) if isinstance(c, ast.Call)}
            for name, node in functions.items()
        }
        for name, node in functions.items():
            names = {getattr(getattr(d, "func", d), "id", "") for d in node.decorator_list}
            if "workflow" in names:
                through = set().union(*(calls[c] for c in calls[name] if c in calls))
                found[name] = calls[name] | through
    return found


def test_there_are_workflows() -> None:
    assert len(_workflows()) >= 18


@pytest.mark.parametrize("name", _workflows())
def test_every_workflow_asks_policy(name: str) -> None:
    """Default deny: a workflow that forgets to ask is caught here, not by an auditor."""
    assert name in _WITHOUT_ASKING or "permit" in _workflows()[name]


@workflow
def _rolled_back(services: Services, context: Context, error: Exception, *targets: object) -> None:
    with transaction_of_its_own(GALLERY):
        services.ledger.with_rows(Event(context, CaseOpened(opened=CaseId.new(context.entropy))))
        raise error


@pytest.mark.usefixtures("committed")
def test_a_rolled_back_workflow_leaves_its_refusal_and_nothing_else(world: World) -> None:
    size = world.services.entries.size()
    with pytest.raises(Refused):
        _rolled_back(world.services, world.as_("searcher"), Refused("gate.test", "No."))
    assert world.services.entries.size() == size + 1
    assert (world.log()[0]["kind"], world.log()[0]["phase"]) == ("action.refused", "alone")
    assert world.log()[0]["facts"] == {"action": "rolled-back", "code": "gate.test"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refused("gate.test", "No."), "action.refused"),
        (NotSignedIn("session.none", "Nobody."), "action.refused"),
        (InputError("input.test", "No."), "input.rejected"),
    ],
)
def test_a_refusal_and_an_unusable_input_are_told_apart(error: Exception, kind: str, world: World) -> None:
    with pytest.raises(type(error)):
        _rolled_back(world.services, world.as_("searcher"), error)
    assert world.log()[0]["kind"] == kind


def test_an_error_is_logged_once_however_many_workflows_it_passes(world: World) -> None:
    @workflow
    def outer(services: Services, context: Context) -> None:
        cases.open_case(services, context, number="")

    size = world.services.entries.size()
    with pytest.raises(InputError):
        outer(world.services, world.as_("searcher"))
    assert world.services.entries.size() == size + 1


def test_an_entry_names_what_was_asked_of_but_no_free_text() -> None:
    case, probe, request = CaseId("cas_1"), ProbeId("prb_1"), RequestId("req_1")
    form = RequestForm(case=case, probe=probe, necessity="a name", face=1)
    assert named_in(form, "free text", b"bytes", 7, None, request) == (case, probe, request)


def test_nobody_signed_in_is_an_error_of_its_own(world: World) -> None:
    for nobody in (replace(world.as_("searcher"), actor=None), replace(world.as_("searcher"), agency=None)):
        with pytest.raises(NotSignedIn, match=r"session\.none"):
            signed_in(nobody)
        with pytest.raises(NotSignedIn):
            cases.open_case(world.services, nobody, number="1")
        assert world.log()[0]["facts"]["code"] == "session.none"


def test_a_look_is_logged_before_it_happens(world: World) -> None:
    case = CaseId.new(os.urandom)
    viewed(world.services, world.as_("searcher"), CaseViewed(viewed=case))
    assert (world.log()[0]["phase"], world.log()[0]["targets"]) == ("alone", [case])


def test_renaming_a_function_does_not_change_the_log(world: World) -> None:
    @workflow(Action.ADD_PROBE)
    def renamed(services: Services, context: Context) -> None:
        raise Refused("gate.test", "No.")

    with pytest.raises(Refused):
        renamed(world.services, world.as_("searcher"))
    assert world.log()[0]["facts"]["action"] == "add-probe"
