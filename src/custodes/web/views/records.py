"""One gallery record: everything held on one subject, and why each photograph may or may not be searched."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from custodes.app.process import services
from custodes.ids import SubjectId
from custodes.web.request import WebRequest
from custodes.workflows import viewing


@require_GET
def record(request: WebRequest, subject: SubjectId) -> HttpResponse:
    """Show a record."""
    found = viewing.view_record(services(), request.context, subject=subject)
    return render(request, "web/record.html", {"record": found})
