"""The app that wires: the project's own management commands, and what listens to Django's signals."""

from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Contains no models."""

    name = "config"

    def ready(self) -> None:
        import_module("config.sign_ins")
        import_module("config.second_factor_events")
