"""The Celery application.

A task is a doorbell: it carries the id of a row, and the row is the truth. See `dataengine.tasks`.
"""

import gc
import os
from importlib import import_module
from typing import Any

from celery import Celery, Task
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun, worker_before_create_process

from config.environment import load_settings
from dataengine import origin

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


_ORIGIN = "tablekeep_origin"


@before_task_publish.connect
def send_origin(headers: dict[str, Any], **kwargs: Any) -> None:
    """A message says which request caused it."""
    headers[_ORIGIN] = origin.current_as_json()


@task_prerun.connect
def enter_origin(task: Task[Any, Any], **kwargs: Any) -> None:
    """What a task does comes from where its message comes from."""
    origin.enter(origin.Origin.read(task.request.get(_ORIGIN) or {}))


@task_postrun.connect
def leave_origin(**kwargs: Any) -> None:
    """What the process does next has other origins."""
    origin.enter(origin.Origin())


@worker_before_create_process.connect
def load_before_the_children(**kwargs: Any) -> None:
    """What every child needs is loaded once, in pages that all of them share."""
    for name in ("import_runs", "index_builds", "change_runs", "webhook_runs", "downloads", "source_runs"):
        import_module(f"dataengine.services.{name}")
    gc.collect()
    # The collector writes into whatever it looks at, so pages that it looks at are shared no more.
    gc.freeze()
