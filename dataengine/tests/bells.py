"""The bells that were rung, read from Redis: without a worker they wait in the queue."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.conf import settings

from config.celery import app


def unheard() -> list[tuple[str, int]]:
    """(task, key) of each bell that no worker has heard yet, in order."""
    with _redis() as client:
        messages = client.lrange(_queue(), 0, -1)
    found = []
    for message in map(json.loads, reversed(messages)):
        [arguments, *_] = json.loads(base64.b64decode(message["body"]))
        found.append((message["headers"]["task"].rpartition(".")[2], arguments[0]))
    return found


def rung() -> list[tuple[str, int]]:
    """The bells since the last call."""
    found = unheard()
    with _redis() as client:
        client.delete(_queue())
    return found


def _queue() -> str:
    queue: str = app.conf.task_routes["*"]["queue"]
    return queue


@contextmanager
def _redis() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client
