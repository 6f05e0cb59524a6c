"""The demonstration recovers wherever it was killed."""

from __future__ import annotations

from typing import Any

import pytest

from custodes.cli import demo
from custodes.config import Config
from custodes.store.models import Account, Agreement, RoleGrant
from custodes.workflows import people


class Killed(BaseException):
    """The process ended here."""


def test_a_demo_killed_between_account_and_role_is_finished_by_the_next(
    installed: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    from custodes import app

    installed.database_file.unlink()
    demonstration = demo._Demo(installed)
    installed.database_file.touch()
    demonstration.services = app.open_services(installed)
    grant = people.grant_role

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    monkeypatch.setattr(people, "grant_role", killed)
    with pytest.raises(Killed):
        demonstration._people()
    assert (Account.objects.count(), RoleGrant.objects.count()) == (2, 1)
    monkeypatch.setattr(people, "grant_role", grant)
    again = demo._Demo(installed)
    again.services = demonstration.services
    for _ in range(2):
        again._people()
        assert RoleGrant.objects.count() == Account.objects.count() == len(demo.PEOPLE) + 1
        assert Agreement.objects.count() == 6


def test_work_that_was_left_is_not_left_twice(installed: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    installed.database_file.unlink()
    demonstration, left = demo._Demo(installed), []
    monkeypatch.setattr(demo._Demo, "_search_in_vain", lambda *_: left.append("searched"))
    monkeypatch.setattr(demo._Demo, "_leave_request", lambda *_: left.append("waiting"))
    for _ in range(2):
        demonstration.leave_work(installed.data_dir)
    assert left == ["searched", "waiting"]
