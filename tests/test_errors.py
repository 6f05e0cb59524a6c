"""The one tree of errors: stable codes, exit codes of sysexits.h, sentences that can always be shown."""

from __future__ import annotations

import inspect
import os

import pytest

from custodes import errors
from custodes.errors import CustodesError, Refused
from custodes.text import N_, Text

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CustodesError)]
_SYSEXITS = {getattr(os, name) for name in dir(os) if name.startswith("EX_") and name != "EX_OK"}


@pytest.mark.parametrize("kind", TREE)
def test_every_error_exits_as_sysexits_says_and_has_an_http_status(kind: type[CustodesError]) -> None:
    assert kind.exit_code in _SYSEXITS
    assert 400 <= kind.http_status < 600


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = (errors.__doc__ or "").splitlines()
    for kind in TREE:
        line = next(line for line in drawn if f"{kind.__name__} " in line + " ")
        if kind is not CustodesError:
            assert f" {kind.exit_code} " in line
            assert f" {kind.http_status} " in line


def test_an_input_that_cannot_be_used_and_a_refusal_are_told_apart_by_exit_code() -> None:
    assert errors.InputError.exit_code == errors.ImageError.exit_code == os.EX_DATAERR
    assert errors.Refused.exit_code == errors.NotSignedIn.exit_code == os.EX_NOPERM
    assert errors.SetupError.exit_code == os.EX_CONFIG


@pytest.mark.parametrize("kind", TREE)
def test_an_error_says_what_why_and_what_to_do(kind: type[CustodesError]) -> None:
    error = kind("room.thing", N_("What %(n)d."), why=N_("Why %(n)d."), hint=N_("Do %(n)d."), n=3)
    assert str(error) == "[room.thing] What 3. Why 3. Do 3."
    assert (error.code, error.is_logged) == ("room.thing", False)


@pytest.mark.parametrize("name", ["code", "what", "self_", "rule", "template"])
def test_a_value_may_have_any_name(name: str) -> None:
    """A value called ``code`` (of an offence, of a service) once broke the error that named it."""
    error = Refused("room.thing", f"About %({name})s.", **{name: "x"})
    assert str(error.what) == "About x."


def test_a_value_with_a_percent_sign_is_shown_as_it_is() -> None:
    assert str(CustodesError("a.b", "Found %(it)s.", it="100 %(x)s %d").what) == "Found 100 %(x)s %d."


def test_a_sentence_without_values_may_hold_a_percent_sign() -> None:
    assert Text("100 % sure").render() == "100 % sure"


def test_a_sentence_is_translated_before_it_is_filled() -> None:
    assert Text("Hello %(name)s", {"name": "Ada"}).render({"Hello %(name)s": "Bonjour %(name)s"}.__getitem__) == (
        "Bonjour Ada"
    )


def test_an_empty_sentence_is_never_looked_up() -> None:
    """gettext answers the empty string with the catalogue's header."""
    assert Text("").render(lambda _: "Project-Id-Version") == ""
