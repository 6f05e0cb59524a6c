"""Who asks, on every request; closed by default; nothing kept in caches; every error a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language

from custodes.app import new_context
from custodes.errors import CustodesError
from custodes.web.discretion import be_discreet
from custodes.web.request import WebRequest, resume_session
from custodes.web.views.errors import error_page, note_error


class ContextMiddleware:
    """Give each request its Context, send strangers to the sign-in page, turn our errors into pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        # a server sets Django up once more as it starts, which gives the root logger new handlers
        be_discreet()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        web = cast("WebRequest", request)
        web.person, web.role = resume_session(request)
        web.context = replace(
            new_context(locale=get_language() or "en"),
            actor=web.person.id if web.person else None,
            agency=web.person.agency.id if web.person else None,
            role=web.role,
        )
        response = self._get_response(request)
        # only what everybody may have says of itself that it may be kept
        response.setdefault("Cache-Control", "no-store, private")
        response["X-Request-Id"] = str(web.context.trace)
        return response

    def process_view(
        self, request: WebRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Close every view that is not marked public to whoever is not signed in."""
        if request.person is not None or getattr(view, "is_public", False):
            return None
        target = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
        return redirect(reverse("sign-in") + target)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show our own errors; anything else is Django's, which shows the page for an unexpected one."""
        if not isinstance(exception, CustodesError):
            return None
        note_error(request, exception)
        return error_page(request, exception)
