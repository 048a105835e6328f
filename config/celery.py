"""The Celery application.

A task is a doorbell: it carries the id of a row, and the row is the truth. See `dataengine.tasks`.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from config.environment import load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load all pages with what they need, 70 MB in each worker process; `prepare` has run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("tablekeep")
app.on_configure.connect(load_settings)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Having a receiver is what stops Celery from replacing the LOGGING of the settings."""
