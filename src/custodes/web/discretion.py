"""What the web framework writes on standard error: no address, no host, no id of a record but the request's own.

Django names the path in each of its lines and prints a traceback for what a client did wrong.  Tracebacks of our own
faults stay: they are what an operator needs.
"""

from __future__ import annotations

import logging

_CLIENTS_FAULTS = range(400, 500)


class Discretion(logging.Filter):
    """Rewrite Django's lines about requests to status and request id."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, rewritten if it is about a request."""
        if record.name == "django.request" or record.name.startswith("django.security"):
            status = getattr(record, "status_code", 400)
            context = getattr(getattr(record, "request", None), "context", None)
            record.msg, record.args = "%s: status %s, request %s", (record.name, status, context and context.trace)
            if status in _CLIENTS_FAULTS:
                record.exc_info = record.exc_text = record.stack_info = None
        return True


def be_discreet() -> None:
    """Hold every handler of the root logger to discretion; doing it again changes nothing."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, Discretion) for known in handler.filters):
            handler.addFilter(Discretion())
