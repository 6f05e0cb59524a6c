"""Who acts at the terminal (IAM-01): a named person with a session of their own, or nobody."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from tests.cli.conftest import Terminal
from tests.workflows.conftest import PASSWORD

from custodes.errors import NotSignedIn
from custodes.store.models import Account, RoleGrant
from custodes.types import Role
from custodes.workflows import people


def _is_signed_out(terminal: Terminal) -> bool:
    result = terminal.run("whoami")
    return result.exit_code == NotSignedIn.exit_code and "[session.none]" in result.stderr


def test_whoever_signs_in_is_that_person_until_they_sign_out(terminal: Terminal) -> None:
    assert _is_signed_out(terminal)
    terminal.as_("searcher")
    assert "Person2 Doe <person2.doe@nrp.example>, Northridge Police, as Searcher." in terminal.ok("whoami")
    terminal.ok("sign-out")
    assert _is_signed_out(terminal)
    assert not terminal.config.session_file.exists()
    assert Session.objects.count() == 0


def test_the_password_is_never_an_argument_that_is_shown(terminal: Terminal) -> None:
    output = terminal.ok("sign-in", terminal.world.person("searcher").email, CUSTODES_PASSWORD=PASSWORD)
    assert PASSWORD not in output


def test_a_wrong_password_signs_nobody_in(terminal: Terminal) -> None:
    result = terminal.run("sign-in", terminal.world.person("searcher").email, CUSTODES_PASSWORD="wrong")
    assert (result.exit_code, "[sign-in.failed]" in result.stderr) == (77, True)
    assert terminal.world.log()[0]["kind"] == "sign-in.failed"
    assert _is_signed_out(terminal)


def test_the_session_file_is_for_its_owner_alone_even_if_it_was_open_before(terminal: Terminal) -> None:
    """Attack: leave a world-readable file where the key of the next session will be written."""
    terminal.config.session_file.write_text("")
    terminal.config.session_file.chmod(0o666)
    terminal.as_("searcher")
    assert stat.S_IMODE(terminal.config.session_file.stat().st_mode) == 0o600


def test_the_file_holds_a_key_and_nothing_about_the_person(terminal: Terminal) -> None:
    terminal.as_("searcher")
    text = terminal.config.session_file.read_text()
    assert text == Session.objects.get().session_key
    assert "acc_" not in text


def test_signing_in_again_ends_the_session_before(terminal: Terminal) -> None:
    terminal.as_("searcher")
    before = terminal.config.session_file.read_text()
    terminal.as_("supervisor")
    assert Session.objects.count() == 1
    terminal.config.session_file.write_text(before)
    assert _is_signed_out(terminal)


@pytest.mark.parametrize(
    "content", [b"", b"x" * 32, b"../../etc/passwd", b"\xff\xfe", b"a b\nc", b"'; --", b"x" * 10_000]
)
def test_a_forged_session_is_nobody(content: bytes, terminal: Terminal) -> None:
    terminal.as_("searcher")
    terminal.config.session_file.write_bytes(content)
    assert _is_signed_out(terminal)


def test_a_session_expires_after_eight_hours(terminal: Terminal) -> None:
    terminal.as_("searcher")
    session = Session.objects.get()
    left = session.expire_date - timezone.now()
    assert timedelta(hours=7, minutes=59) < left <= timedelta(hours=8)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert _is_signed_out(terminal)


def test_an_account_that_ended_ends_its_session(terminal: Terminal) -> None:
    """IAM-07."""
    terminal.as_("searcher")
    Account.objects.filter(uid=terminal.world.person("searcher").id).update(state="suspended")
    assert _is_signed_out(terminal)


def test_an_administrator_suspends_at_the_terminal_and_the_person_s_session_is_over(terminal: Terminal) -> None:
    """IAM-07."""
    searcher = terminal.world.person("searcher")
    terminal.as_("searcher")
    theirs = terminal.config.session_file.read_text()
    boss = terminal.as_("administrator")
    assert "is suspended" in boss.ok("account", "suspend", searcher.email, "--reason", "File 7.")
    assert boss.run("account", "suspend", searcher.email, "--reason", "File 7.").exit_code
    assert "searcher" in boss.ok("account", "reinstate", str(searcher.id), "--reason", "Cleared.").lower()
    terminal.config.session_file.write_text(theirs)
    assert _is_signed_out(terminal)
    boss = terminal.as_("administrator")
    assert "—" in boss.ok("account", "withdraw", searcher.email, "searcher", "--reason", "Moved.")
    assert "has ended" in boss.ok("account", "end", searcher.email, "--reason", "Left.")


def test_an_account_that_is_gone_is_nobody(terminal: Terminal) -> None:
    terminal.as_("searcher")
    Account.objects.filter(uid=terminal.world.person("searcher").id).delete()
    assert _is_signed_out(terminal)


def test_a_changed_password_ends_the_session(terminal: Terminal) -> None:
    terminal.as_("searcher")
    row = Account.objects.get(uid=terminal.world.person("searcher").id)
    row.set_password("another passphrase")
    row.save()
    assert _is_signed_out(terminal)


def test_a_role_that_was_taken_away_ends_the_session(terminal: Terminal) -> None:
    """IAM-07."""
    terminal.as_("searcher")
    RoleGrant.objects.filter(account__uid=terminal.world.person("searcher").id).delete()
    assert _is_signed_out(terminal)


def test_whoever_holds_several_roles_says_in_which_they_act(terminal: Terminal) -> None:
    world, searcher = terminal.world, terminal.world.person("searcher")
    people.grant_role(world.services, world.as_("administrator"), account=searcher.id, role=Role.SUPERVISOR)
    result = terminal.run("sign-in", searcher.email, CUSTODES_PASSWORD=PASSWORD)
    assert (result.exit_code, "[session.role]" in result.stderr) == (65, True)
    assert "searcher, supervisor" in result.stderr
    assert _is_signed_out(terminal)
    terminal.ok("sign-in", searcher.email, "--role", "supervisor", CUSTODES_PASSWORD=PASSWORD)
    assert "as Supervisor" in terminal.ok("whoami")


@pytest.mark.parametrize("role", ["administrator", "auditor", "nonsense", ""])
def test_a_role_that_is_not_held_cannot_be_acted_in(role: str, terminal: Terminal) -> None:
    result = terminal.run(
        "sign-in", terminal.world.person("searcher").email, "--role", role, CUSTODES_PASSWORD=PASSWORD
    )
    assert (result.exit_code, "[session.role]" in result.stderr) == (65, True)
    assert _is_signed_out(terminal)


_ID = "0" * 26
_AGREEMENT = ("--owner", "A", "--searcher", "B", "--reference", "C", "--from", "2026-01-01", "--to", "2026-01-02")


@pytest.mark.parametrize(
    "arguments",
    [
        ["sign-out"],
        ["whoami"],
        ["agency", "add", "X", "X"],
        ["agency", "list"],
        [
            "agency",
            "agree",
            *["--owner", "A", "--searcher", "B", "--reference", "C", "--from", "2026-01-01", "--to", "2026-01-02"],
        ],
        ["account", "grant", f"acc_{_ID}", "searcher"],
        ["case", "open", "1"],
        ["case", "close", "1"],
        ["case", "list"],
        ["case", "show", "1"],
        ["probe", "add", "1", __file__],
        ["request", "make"],
        ["request", "approve", f"req_{_ID}"],
        ["request", "decline", f"req_{_ID}", "--reason", "r"],
        ["request", "show", f"req_{_ID}"],
        ["search", f"req_{_ID}"],
        ["search", f"req_{_ID}", "--show"],
        ["record", "P1"],
        ["log"],
    ],
    ids=" ".join,
)
def test_a_command_needs_somebody_who_is_signed_in(arguments: list[str], terminal: Terminal) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == NotSignedIn.exit_code, result.output
    assert "[session.none]" in result.stderr
    assert "custodes sign-in" in result.stderr


def test_a_command_by_nobody_leaves_one_entry(terminal: Terminal) -> None:
    size = terminal.world.services.entries.size()
    terminal.run("case", "list")
    assert terminal.world.services.entries.size() == size + 1
    entry = terminal.world.log()[0]
    assert entry["kind"] == "action.refused"
    assert entry["facts"] == {"action": "command.case", "code": "session.none"}


def test_a_malformed_id_leaves_one_entry_that_names_who_tried(terminal: Terminal) -> None:
    """Attack: probe for records with ids that no workflow is ever handed."""
    terminal.as_("searcher")
    size = terminal.world.services.entries.size()
    assert terminal.run("search", "req_zz").exit_code == 65
    assert terminal.world.services.entries.size() == size + 1
    entry = terminal.world.log()[0]
    assert (entry["kind"], entry["actor"]) == ("input.rejected", terminal.world.person("searcher").id)
    assert "zz" not in str(entry["facts"])


def test_sessions_that_expired_are_removed_at_the_next_sign_in(terminal: Terminal) -> None:
    terminal.as_("searcher")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    terminal.config.session_file.unlink()
    terminal.as_("supervisor")
    assert Session.objects.count() == 1


def test_an_auditor_replays_a_search_at_the_terminal(terminal: Terminal) -> None:
    """SRCH-06."""
    request = terminal.world.approved(1)
    terminal.as_("searcher").ok("search", request)
    assert "same list and the same certificate" in terminal.as_("auditor").ok("search", request, "--replay")
