"""Rings for work: sends a task with the key of a row.

The row is the truth; a bell that nobody hears is rung again by the sweeper.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db.models import Q
from kombu.exceptions import OperationalError as BrokerError

from dataengine import origin
from dataengine.jobs.attempts import claimable
from dataengine.models import ChangeJob, ImportJob, Index

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 1.2

RUN_IMPORT = "dataengine.tasks.run_import"
BUILD_INDEX = "dataengine.tasks.build_index"
RUN_CHANGE = "dataengine.tasks.run_change"
DELIVER = "dataengine.tasks.deliver"
DOWNLOAD = "dataengine.tasks.download"


def ring(task: str, pk: int, *, expires: float | None = None) -> None:
    """Send ``task`` with the key ``pk``. Gives up after about a second, whatever Redis does.

    A bell that is older than ``expires`` seconds when a worker gets it is ignored.
    """

    if not send(task, pk, expires=expires):
        logger.warning("%s %s has to wait for the sweeper", task, pk)


def send(task: str, *arguments: Any, expires: float | None = None) -> bool:
    """Send ``task`` to a worker. Whether Redis has it, which is known within about a second."""
    sent: list[bool] = []

    def to_broker() -> None:
        options: dict[str, Any] = {} if expires is None else {"expires": expires}
        try:
            current_app.send_task(task, arguments, **options)
            sent.append(True)
        except (BrokerError, OSError) as error:
            logger.warning("%s was not sent: %s", task, error)

    thread = origin.thread(to_broker, f"send-{task}")
    thread.start()
    thread.join(timeout=_TIMEOUT_SECONDS)
    return bool(sent)


def ring_waiting(table_id: int | None) -> None:
    """Ring for the jobs that wait for a table, now that it is free: the first one of each kind.

    For an index only if nothing else waits, since its build would have to make way. A job that failed and waits for its
    next attempt is not rung for before that is due, or its own end would ring for it for ever.
    """
    if table_id is None:
        return
    is_awaited = False
    for model, task in ((ImportJob, RUN_IMPORT), (ChangeJob, RUN_CHANGE)):
        first = claimable(model).filter(Q(table=table_id)).order_by("pk").first()
        if first is not None:
            ring(task, first.pk)
            is_awaited = True
    index = None if is_awaited else claimable(Index).filter(table=table_id).order_by("pk").first()
    if index is not None:
        ring(BUILD_INDEX, index.pk)
