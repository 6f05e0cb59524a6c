"""Django's handle on the pages."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The pages' templates, static files and template filters."""

    name = "custodes.web"
    label = "web"
