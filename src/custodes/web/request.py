"""What every view is handed: Django's request, and on it who asks, in which role, and the Context for workflows."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from custodes.ids import AccountId
from custodes.types import Context, Role
from custodes.workflows import people
from custodes.workflows.reference import AccountRecord


class WebRequest(HttpRequest):
    """A request that went through :class:`~custodes.web.middleware.ContextMiddleware`."""

    context: Context
    person: AccountRecord | None
    role: Role | None


View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in; every other view is closed to them."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def begin_session(request: HttpRequest, person: AccountRecord) -> None:
    """Start a person's session under a fresh key, in the first of their roles."""
    request.session.clear_expired()
    request.session.flush()
    request.session["account"] = str(person.id)
    request.session["proof"] = people.session_hash(person.id)
    if person.roles:
        request.session["role"] = person.roles[0].value


def resume_session(request: HttpRequest) -> tuple[AccountRecord | None, Role | None]:
    """Return whose session this is and in which role they act; a session that no longer holds is ended."""
    account = request.session.get("account")
    if account is None:
        return None, None
    person = people.resume(AccountId(account), request.session.get("proof", ""))
    if person is None:
        request.session.flush()
        return None, None
    chosen = request.session.get("role")
    fallback = person.roles[0] if person.roles else None
    return person, Role(chosen) if chosen in person.roles else fallback
