"""The console as a Django app."""

from django.apps import AppConfig


class WebuiConfig(AppConfig):
    """Its name, for INSTALLED_APPS."""

    name = "webui"
    verbose_name = "Console"
