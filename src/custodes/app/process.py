"""The services of this process: opened by the first request that needs them, or given by whoever starts the process."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from custodes.app import open_services
from custodes.app.sealing import start
from custodes.config import Config
from custodes.workflows.services import Services

_lock = Lock()
_services: Services | None = None
_stop: Callable[[], None] | None = None


def services() -> Services:
    """Return this process's services. Raises SetupError if there is no installation."""
    global _services, _stop  # noqa: PLW0603 - one per process is the point of this module
    with _lock:
        if _services is None:
            _services = open_services(Config.from_environment())
            _stop = start(_services, is_server=True)
        return _services


def close() -> None:
    """End what this process does in the background, the log sealed once more."""
    global _stop
    with _lock:
        stop, _stop = _stop, None
    if stop:
        stop()


def is_evaluation() -> bool:
    """Return whether nothing here is casework (ENG-04): so do the settings state, which an installation is held to.

    It opens no installation, so that the page for one that does not open can ask.
    """
    opened = _services
    return (opened.config if opened else Config.from_environment()).evaluation


def set_services(services: Services | None) -> None:
    """Give this process its services (a server before it forks, a test); ``None`` forgets them."""
    global _services  # noqa: PLW0603
    with _lock:
        _services = services
