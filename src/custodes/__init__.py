"""Custodes: an investigative face-search system for police services that answers for itself."""

__version__ = "0.1.0"
