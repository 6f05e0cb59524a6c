"""Django's handle on the pages."""

from __future__ import annotations

from django.apps import AppConfig

from custodes.web.discretion import be_discreet


class WebConfig(AppConfig):
    """The pages' templates, static files and template filters."""

    name = "custodes.web"
    label = "web"

    def ready(self) -> None:
        """Keep addresses and ids out of what Django writes on standard error."""
        be_discreet()
