"""The shared fixtures themselves: what is skipped here must fail where nothing may be skipped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from custodes.ids import Entropy, SubjectId


def test_a_missing_thing_skips(skip_or_fail: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTODES_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no weights"):
        skip_or_fail("no weights")


def test_a_missing_thing_fails_where_all_is_required(
    skip_or_fail: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODES_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no weights"):
        skip_or_fail("no weights")


def test_the_clock_moves_only_when_told(fixed_clock) -> None:  # type: ignore[no-untyped-def]
    assert fixed_clock.now() == fixed_clock.now() == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    fixed_clock.advance(hours=1)
    assert fixed_clock.now() == datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


def test_entropy_repeats_between_runs_but_not_within_one(entropy: Entropy) -> None:
    assert SubjectId.new(entropy) != SubjectId.new(entropy)
    assert len(entropy(100)) == 100
