"""Rings for work: sends a task that carries the key of a row. The row is the truth, and a bell that nobody hears is
rung again by the sweeper.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError as BrokerError

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 1.2

RUN_IMPORT = "dataengine.tasks.run_import"
BUILD_INDEX = "dataengine.tasks.build_index"
RUN_CHANGE = "dataengine.tasks.run_change"


def ring(task: str, pk: int, *, expires: float | None = None) -> None:
    """Send ``task`` with the key ``pk``. Gives up after about a second, whatever Redis does.

    A bell that is older than ``expires`` seconds when a worker comes to it is not heard.
    """

    def send() -> None:
        options: dict[str, Any] = {} if expires is None else {"expires": expires}
        try:
            current_app.send_task(task, (pk,), **options)
        except (BrokerError, OSError) as error:
            logger.warning("%s %s waits for the sweeper: %s", task, pk, error)

    thread = threading.Thread(target=send, name=f"ring-{pk}", daemon=True)
    thread.start()
    thread.join(timeout=_TIMEOUT_SECONDS)
