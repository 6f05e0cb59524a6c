"""Somebody who asks, and complete facts that a test then spoils."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import CountedEntropy, FixedClock

from custodes.ids import AccountId, AgencyId, TraceId
from custodes.policy.facts import CaseFacts, RequestFacts
from custodes.types import Authority, Context, ProbeSource, Purpose, Role

Ask = Callable[..., Context]


@pytest.fixture
def agency(entropy: CountedEntropy) -> AgencyId:
    return AgencyId.new(entropy)


@pytest.fixture
def someone(agency: AgencyId, entropy: CountedEntropy, fixed_clock: FixedClock) -> Ask:
    """``someone(role)``: a signed-in person of ``agency`` in that role."""

    def context(role: Role | None = Role.SEARCHER, actor: AccountId | None = None) -> Context:
        return Context(
            actor=actor or AccountId.new(entropy),
            agency=agency,
            role=role,
            clock=fixed_clock,
            entropy=entropy,
            trace=TraceId.new(entropy),
        )

    return context


@pytest.fixture
def complete(agency: AgencyId) -> RequestFacts:
    """A request in which nothing is missing."""
    return RequestFacts(
        case=CaseFacts(agency, is_open=True),
        case_number="2026-1",
        offence_code="CC 344",
        purpose=Purpose.IDENTIFY_PERSON_OF_INTEREST,
        authority=Authority.WARRANT,
        authority_reference="W-17",
        necessity="No other lead.",
        source=ProbeSource.CCTV_RECORDING,
        how_obtained="Volunteered.",
        has_probe=True,
        face_picked=True,
    )
