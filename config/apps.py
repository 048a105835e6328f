"""The app that contains the project's own management commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Contains the management commands; no models."""

    name = "config"
