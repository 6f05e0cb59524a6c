"""My work: what a person can go on with, by their role."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from custodes.app.process import services
from custodes.errors import Conflict, CustodesError, InputError, NotFound
from custodes.types import RequestState, Role
from custodes.web.explain import explain
from custodes.web.loglines import LogRow
from custodes.web.request import WebRequest
from custodes.workflows import cases, viewing


@require_GET
def work(request: WebRequest) -> HttpResponse:
    """Show the work that waits for the person in their present role."""
    return _page(request)


@require_http_methods(["GET", "POST"])
def open_case(request: WebRequest) -> HttpResponse:
    """Open a case and go to it."""
    if request.method == "GET":
        return redirect("work")
    number = request.POST.get("number", "")
    try:
        record = cases.open_case(services(), request.context, number=number)
    except (InputError, Conflict) as error:
        return _page(request, error, case_number=number)
    return redirect("case", record.id)


@require_http_methods(["GET", "POST"])
def find_record(request: WebRequest) -> HttpResponse:
    """Go to the record that one's own service knows by a person number."""
    if request.method == "GET":
        return redirect("work")
    number = request.POST.get("person_number", "").strip()
    try:
        subject = viewing.subject_by_number(services(), request.context, person_number=number)
    except NotFound as error:
        return _page(request, error, person_number=number)
    return redirect("record", subject)


def _page(request: WebRequest, error: CustodesError | None = None, **typed: str) -> HttpResponse:
    if request.role is None:
        return render(request, "web/work_no_role.html", {"here": "/"})
    waiting = viewing.my_work(services(), request.context)
    values: dict[str, object] = {"here": "/", "error": explain(error) if error else None, **typed}
    if request.role is Role.AUDITOR:
        values["lines"] = [LogRow(line) for line in viewing.view_log(services(), request.context)]
    values["work"] = waiting
    values["open_cases"] = [case for case in waiting.cases if case.is_open]
    values["closed_cases"] = [case for case in waiting.cases if not case.is_open]
    values["mine"] = sorted(waiting.mine, key=lambda r: r.state not in (RequestState.APPROVED, RequestState.AWAITING))
    template = f"web/work_{request.role.value.replace('-', '_')}.html"
    return render(request, template, values, status=error.http_status if error else 200)
