"""The log for everybody: the addresses of C2SP `tlog-tiles` under ``/log/``, and a page that says how it stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from custodes.app.process import services
from custodes.errors import NotFound
from custodes.web.request import WebRequest, public
from custodes.workflows import public_log

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_FRESH = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
"""A tile never changes (`tlog-tiles`, "Tiles"): caches may keep it."""


def _plainly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer programs, not people: what is not there is a line of text, and leaves no entry in the log."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            return HttpResponse(f"{error.what.render(str)}\n", status=404, content_type=_TEXT)

    return answer


@public
@require_safe
@_plainly
def note(request: HttpRequest, name: str) -> HttpResponse:
    """Return the checkpoint, the last cosigned one, or what is known of the witnesses."""
    data = public_log.public_note(services(), name)
    kind = "application/json" if name.endswith(".json") else _TEXT
    return HttpResponse(data, content_type=kind, headers={"Cache-Control": _FRESH})


@public
@require_safe
@_plainly
def keys(request: HttpRequest) -> HttpResponse:
    """Return the log's verifier keys, one a line."""
    return HttpResponse(public_log.public_keys(services()), content_type=_TEXT, headers={"Cache-Control": _FRESH})


@public
@require_safe
@_plainly
def tile(request: HttpRequest, path: str) -> HttpResponse:
    """Return a tile of hashes."""
    data = public_log.hash_tile(services(), f"tile/{path}")
    return HttpResponse(data, content_type=_BYTES, headers={"Cache-Control": _FOR_EVER})


@require_safe
@_plainly
def entries(request: WebRequest, path: str) -> HttpResponse:
    """Return an entry bundle to an auditor, kept in no cache."""
    data = public_log.entry_bundle(services(), request.context, path=f"tile/entries/{path}")
    return HttpResponse(data, content_type=_BYTES)


@public
@require_safe
def transparency(request: WebRequest) -> HttpResponse:
    """Say to anybody how the log stands, who is missing, and how to check it without trusting this page."""
    standing = public_log.public_standing(services(), request.context)
    address = request.build_absolute_uri("/log/")
    return render(request, "web/transparency.html", {"standing": standing, "address": address, "here": "/transparency"})
