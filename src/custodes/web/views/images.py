"""The two kinds of image, as previews without metadata. Each look is logged by the workflow before the bytes leave."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from custodes.app.process import services
from custodes.ids import PhotographId, ProbeId
from custodes.web.request import WebRequest
from custodes.workflows import viewing


@require_GET
def probe(request: WebRequest, probe: ProbeId) -> HttpResponse:
    """Return a probe's preview (JPEG)."""
    return HttpResponse(viewing.view_probe(services(), request.context, probe=probe), content_type="image/jpeg")


@require_GET
def photograph(request: WebRequest, photograph: PhotographId) -> HttpResponse:
    """Return a booking photograph's preview (JPEG)."""
    data = viewing.view_photograph(services(), request.context, photograph=photograph)
    return HttpResponse(data, content_type="image/jpeg")
