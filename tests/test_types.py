"""Values that cross the rooms: frozen, and with the zero of every state meaning what it says."""

from __future__ import annotations

import dataclasses
import inspect
from types import ModuleType

import pytest

from custodes import types
from custodes.policy import facts as policy_facts
from custodes.store import records
from custodes.types import Barrier, Box, Disposition, Face, Filters, Ground, Sex


def _dataclasses(module: ModuleType) -> list[type]:
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize(
    "kind",
    [kind for module in (types, records, policy_facts) for kind in _dataclasses(module)],
    ids=lambda k: k.__name__,
)
def test_what_crosses_a_boundary_is_frozen(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_the_distance_between_the_eyes_is_in_pixels() -> None:
    face = Face(Box(0, 0, 10, 10), ((1.0, 2.0), (4.0, 6.0), (0, 0), (0, 0), (0, 0)), 0.9)
    assert face.inter_eye_distance == 5.0


def test_no_barrier_is_the_only_searchable_state() -> None:
    assert Barrier(0) is Barrier.NONE
    assert all(barrier.value > 0 for barrier in Barrier)


def test_there_is_no_filter_for_race() -> None:
    """SRCH-05."""
    assert {field.name for field in dataclasses.fields(Filters)} == {
        "agencies",
        "sex",
        "age_from",
        "age_to",
        "taken_from",
        "taken_to",
    }


def test_nothing_is_filtered_unless_somebody_chose_it() -> None:
    assert all(value is None for value in dataclasses.asdict(Filters()).values())


@pytest.mark.parametrize("kind", [Sex, Disposition])
def test_what_a_source_leaves_empty_is_unknown_or_pending(kind: type[Sex]) -> None:
    assert not kind("")


def test_there_is_no_ground_other() -> None:
    """LAW-13: a booking on any other basis has no ground at all."""
    assert all(ground.value.startswith("2(1)(") for ground in Ground)
