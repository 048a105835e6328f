"""The app that carries the project's own management commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds `stack` and `prepare`; no models."""

    name = "config"
