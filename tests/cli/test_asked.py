"""What commands ask for: days as ISO 8601 writes them, new passwords twice."""

from __future__ import annotations

from datetime import date

import click
import pytest
from click.testing import CliRunner, Result

from custodes.cli.asked import DAY, new_password


@click.command()
@click.option("--day", type=DAY)
def _day(day: date | None) -> None:
    click.echo(repr(day))


@click.command()
@new_password("CUSTODES_TEST_PASSWORD")
def _password(password: str) -> None:
    click.echo(f"got {len(password)}")


def _ask(typed: str = "", **environ: str) -> Result:
    return CliRunner().invoke(_password, [], input=typed, env=environ)


def test_a_day_is_a_date() -> None:
    assert DAY.convert("2026-03-31", None, None) == date(2026, 3, 31)
    assert DAY.convert(date(2026, 3, 31), None, None) == date(2026, 3, 31)
    assert CliRunner().invoke(_day, []).output == "None\n"


@pytest.mark.parametrize("text", ["31/03/2026", "2026-02-30", "", "yesterday", "2026-03-31T00:00"])
def test_what_is_not_a_day_is_a_usage_error_that_shows_how(text: str) -> None:
    result = CliRunner().invoke(_day, ["--day", text])
    assert result.exit_code == 2
    assert f"“{text}” is not a day; write it as 2026-03-31." in result.stderr


def test_a_new_password_is_asked_for_twice_and_not_shown() -> None:
    result = _ask("secret word\nsecret word\n")
    assert result.output.endswith("got 11\n")
    assert "secret" not in result.output


def test_two_that_differ_are_asked_for_again() -> None:
    result = _ask("one\ntwo\nthree\nthree\n")
    assert "The two differ. Try again." in result.output
    assert result.output.endswith("got 5\n")


def test_a_password_in_the_environment_is_not_asked_for() -> None:
    assert _ask(CUSTODES_TEST_PASSWORD="from there").output == "got 10\n"


def test_giving_up_changes_nothing() -> None:
    result = _ask("one\n")
    assert result.exit_code == 1
    assert "got" not in result.output


def test_completing_a_line_in_the_shell_asks_nothing() -> None:
    context = _password.make_context("x", [], resilient_parsing=True)
    assert context.params["password"] == ""
