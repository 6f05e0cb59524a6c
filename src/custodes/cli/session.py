"""The command line's sign-in: it acts as a named person, like the pages do, or not at all (IAM-01)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from custodes.app import Actor, new_context, open_services, readable_database
from custodes.config import Config
from custodes.errors import Conflict, CustodesError, InputError, NotFound, NotSignedIn, Refused, SetupError
from custodes.ids import AccountId
from custodes.text import N_
from custodes.types import Context, Role

if TYPE_CHECKING:
    from django.contrib.sessions.backends.db import SessionStore

    from custodes.store.records import AccountRecord
    from custodes.workflows.services import Services

_LASTS = timedelta(hours=8)


def save(path: Path, person: AccountRecord, role: Role) -> None:
    """Begin a session: kept in the database like the pages' own, its key in a file that only this user can read."""
    from custodes.workflows import people

    _session_store().clear_expired()
    store = _session_store()(None)
    store["account"], store["role"], store["proof"] = str(person.id), role.value, people.session_hash(person.id)
    store.set_expiry(_LASTS)
    store.create()
    _session_store()(_key(path)).delete()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(str(store.session_key))


def end(path: Path) -> None:
    """End the session, in the database and on disk."""
    _session_store()(_key(path)).delete()
    path.unlink(missing_ok=True)


def choose_role(person: AccountRecord, wanted: str | None) -> Role:
    """Return the role to act in: the one wanted, or the only one held."""
    if wanted is None and len(person.roles) == 1:
        return person.roles[0]
    if wanted in person.roles:
        return Role(wanted)
    raise InputError(
        "session.role",
        N_("Say in which of your roles you act: %(roles)s."),
        hint=N_("Use --role. An administrator grants roles."),
        roles=", ".join(person.roles) or "—",
    )


def load(path: Path) -> tuple[AccountRecord, Role]:
    """Return who is signed in and in which role. Raises NotSignedIn ``session.none``."""
    from custodes.workflows import people

    session = _session_store()(_key(path))
    account, role = session.get("account"), session.get("role")
    person = people.resume(AccountId(account), session.get("proof", "")) if account else None
    if person is None or role not in person.roles:
        raise NotSignedIn(
            "session.none",
            N_("Nobody is signed in."),
            hint=N_("Sign in with “custodes sign-in”; a session lasts eight hours."),
        )
    return person, Role(role)


@contextmanager
def acting() -> Iterator[tuple[Services, Context]]:
    """Open the installation and act as the person who is signed in."""
    config = Config.from_environment()
    services = open_services(config)
    person, role = load(config.session_file)
    yield services, new_context(Actor(person.id, person.agency.id, role), locale=config.language)


def note_error(error: CustodesError, command: str) -> None:
    """Leave an entry for what was refused or rejected before any workflow ran: by whoever is signed in, or nobody.

    ``command``: the name of the command. Without an installation there is no log and so no entry.
    """
    if error.is_logged or not isinstance(error, InputError | Refused | NotSignedIn | NotFound | Conflict):
        return
    from custodes.workflows.boundary import log_error

    config = Config.from_environment()
    with suppress(SetupError), readable_database():
        services = open_services(config)
        actor = None
        with suppress(NotSignedIn):
            person, role = load(config.session_file)
            actor = Actor(person.id, person.agency.id, role)
        log_error(services, new_context(actor), f"command.{command}", error)


def _key(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _session_store() -> type[SessionStore]:
    from django.contrib.sessions.backends.db import SessionStore

    return SessionStore
