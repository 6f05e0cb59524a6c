"""A search, from asking for it to its candidate list."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from custodes.app.process import services
from custodes.errors import CustodesError, InputError, NotFound, Refused
from custodes.ids import CaseId, ProbeId, RequestId
from custodes.text import N_
from custodes.web.explain import explain, missing_fields
from custodes.web.filters import described
from custodes.web.forms import SearchForm
from custodes.web.listing import listed
from custodes.web.request import WebRequest
from custodes.web.views.errors import note_error
from custodes.workflows import cases, people, requests, viewing
from custodes.workflows.search import search


@require_http_methods(["GET", "POST"])
def ask(request: WebRequest, case: CaseId, probe: ProbeId) -> HttpResponse:
    """Pick the face and say why: the request for a search."""
    file = cases.view_case(services(), request.context, case=case)
    chosen = next((record for record in file.probes if record.id == probe), None)
    if chosen is None:
        raise NotFound("probe.unknown", N_("There is no such probe."))
    form = SearchForm(request.POST or None, faces=len(chosen.faces), agencies=people.agencies())
    error: CustodesError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = requests.request_search(services(), request.context, form.to_request(case, probe))
        except (InputError, Refused) as refusal:
            if refusal.code in ("gate.role", "gate.own-agency"):
                raise
            error = refusal
            form.mark_missing(missing_fields(refusal))
        else:
            return redirect("request", made.id)
    elif form.is_bound:
        note_error(request, form.rejection())
    status = error.http_status if error else (422 if form.errors else 200)
    values = {
        "case": file.case,
        "probe": chosen,
        "form": form,
        "error": explain(error) if error else None,
        "here": reverse("ask", args=[case, probe]),
    }
    return render(request, "web/ask.html", values, status=status)


@require_GET
def request_page(request: WebRequest, search_request: RequestId) -> HttpResponse:
    """Show a request, where it stands, and the one next step."""
    return _page(request, search_request)


@require_http_methods(["GET", "POST"])
def decide(request: WebRequest, search_request: RequestId) -> HttpResponse:
    """Approve or decline a request that somebody else made."""
    reason = request.POST.get("reason", "")
    decision = {"approve": requests.approve_request, "decline": requests.decline_request}.get(
        request.POST.get("decision", "")
    )
    if decision is None:
        return redirect("request", search_request)
    try:
        decision(services(), request.context, request=search_request, reason=reason)
    except InputError as error:
        return _page(request, search_request, error, reason)
    return redirect("request", search_request)


@require_POST
def run_search(request: WebRequest, search_request: RequestId) -> HttpResponse:
    """Run the one search that was approved."""
    search(services(), request.context, request=search_request)
    return redirect("candidates", search_request)


@require_GET
def candidates(request: WebRequest, search_request: RequestId) -> HttpResponse:
    """Show the candidate list beside the probe. Order only: no score leaves this view."""
    view = viewing.view_candidates(services(), request.context, request=search_request)
    chosen = view.request.filters.agencies
    values = {
        "request_record": view.request,
        "agencies": [agency for agency in view.search.agencies if chosen is None or agency.id in chosen],
        "picked": view.request.probe.faces[view.request.face],
        "search": view.search,
        "candidates": listed(view),
        "filters": described(view.request.filters, people.agencies()),
    }
    return render(request, "web/candidates.html", values)


def _page(
    request: WebRequest, search_request: RequestId, error: CustodesError | None = None, reason: str = ""
) -> HttpResponse:
    record = viewing.view_request(services(), request.context, request=search_request)
    values = {
        "request_record": record,
        "filters": described(record.filters, people.agencies()),
        "is_mine": request.person is not None and record.requester == request.person.id,
        "error": explain(error) if error else None,
        "reason": reason,
        "here": reverse("request", args=[search_request]),
    }
    return render(request, "web/request.html", values, status=error.http_status if error else 200)
