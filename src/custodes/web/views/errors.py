"""Every error as a page: what happened, why, what to do, its code, and the id under which the log knows the request."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from custodes.app.process import services
from custodes.errors import Busy, CustodesError, InputError, NotFound, Refused, SetupError
from custodes.text import N_
from custodes.types import Context
from custodes.web.explain import explain
from custodes.workflows.boundary import log_error


def error_page(request: HttpRequest, error: CustodesError) -> HttpResponse:
    """Return the page for one of our errors, under its HTTP status."""
    page = render(request, "web/error.html", {"error": explain(error)}, status=error.http_status)
    if isinstance(error, Busy):
        page["Retry-After"] = str(error.values["seconds"])
    return page


def note_error(request: HttpRequest, error: CustodesError) -> None:
    """Leave the entry of a refusal or rejection that no workflow has logged: the pages' own."""
    context: Context | None = getattr(request, "context", None)
    if context is None or error.is_logged or isinstance(error, SetupError):
        return
    log_error(services(), context, f"page.{_page(request)}", error)


def _page(request: HttpRequest) -> str:
    """Return the page's own name, never the address that was asked for: it may hold anything."""
    try:
        return resolve(request.path_info).url_name or "unnamed"
    except Resolver404:
        return "unknown"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for an address that leads nowhere; a malformed id is such an address."""
    error = NotFound(
        "page.unknown",
        N_("There is no such page."),
        hint=N_("Check the address, or start again from your work."),
    )
    return error_page(request, error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for a request that cannot be read."""
    error = InputError(
        "page.bad-request",
        N_("The browser sent something that cannot be read."),
        hint=N_("Go back, shorten what you wrote if it was very long, and send it again."),
    )
    return render(request, "web/error.html", {"error": explain(error)}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for a refusal by the web framework itself."""
    return csrf_failure(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a form that did not come from one of our own pages."""
    error = Refused(
        "page.foreign-form",
        N_("This form was not accepted, because it did not come from a page that Custodes gave you."),
        why=N_("Either the page was open for too long, or another site tried to act in your name."),
        hint=N_("Open the page again and repeat what you did."),
    )
    note_error(request, error)
    return error_page(request, error)


def unexpected(request: HttpRequest) -> HttpResponse:
    """Return the page for an error that nobody foresaw; the details are in the server's own log, never here."""
    error = CustodesError(
        "page.unexpected",
        N_("Something went wrong that was not foreseen."),
        hint=N_("Try again. If it happens again, tell whoever runs this installation, with the request's id."),
    )
    return error_page(request, error)
