"""What every template knows: who is signed in, in which role, the request's name in the log, and if it is casework."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from custodes.app.process import is_evaluation


def person(request: HttpRequest) -> dict[str, Any]:
    """Return the values; on a page for an error before anybody was recognised they are None."""
    context = getattr(request, "context", None)
    return {
        "person": getattr(request, "person", None),
        "role": getattr(request, "role", None),
        "trace": context.trace if context else None,
        "is_evaluation": is_evaluation(),
        # a form that was refused is shown again at the address it was sent to, which may not be a page of its own
        "here": request.get_full_path() if request.method == "GET" else None,
    }
