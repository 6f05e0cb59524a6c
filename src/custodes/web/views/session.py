"""Signing in and out, acting in another role, reading in another language."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from custodes.app.process import services
from custodes.errors import NotSignedIn, Refused
from custodes.text import N_
from custodes.web.explain import explain
from custodes.web.request import WebRequest, begin_session, public
from custodes.workflows import people

_A_YEAR = 365 * 24 * 3600


@public
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The first page for anybody who is not signed in. There is no way to register oneself."""
    web = cast("WebRequest", request)
    if web.person is not None:
        return redirect("work")
    if request.method == "GET":
        return render(request, "web/sign_in.html", {"next": request.GET.get("next", "")})
    email, target = request.POST.get("email", ""), request.POST.get("next", "")
    try:
        person = people.sign_in(services(), web.context, email=email, password=request.POST.get("password", ""))
    except NotSignedIn as error:
        values = {"error": explain(error), "email": email, "next": target, "here": reverse("sign-in")}
        return render(request, "web/sign_in.html", values, status=error.http_status)
    begin_session(request, person)
    rotate_token(request)
    return redirect(safe_target(target))


@require_POST
def sign_out(request: WebRequest) -> HttpResponse:
    """End the session."""
    people.sign_out(services(), request.context)
    request.session.flush()
    return redirect("sign-in")


@require_POST
def change_role(request: WebRequest) -> HttpResponse:
    """Act in another of the roles one holds. Raises Refused ``session.role-not-held``."""
    wanted = request.POST.get("role", "")
    if request.person is None or wanted not in request.person.roles:
        raise Refused(
            "session.role-not-held",
            N_("You do not hold this role."),
            hint=N_("Choose one of your own roles. An administrator grants roles."),
        )
    request.session["role"] = wanted
    return redirect("work")


@public
@require_POST
def change_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie and go back to the page that asked."""
    response = redirect(safe_target(request.POST.get("next", "")))
    wanted = request.POST.get("language", "")
    if wanted in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, wanted, max_age=_A_YEAR, httponly=True, samesite="Strict", path="/"
        )
    return response


def safe_target(target: str) -> str:
    """Return ``target`` if it is an address of ours, else the first page: nobody is sent to another site."""
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else reverse("work")
