"""How many downloads of one user are sent at a time, by all web processes together: each holds a database session.

Who has a place holds a lease on it in Redis, renewed while the download gives signs of life, so that the places of a
process that was killed come free, and those that nobody gave back. While Redis is away each process counts its own: a
missing cache must not keep anybody out.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings

from dataengine.exceptions import DataEngineError

logger = logging.getLogger(__name__)

_LEASE_SECONDS = 60.0
_TIMEOUT_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
"""How long Redis is left alone after it did not answer: not every export should wait for it."""

# A sorted set of places by when their leases end. With 0 for “at most”, a lease is renewed.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if tonumber(ARGV[1]) > 0 and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], 86400)
return 1
"""


class TooMany(DataEngineError):
    """The user has as many under way as may be at a time."""

    code = "too_many_exports"
    status = 429
    retry_seconds = 10


class Place:
    """A place of a user. It comes free by itself a minute or two after the last sign of use."""

    def __init__(self, places: Places, key: str) -> None:
        self._places = places
        self.key = key
        """Of all the user's places."""
        self.token = uuid.uuid4().hex
        self.used = time.monotonic()

    def is_used(self) -> None:
        """Give a sign of use. Any thread may."""
        self.used = time.monotonic()

    def give_back(self) -> None:
        """Give it back. Once more does nothing."""
        self._places.give_back(self)


class Places:
    """The places that one process has taken. Leases are in seconds."""

    def __init__(self, lease: float = _LEASE_SECONDS) -> None:
        self._lease = lease
        self._client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
        )
        self._script = self._client.register_script(_TAKE)
        self._silent_until = 0.0
        self._held: set[Place] = set()
        self._renewing = False
        # Also while Redis is asked, so that no lease is renewed of a place that was just given back.
        self._lock = threading.Lock()

    def take(self, user_id: int) -> Place:
        """Take a place. Raises TooMany if there is none."""
        most: int = settings.MAX_EXPORTS_PER_USER
        place = Place(self, f"tablekeep:exports:{user_id}")
        with self._lock:
            here = sum(held.key == place.key for held in self._held)
            if most and (here >= most or not self._ask(lambda: self._take(place, most), otherwise=True)):
                raise TooMany(f"{most} of your exports are being sent; wait until one is done.")
            self._held.add(place)
            if not self._renewing:
                self._renewing = True
                threading.Thread(target=self._renew, name="leases", daemon=True).start()
        return place

    def give_back(self, place: Place) -> None:
        """End its lease."""
        with self._lock:
            if place in self._held:
                self._held.remove(place)
                self._ask(lambda: bool(self._client.zrem(place.key, place.token)), otherwise=False)

    def _take(self, place: Place, most: int) -> bool:
        return bool(self._script([place.key], [most, self._lease, place.token]))

    def _renew(self) -> None:
        """Renew the leases of all that are used as long as there are any, also those that Redis has forgotten."""
        while True:
            time.sleep(self._lease / 3)
            with self._lock:
                unused = {place for place in self._held if time.monotonic() - place.used > self._lease}
                if unused:
                    logger.error("%d exports ended without giving back their places.", len(unused))
                    self._held -= unused
                if not self._held:
                    self._renewing = False
                    return
                self._ask(lambda: all(self._take(place, 0) for place in self._held), otherwise=False)

    def _ask(self, question: Callable[[], bool], *, otherwise: bool) -> bool:
        """What Redis answers; ``otherwise`` if it does not."""
        if time.monotonic() < self._silent_until:
            return otherwise
        try:
            return question()
        except redis.RedisError:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            logger.warning("Redis does not answer; exports are counted by process.")
            return otherwise


@cache
def _of_this_process() -> Places:
    return Places()


def take(user_id: int) -> Place:
    """Take a place for this process. See ``Places.take``."""
    return _of_this_process().take(user_id)
