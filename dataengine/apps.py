"""The engine's Django app."""

from django.apps import AppConfig


class DataEngineConfig(AppConfig):
    """Knows PostgreSQL and tables, but no HTML."""

    name = "dataengine"
    verbose_name = "Tablekeep"
    default_auto_field = "django.db.models.BigAutoField"
