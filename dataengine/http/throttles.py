"""Slows down guessing of passwords: failed attempts per address, counted in the cache (Redis)."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

logger = logging.getLogger(__name__)


class FailedLoginThrottle(SimpleRateThrottle):
    """Refuses an address that failed too often lately; who gets it right is never slowed down.

    The rate stands in the settings (``LOGIN_FAILURE_RATE``). Without Redis nobody is refused: a cache that is away
    must not lock everybody out.
    """

    scope = "login_failure"

    def get_cache_key(self, request: Request | HttpRequest, view: Any) -> str:
        # Not X-Forwarded-For, which anybody can write: the server sets REMOTE_ADDR from proxies that it trusts.
        return self.cache_format % {"scope": self.scope, "ident": request.META.get("REMOTE_ADDR", "")}

    def allow_request(self, request: Request | HttpRequest, view: Any) -> bool:
        try:
            return bool(super().allow_request(request, view))  # type: ignore[arg-type]  # asks our own get_cache_key only
        except RedisError:
            logger.warning("The cache does not answer; login attempts are not counted.")
            return True

    def throttle_success(self) -> bool:
        """Only failures count (``failed``)."""
        return True

    def failed(self, request: Request | HttpRequest) -> None:
        """Count one failed attempt."""
        key = self.get_cache_key(request, None)
        try:
            now = self.timer()
            _, seconds = self.parse_rate(self.rate)
            recent = [moment for moment in self.cache.get(key, []) if moment > now - (seconds or 0)]
            self.cache.set(key, [now, *recent], seconds)
        except RedisError:
            logger.warning("The cache does not answer; login attempts are not counted.")
