"""What Django writes on standard error names no address, no host and no id of a record."""

from __future__ import annotations

import logging

import pytest
from django.core.handlers.wsgi import WSGIHandler

from custodes.app import set_up_django
from custodes.web.discretion import Discretion, be_discreet


def _line(name: str, status: int) -> logging.LogRecord:
    fault = (ValueError, ValueError("evil.example"), None)
    record = logging.LogRecord(name, logging.ERROR, "", 1, "Forbidden: %s", ("/probe/prb_1/image",), fault)
    record.status_code = status
    assert Discretion().filter(record)
    return record


def test_a_line_names_neither_address_nor_host_and_a_clients_fault_has_no_traceback() -> None:
    for name, status in (("django.request", 403), ("django.security.DisallowedHost", 400)):
        record = _line(name, status)
        assert record.getMessage() == f"{name}: status {status}, request None"
        assert record.exc_info is None


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    record = _line("django.request", 500)
    assert record.exc_info
    assert "prb_" not in record.getMessage()


def test_other_lines_are_left_alone() -> None:
    assert _line("custodes", 400).getMessage() == "Forbidden: /probe/prb_1/image"


def test_being_discreet_twice_is_being_discreet_once() -> None:
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        be_discreet()
        be_discreet()
        assert [type(known) for known in handler.filters] == [Discretion]
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_server_that_sets_django_up_again_is_as_discreet() -> None:
    """gunicorn's worker asks for the application after the log was configured anew."""
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        WSGIHandler()
        assert [type(known) for known in handler.filters] == [Discretion]
    finally:
        logging.getLogger().removeHandler(handler)


def test_opening_an_installation_leaves_the_log_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request opens it, long after the pages became discreet."""
    monkeypatch.setattr("django.setup", lambda: pytest.fail("Django was set up a second time"))
    set_up_django()
