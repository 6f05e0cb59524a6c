"""Every value of a closed list has words in both languages; so has every code word inside an error."""

from __future__ import annotations

import enum
from dataclasses import replace

import pytest
from django.utils import translation

from custodes.app import new_context
from custodes.errors import Refused
from custodes.ids import AccountId, AgencyId
from custodes.ledger import EventKind
from custodes.policy import Action, decide
from custodes.policy.casework import missing_fields as policy_s_missing_fields
from custodes.policy.facts import RequestFacts
from custodes.types import (
    Authority,
    Barrier,
    CorrectionState,
    Disposition,
    Filters,
    Ground,
    Phase,
    Pose,
    ProbeSource,
    Purpose,
    RecordFact,
    RequestState,
    Role,
    Sex,
    Youth,
)
from custodes.web import labels
from custodes.web.explain import REQUEST_FIELDS, explain, missing_fields
from custodes.web.filters import described
from custodes.workflows.reference import serious_offences

LISTS: tuple[type[enum.StrEnum], ...] = (
    Role,
    Purpose,
    ProbeSource,
    Authority,
    RequestState,
    Sex,
    Youth,
    Ground,
    Disposition,
    Phase,
    Pose,
    RecordFact,
    CorrectionState,
)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_member_has_words_of_its_own(kind: type[enum.StrEnum], language: str) -> None:
    with translation.override(language):
        words = [labels.label(member) for member in kind]
    assert all(words)
    assert len(set(words)) == len(words)


def test_every_action_event_and_barrier_has_words() -> None:
    assert all(labels.action_label(action.value) for action in Action)
    assert all(labels.event_label(kind.value) != kind.value for kind in EventKind)
    assert all(len(labels.barrier_labels(barrier)) == 1 for barrier in Barrier)
    assert labels.barrier_labels(Barrier.NONE) == []
    assert len(labels.barrier_labels(Barrier.YOUTH | Barrier.NO_DATE)) == 2


def test_an_event_kind_of_a_later_version_is_shown_as_it_is() -> None:
    assert labels.event_label("comparison.made") == "comparison.made"


def test_policy_s_names_of_missing_fields_are_all_known() -> None:
    """LAW-01: what policy misses can be marked beside its field."""
    empty = RequestFacts(None, "", "", None, None, "", "", None, "", has_probe=False, face_picked=False)
    assert policy_s_missing_fields(empty) == list(REQUEST_FIELDS)


def test_code_words_inside_an_error_are_translated() -> None:
    error = Refused("gate.role", "The role “%(role)s” may not do this (%(action)s).", role="searcher", action="enrol")
    with translation.override("fr"):
        shown = explain(error)
    assert "Recherche" in shown.what
    assert "inscrire des photographies" in shown.what


def test_missing_fields_are_translated_and_found_in_the_form() -> None:
    error = Refused(
        "gate.incomplete-request",
        "The request is incomplete. Missing: %(missing)s.",
        missing="legal authority, necessity and proportionality",
    )
    assert missing_fields(error) == ["authority", "authority_reference", "necessity"]
    with translation.override("fr"):
        assert "autorisation légale, nécessité et proportionnalité" in explain(error).what


def test_a_refusal_of_policy_explains_itself() -> None:
    nobody = new_context()
    with pytest.raises(Refused) as refusal:
        decide(
            Action.VIEW_LOG, replace(nobody, actor=AccountId("a"), agency=AgencyId("b"), role=Role.SEARCHER)
        ).require()
    with translation.override("en"):
        assert explain(refusal.value).what == "The role “Searcher” may not do this (read the log)."


def test_filters_that_were_not_chosen_are_not_described() -> None:
    assert described(Filters(), []) == []
    with translation.override("fr"):
        assert described(Filters(age_to=30), []) == ["Âge le jour de la recherche\N{NO-BREAK SPACE}: jusqu’à 30"]


def test_every_serious_offence_has_a_title_in_both_languages() -> None:
    for offence in serious_offences().values():
        assert offence.title("en") != offence.title("fr-CA") or offence.code == "CC 346"
