"""Slows down the guessing of passwords: counts failed attempts per address in the cache (Redis)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.core.cache import caches
from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

logger = logging.getLogger(__name__)


class FailedLoginThrottle(SimpleRateThrottle):
    """Refuses addresses that recently failed too often; successful log-ins do not count.

    The rate is a setting (``LOGIN_FAILURE_RATE``). Without Redis nobody is refused: a missing cache must not lock
    everybody out.

    The count begins with the first failure and expires after the rate's period. Redis itself increments it: if parallel
    requests read the count and wrote it back, all but one would go uncounted.

    Parallel guesses also pass ``allow_request`` together, before any of them has failed. So whoever checks a password
    asks twice: before, and with the result, by ``failed`` or ``allow_request``. Then no more guesses than the rate
    allows ever learn whether they were right.
    """

    scope = "login_failure"
    cache_format = "failed_logins_%(ident)s"
    num_requests: int
    duration: int
    _seconds_left = 0

    def get_cache_key(self, request: Request | HttpRequest, view: Any) -> str:
        # Not X-Forwarded-For, which anybody can set: the server sets REMOTE_ADDR from proxies that it trusts.
        return self.cache_format % {"ident": request.META.get("REMOTE_ADDR", "")}

    def allow_request(self, request: Request | HttpRequest, view: Any) -> bool:
        """Whether the address may try."""

        def read(transaction: Pipeline, key: str) -> None:
            transaction.get(key)

        return self._count(request, read) < self.num_requests

    def failed(self, request: Request | HttpRequest) -> bool:
        """Count a failed attempt. False if it was one too many: then it is refused like all further ones."""

        def add(transaction: Pipeline, key: str) -> None:
            # Set its expiry at the same time: a count that stayed would lock the address out for good.
            transaction.set(key, 0, ex=self.duration, nx=True)
            transaction.incr(key)

        return self._count(request, add) <= self.num_requests

    def wait(self) -> float:
        """Seconds until the address may try again."""
        return self._seconds_left

    def _count(self, request: Request | HttpRequest, command: Callable[[Pipeline, str], None]) -> int:
        """The count that ``command`` reads; 0 if there is none, or no Redis."""
        cache = caches["default"]
        key = cache.make_key(self.get_cache_key(request, None))
        # Django's cache cannot create, increment and expire a count in one step.
        client = cast("Redis", cache._cache.get_client(key, write=True))  # type: ignore[attr-defined]
        try:
            with client.pipeline(transaction=True) as transaction:
                command(transaction, key)
                transaction.ttl(key)
                *_, found, self._seconds_left = transaction.execute()
        except RedisError:
            logger.warning("The cache does not answer; login attempts are not counted.")
            return 0
        return int(found or 0)
