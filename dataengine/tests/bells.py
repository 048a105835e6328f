"""The bells that have been rung, read from Redis: those of tests without a worker wait in a queue that nobody hears."""

from __future__ import annotations

import base64
import json

import redis
from django.conf import settings

from config.celery import app


def rung() -> list[tuple[str, int]]:
    """(task, key) of each bell since the last call, in order."""
    queue = app.conf.task_routes["*"]["queue"]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        messages, _ = client.pipeline().lrange(queue, 0, -1).delete(queue).execute()
    found = []
    for message in map(json.loads, reversed(messages)):
        [arguments, *_] = json.loads(base64.b64decode(message["body"]))
        found.append((message["headers"]["task"].rpartition(".")[2], arguments[0]))
    return found
