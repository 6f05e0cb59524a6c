"""One case: its probes, its requests, and putting another image into it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from custodes.app.process import services
from custodes.errors import CustodesError, ImageError, InputError
from custodes.ids import CaseId
from custodes.text import N_
from custodes.web.explain import explain
from custodes.web.request import WebRequest
from custodes.web.views.errors import note_error
from custodes.workflows import cases


@require_GET
def case(request: WebRequest, case: CaseId) -> HttpResponse:
    """Show a case."""
    return _page(request, case)


@require_http_methods(["GET", "POST"])
def add_probe(request: WebRequest, case: CaseId) -> HttpResponse:
    """Put an image into the case, then go and pick the face in it."""
    if request.method == "GET":
        return redirect("case", case)
    try:
        data, name = _upload(request)
        probe = cases.add_probe(services(), request.context, case=case, data=data, name=name)
    except InputError as error:
        note_error(request, error)
        return _page(request, case, error)
    return redirect("ask", case, probe.id)


@require_POST
def close_case(request: WebRequest, case: CaseId) -> HttpResponse:
    """Close the case."""
    cases.close_case(services(), request.context, case=case)
    return redirect("case", case)


def _page(request: WebRequest, case: CaseId, error: CustodesError | None = None) -> HttpResponse:
    values = {
        "file": cases.view_case(services(), request.context, case=case),
        "error": explain(error) if error else None,
        "here": reverse("case", args=[case]),
    }
    return render(request, "web/case.html", values, status=error.http_status if error else 200)


def _upload(request: WebRequest) -> tuple[bytes, str | None]:
    """Return the image that was sent and its name.

    Raises:
        ImageError: ``upload.too-large``, ``upload.nothing``, ``upload.several``.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        raise ImageError(
            "upload.too-large",
            N_("This upload is too large; an image may have at most %(limit)s bytes."),
            hint=N_("Crop it around the person, or ask the administrator to raise CUSTODES_MAX_IMAGE_BYTES."),
            limit=services().config.max_image_bytes,
        )
    files = request.FILES.getlist("image")
    if not files:
        raise ImageError(
            "upload.nothing", N_("No file was chosen."), hint=N_("Choose a JPEG or PNG file, or drop it on the page.")
        )
    if len(files) > 1:
        raise ImageError(
            "upload.several",
            N_("%(count)d files were sent at once; a probe is one image."),
            hint=N_("Add them one after the other."),
            count=len(files),
        )
    return files[0].read(), files[0].name
