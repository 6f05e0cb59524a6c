"""``__all__`` is the public API."""

from __future__ import annotations

from types import ModuleType

from custodes import imaging


def test_all_is_exactly_what_the_room_offers() -> None:
    offered = {name for name, value in vars(imaging).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert offered == set(imaging.__all__)
    assert imaging.__all__ == sorted(imaging.__all__, key=lambda name: (name[0].islower(), name))
