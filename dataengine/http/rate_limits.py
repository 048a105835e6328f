"""How many requests a client may send: counted in Redis, in one exchange, so that no request slips past another.

A window begins with the first request in it and ends after the rate's period; a refused request counts in none. While
Redis is away nobody is refused: a missing cache must not lock everybody out.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import redis
from django.conf import settings
from redis.commands.core import Script

from dataengine.exceptions import DataEngineError

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
"""How long nothing is counted after Redis did not answer: not every request should wait for it."""

# For each key its number of requests and the milliseconds until it begins anew; first, whether all are allowed.
_COUNT = """
local allowed, counts = 1, {}
for place, key in ipairs(KEYS) do
  local most, left = tonumber(ARGV[2 * place - 1]), redis.call('PTTL', key)
  local count = left > 0 and tonumber(redis.call('GET', key)) or 0
  if count == 0 then left = 1000 * ARGV[2 * place] end
  if count >= most then allowed = 0 end
  counts[2 * place - 1], counts[2 * place] = count, left
end
if allowed == 1 then
  for place, key in ipairs(KEYS) do
    if counts[2 * place - 1] == 0 then
      redis.call('SET', key, 1, 'PX', counts[2 * place])
    else
      redis.call('INCR', key)
    end
    counts[2 * place - 1] = counts[2 * place - 1] + 1
  end
end
return {allowed, unpack(counts)}
"""


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate, under the name that clients see, for one client."""

    name: str
    rate: Rate
    client: str

    @property
    def policy(self) -> str:
        """An item of ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.rate.most};w={self.rate.seconds}'


@dataclass(frozen=True, slots=True)
class Count:
    """How much of a limit is left, and in how many seconds all of it is there again."""

    limit: Limit
    left: int
    seconds: int

    @property
    def state(self) -> str:
        """An item of ``RateLimit``."""
        return f'"{self.limit.name}";r={self.left};t={self.seconds}'


class Exceeded(Exception):
    """One request too many; ``counts`` tell which limit is at its end."""

    def __init__(self, counts: Sequence[Count]) -> None:
        super().__init__()
        self.counts = counts

    @property
    def seconds(self) -> int:
        """How long to wait."""
        return max(count.seconds for count in self.counts if not count.left)


class TooManyUploads(DataEngineError):
    """The user has sent as many files as the rate allows; more later."""

    code = "throttled"
    status = 429


def count_upload(user_id: int) -> None:
    """Count a file that a user sends to the console, with those that come over the API. Raises TooManyUploads."""
    try:
        count(limits(upload=user_key(user_id)))
    except Exceeded as exceeded:
        most, minutes = exceeded.counts[0].limit.rate.most, -(-exceeded.seconds // 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        reason = f"You have sent {most} files, which is all for now. Try again in {wait}."
        error = TooManyUploads(reason, fields={"file": reason})
        error.retry_seconds = exceeded.seconds
        raise error from None


def user_key(user_id: int) -> str:
    """The client that a user is, without a token of their own."""
    return f"user:{user_id}"


def limits(**clients: str) -> list[Limit]:
    """The limits that are switched on, of those whose names are given with who is to be counted."""
    rates: dict[str, tuple[int, int] | None] = settings.RATES
    return [Limit(name, Rate(*rate), client) for name, client in clients.items() if (rate := rates[name])]


def count(asked: Sequence[Limit]) -> list[Count]:
    """Count a request; empty without limits or without Redis. Raises Exceeded instead if one is used up."""
    if not asked or time.monotonic() < _counter().silent_until:
        return []
    keys = [f"tablekeep:rate:{limit.name}:{limit.client}" for limit in asked]
    try:
        allowed, *found = _counter().script(keys, [number for limit in asked for number in limit.rate])
    except redis.RedisError:
        _counter().silent_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("Redis does not answer; for %s s requests are not counted.", _PAUSE_SECONDS)
        return []
    counts = [
        Count(limit, limit.rate.most - found[2 * place], math.ceil(found[2 * place + 1] / 1000))
        for place, limit in enumerate(asked)
    ]
    if not allowed:
        raise Exceeded(counts)
    return counts


@dataclass(slots=True)
class _Counter:
    script: Script
    silent_until: float = 0.0


@cache
def _counter() -> _Counter:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
    )
    return _Counter(client.register_script(_COUNT))
